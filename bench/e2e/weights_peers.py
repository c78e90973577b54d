#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sizes of checkpoints beside ZipNN (PyPI), zstd and xz (Debian packages), every byte of every file counted.

    pip install numpy zipnn
    python3 bench/e2e/weights_peers.py --gramzip build/default/host/cli/gramzip FILE.safetensors...

Every archive is decoded and compared, ZipNN's too. ZipNN gets the tensor data without the safetensors header, which is
added to its size as it is. "order-0 exponent" is no program: the entropy of the file's exponents and its other bits raw.
Seconds are processor time (user + system): of whole commands with one thread, of the library call for ZipNN.

--speed times whole commands beside zstd -1 and -3 instead, all with one thread, one after another in each of --runs rounds
(best of 7 unless told), and needs no package: processor time and time on the wall, start of the program, reading, writing
and syncing included; cp shows what reading and writing alone take. A MB is 10^6 bytes of the file. --scratch chooses where
archives are written: a folder in memory leaves out the disk."""
import argparse
import json
import math
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from text_peers import measure  # noqa: E402
import speed  # noqa: E402

FORMATS = {  # dtype: bits, exponent bits, numpy type, ZipNN's name
    "BF16": (16, 8, "<u2", "bfloat16"), "F16": (16, 5, "<u2", "float16"), "F32": (32, 8, "<u4", "float32"),
    "F8_E4M3": (8, 4, "u1", None),
}
COMMANDS = [
    ("zstd -3", "zstd -3 -q -f {in} -o {out}", "zstd -d -q -f {in} -o {out}"),
    ("zstd -19", "zstd -19 -q -f {in} -o {out}", "zstd -d -q -f {in} -o {out}"),
    ("xz -6", "xz -6 -T1 -c {in} > {out}", "xz -dc {in} > {out}"),
]
SPEED_PEERS = [(f"zstd -{level}", f"zstd -{level} -T1 -q -f {{in}} -o {{out}}", "zstd -d -q -f {in} -o {out}")
               for level in (1, 3)] + [("cp", "cp {in} {out}", "cp {in} {out}")]


def tensor_data(file):
    data = file.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    dtypes = {t["dtype"] for name, t in json.loads(data[8:begin]).items() if name != "__metadata__"}
    return data[begin:], begin, dtypes.pop() if len(dtypes) == 1 else None


def exponent_entropy(data, header, dtype):
    import numpy as np
    bits, exponent, kind, _ = FORMATS[dtype]
    x = np.frombuffer(data, kind)
    counts = np.bincount((x >> (bits - 1 - exponent)) & ((1 << exponent) - 1))
    counts = counts[counts > 0]
    entropy = float(-(counts * np.log2(counts / len(x))).sum())
    return header + math.ceil((entropy + len(x) * (bits - exponent)) / 8)


def zipnn(data, header, dtype, runs):
    import zipnn as library
    name = FORMATS[dtype][3]
    if name is None:
        name = "bfloat16"  # ZipNN has no 8-bit floats; it then codes bytes
    best = [math.inf, math.inf]
    for _ in range(runs):
        coder = library.ZipNN(bytearray_dtype=name, input_format="byte", threads=1)
        start = time.process_time()
        packed = coder.compress(bytearray(data))
        middle = time.process_time()
        back = coder.decompress(packed)
        end = time.process_time()
        best = [min(best[0], middle - start), min(best[1], end - middle)]
        if bytes(back) != data:
            return None
    return header + len(packed), best[0], best[1]


def ours(gramzip):
    return [(f"gramzip {options}".strip(), f"{gramzip} {options} -T1 -q -f {{in}} -o {{out}}",
             f"{gramzip} -d -T1 -q -f {{in}} -o {{out}}") for options in ("", "--fast")]


def rows(file, gramzip, runs, scratch):
    data, header, dtype = tensor_data(file)
    for command in ours(gramzip):
        yield command[0], measure(command, file, scratch, runs)
    if dtype in FORMATS:
        result = zipnn(data, header, dtype, runs)
        if result:
            yield "ZipNN", result
        else:
            print(f"ZipNN did not give {file.name} back")
        yield "order-0 exponent", (exponent_entropy(data, header, dtype), None, None)
    for command in COMMANDS:
        yield command[0], measure(command, file, scratch, runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gramzip", required=True)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--scratch", help="folder for archives")
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    runs = args.runs or (7 if args.speed else 1)
    with tempfile.TemporaryDirectory(dir=args.scratch) as scratch:
        if args.speed:
            speed.table(ours(args.gramzip) + SPEED_PEERS, args.files, pathlib.Path(scratch), runs)
            return
        for file in args.files:
            size = os.path.getsize(file)
            print(f"\n{file.name}, {size} bytes\n| codec | bytes | ratio | compress MB/s | decompress MB/s |\n|---|---|---|---|---|")
            for name, (packed, there, again) in rows(file, args.gramzip, runs, pathlib.Path(scratch)):
                speeds = [f"{size / 1e6 / max(s, 1e-3):.0f}" if s is not None else "-" for s in (there, again)]
                print(f"| {name} | {packed} | {size / packed:.4f} | {speeds[0]} | {speeds[1]} |", flush=True)


if __name__ == "__main__":
    main()
