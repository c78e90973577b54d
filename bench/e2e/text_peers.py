#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sizes and speeds of text files beside zstd, xz, brotli and bzip2 (Debian packages of those names), whole commands.

    python3 bench/e2e/text_peers.py --gramzip build/default/host/cli/gramzip FILE...

Every archive is decoded and compared. Seconds are processor time of the whole command (user + system) with one thread,
the least of --runs. A MB is 10^6 bytes. --csv prints one line a file and codec instead of tables."""
import argparse
import filecmp
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile

PEERS = [  # name, compress, decompress; {in} and {out} are paths
    ("zstd -3", "zstd -3 -q -f {in} -o {out}", "zstd -d -q -f {in} -o {out}"),
    ("zstd -19", "zstd -19 -q -f {in} -o {out}", "zstd -d -q -f {in} -o {out}"),
    ("zstd --ultra -22 --long=27", "zstd --ultra -22 --long=27 -q -f {in} -o {out}", "zstd -d --long=27 -q -f {in} -o {out}"),
    ("xz -9", "sh -c 'xz -9 -T1 -c {in} > {out}'", "sh -c 'xz -dc {in} > {out}'"),
    ("brotli -q 11 -w 24", "brotli -q 11 -w 24 -f {in} -o {out}", "brotli -d -f {in} -o {out}"),
    ("bzip2 -9", "sh -c 'bzip2 -9 -c {in} > {out}'", "sh -c 'bzip2 -dc {in} > {out}'"),
]


def timed(command, **paths):
    """Runs a command; processor seconds of it and of what it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = command
    for name, path in paths.items():
        text = text.replace("{" + name + "}", str(path))
    subprocess.run(["sh", "-c", text], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure(codec, file, folder, runs):
    name, compress, decompress = codec
    packed, back = folder / "packed", folder / "back"
    there = min(timed(compress, **{"in": file, "out": packed}) for _ in range(runs))
    again = min(timed(decompress, **{"in": packed, "out": back}) for _ in range(runs))
    if not filecmp.cmp(file, back, shallow=False):
        sys.exit(f"{name}: {file} did not come back")
    return packed.stat().st_size, there, again


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gramzip", required=True)
    parser.add_argument("--levels", default="1,6,9")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--csv", action="store_true")
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    ours = [(f"gramzip -{l}", f"{args.gramzip} -{l} -T1 -q -f {{in}} -o {{out}}", f"{args.gramzip} -d -T1 -q -f {{in}} -o {{out}}")
            for l in args.levels.split(",") if l]
    peers = [p for p in PEERS if shutil.which(p[1].replace("sh -c '", "").split()[0])]
    if args.csv:
        print("file,bytes,codec,compressed,ratio,compress_MB_s,decompress_MB_s")
    with tempfile.TemporaryDirectory() as scratch:
        for file in args.files:
            size = os.path.getsize(file)
            if not args.csv:
                print(f"\n{file.name}, {size} bytes\n| codec | bytes | ratio | compress MB/s | decompress MB/s |\n|---|---|---|---|---|")
            for codec in ours + peers:
                packed, there, again = measure(codec, file, pathlib.Path(scratch), args.runs)
                speeds = f"{size / 1e6 / max(there, 1e-3):.2f}", f"{size / 1e6 / max(again, 1e-3):.0f}"
                if args.csv:
                    print(f"{file.name},{size},{codec[0]},{packed},{size / packed:.4f},{speeds[0]},{speeds[1]}")
                else:
                    print(f"| {codec[0]} | {packed} | {size / packed:.3f} | {speeds[0]} | {speeds[1]} |")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
