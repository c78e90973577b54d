# SPDX-License-Identifier: Apache-2.0
"""nvCOMP on files, in device memory, by its Python package (nvidia-nvcomp-cu12 or -cu13), as JSON rows.

    nvcomp_peer.py [--seconds N] FILE...     exit status 3: the package or a device is not there
"""
import argparse
import ctypes
import json
import os
import sys
import time

ALGORITHMS = ("ANS", "Bitcomp", "Cascaded", "Deflate", "GDeflate", "LZ4", "Snappy", "Zstd")


def synchronise():
    """Waits for the device; the driver's library is wherever a device is."""
    if ctypes.CDLL("libcuda.so.1").cuCtxSynchronize() != 0:
        raise RuntimeError("cuCtxSynchronize failed")


def timed(call, deadline, runs=5):
    seconds, result = [], call()  # the first is not counted
    synchronise()
    while len(seconds) < runs and (not seconds or time.monotonic() < deadline):
        start = time.perf_counter()
        result = call()
        synchronise()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds), result


def rows_of(nvcomp, path, algorithm, deadline):
    with open(path, "rb") as file:
        content = file.read()
    on_device = nvcomp.as_array(content).cuda()
    codec = nvcomp.Codec(algorithm=algorithm)
    encode_s, coded = timed(lambda: codec.encode(on_device), deadline)
    decode_s, decoded = timed(lambda: codec.decode(coded), deadline)
    if bytes(decoded.cpu()) != content:
        raise RuntimeError("what was decoded is not what was encoded")
    return [{"kind": "peer", "case": os.path.basename(path), "step": step, "name": f"nvCOMP {algorithm}",
             "content_bytes": len(content), "coded_bytes": coded.buffer_size, "runs": len(s), "min_s": s[0],
             "median_s": s[len(s) // 2]} for step, s in (("encode", encode_s), ("decode", decode_s))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("files", nargs="+", metavar="FILE")
    args = parser.parse_args()
    try:
        from nvidia import nvcomp
    except ImportError as error:
        print(f"nvCOMP's Python package is not there: {error}", file=sys.stderr)
        return 3
    rows, start = [], time.monotonic()
    jobs = [(f, a) for f in args.files for a in ALGORITHMS]
    for i, (file, algorithm) in enumerate(jobs):
        try:
            rows += rows_of(nvcomp, file, algorithm, start + args.seconds * (i + 1) / len(jobs))
        except Exception as error:  # an algorithm that this version or this content does not allow
            print(f"{algorithm}, {file}: {error}", file=sys.stderr)
    if not rows:
        print("nvCOMP ran nothing: no device, or no algorithm that it has", file=sys.stderr)
        return 3
    json.dump(rows, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
