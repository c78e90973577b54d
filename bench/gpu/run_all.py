# SPDX-License-Identifier: Apache-2.0
"""All GPU benchmarks in under 8 minutes, with Python alone: kernels, calls, files, nvCOMP where it is installed.

    run_all.py --build DIR [--results DIR] [--minutes 7.5] [--max-mib 1024]

DIR holds bench/gpu/bench_gpu and host/cli/gramzip (cmake --preset cuda -DGRAMZIP_BENCH=ON). Writes
bench/results/<date>-<device>.json, .csv and plots as .svg beside it. Exit status 2: no device answers.
"""
import argparse
import datetime
import json
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import report  # noqa: E402


def program(build, name):
    found = [p for p in pathlib.Path(build).rglob(name) if p.is_file() and p.stat().st_mode & 0o111]
    if not found:
        sys.exit(f"{build}: no program {name}; cmake --preset cuda -DGRAMZIP_BENCH=ON builds it")
    return str(found[0])


def make_files(folder, mib, unit=1 << 20):
    """Prose of words drawn by rank, and a checkpoint of BF16 weights: `unit` of these, and half as many words, again and
    again from other places on."""
    rng = random.Random(1)
    words = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 9))) for _ in range(4000)]
    text = " ".join(words[min(int(rng.paretovariate(0.7)) - 1, len(words) - 1)] for _ in range(unit // 2)).encode()
    values = bytearray()
    for _ in range(unit):
        values += struct.pack("<f", rng.gauss(0, 0.02))[2:]
    paths = {"text": folder / "prose.txt", "weights": folder / "weights.safetensors"}
    with open(paths["text"], "wb") as out:
        while out.tell() < mib << 20:
            at = rng.randrange(len(text))
            out.write(text[at:] + text[:at])
    n = (mib << 20) // len(values)
    header = json.dumps({f"layer{i}.weight": {"dtype": "BF16", "shape": [unit],
                                              "data_offsets": [i * len(values), (i + 1) * len(values)]}
                         for i in range(n)}).encode()
    header += b" " * (-len(header) % 8)
    with open(paths["weights"], "wb") as out:
        out.write(struct.pack("<Q", len(header)) + header)
        for _ in range(n):
            at = 2 * rng.randrange(len(values) // 2)
            out.write(values[at:] + values[:at])
    return paths


def time_files(tool, paths, deadline, runs=3):
    """Seconds of whole commands, file to file, on the device and on the CPU."""
    rows = []
    for kind, path in paths.items():
        size, packed, back = path.stat().st_size, path.with_suffix(".grz"), path.with_suffix(".back")
        for where in ("cuda", "cpu"):
            commands = {"compress": [tool, "compress", "--device", where, "-f", "-o", packed, path],
                        "decompress": [tool, "decompress", "--device", where, "-f", "-o", back, packed]}
            for step, command in commands.items():
                seconds = []
                while len(seconds) < runs and (not seconds or time.monotonic() < deadline):
                    start = time.perf_counter()
                    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
                    seconds.append(time.perf_counter() - start)
                rows.append({"kind": "file", "case": kind, "step": step, "name": where, "content_bytes": size,
                             "coded_bytes": packed.stat().st_size, "runs": len(seconds), "min_s": min(seconds),
                             "median_s": sorted(seconds)[len(seconds) // 2]})
            if path.read_bytes() != back.read_bytes():
                sys.exit(f"{path}: did not come back")
    return rows


def time_peers(paths, seconds):
    """Rows of nvcomp_peer.py, or why there are none."""
    command = [sys.executable, str(HERE / "nvcomp_peer.py"), "--seconds", str(max(5, seconds)), *map(str, paths.values())]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    except subprocess.TimeoutExpired:
        return [], "nvCOMP took too long"
    if run.returncode != 0:
        return [], (run.stderr.strip().splitlines() or ["nvCOMP failed"])[-1]
    return json.loads(run.stdout), None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--results", default=HERE.parent / "results", type=pathlib.Path)
    parser.add_argument("--minutes", default=7.5, type=float, help="for all of it, about")
    parser.add_argument("--max-mib", default=1024, type=int, help="most content at once")
    args = parser.parse_args()
    start, end = time.monotonic(), time.monotonic() + 60 * args.minutes
    bench = program(args.build, "bench_gpu")
    probe = subprocess.run([bench, "--max-mib", "0"], stdout=subprocess.DEVNULL)  # copies alone
    if probe.returncode != 0:
        return probe.returncode
    tool = program(args.build, "gramzip")
    run = subprocess.run([bench, "--seconds", str(60 * args.minutes * 0.55), "--max-mib", str(args.max_mib)],
                         stdout=subprocess.PIPE, text=True)
    if run.returncode != 0:
        return run.returncode
    result = json.loads(run.stdout)
    result["date"] = datetime.date.today().isoformat()
    with tempfile.TemporaryDirectory(prefix="gramzip-bench-") as folder:
        paths = make_files(pathlib.Path(folder), min(256, args.max_mib))
        result["measurements"] += time_files(tool, paths, end - 60)
        rows, why = time_peers(paths, min(60, end - time.monotonic() - 10))
        result["measurements"] += rows
        if why:
            result["peers_skipped"] = why
            print(f"no peer rows: {why}")
    result["seconds"] = time.monotonic() - start
    device = re.sub(r"[^a-z0-9]+", "-", result["device"]["name"].lower()).strip("-")
    args.results.mkdir(parents=True, exist_ok=True)
    for path in report.write(result, args.results / f"{result['date']}-{device}"):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
