# SPDX-License-Identifier: Apache-2.0
"""Times whole commands beside one another: the codecs take turns, so that what else the machine does meets them all."""
import filecmp
import math
import os
import shlex
import sys
import time


def timed(command, **paths):
    """Processor seconds (user + system) and seconds on the wall of a program, started without a shell."""
    args = [paths.get(word.strip("{}"), word) for word in shlex.split(command)]
    start = time.perf_counter()
    pid = os.posix_spawnp(args[0], args, os.environ)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    if status != 0:
        sys.exit(f"{' '.join(args)}: failed")
    return usage.ru_utime + usage.ru_stime, wall


def best(codecs, file, folder, runs):
    """For each codec the size of its archive and the least seconds: in, wall in, out, wall out."""
    result = {name: [0] + [math.inf] * 4 for name, _, _ in codecs}
    packed, back = str(folder / "packed"), str(folder / "back")
    for _ in range(runs):
        for name, compress, decompress in codecs:
            row = result[name]
            there = timed(compress, **{"in": str(file), "out": packed})
            again = timed(decompress, **{"in": packed, "out": back})
            if not filecmp.cmp(file, back, shallow=False):
                sys.exit(f"{name}: {file} did not come back")
            row[0] = os.path.getsize(packed)
            row[1:] = [min(a, b) for a, b in zip(row[1:], there + again)]
    return result


def table(codecs, files, folder, runs):
    for file in files:
        size = os.path.getsize(file)
        print(f"\n{file.name}, {size} bytes, MB/s of processor time (on the wall), best of {runs}")
        print("| codec | ratio | in | out |\n|---|---|---|---|")
        for name, (packed, *seconds) in best(codecs, file, folder, runs).items():
            there, wall_there, again, wall_again = (f"{size / 1e6 / max(s, 1e-6):.0f}" for s in seconds)
            print(f"| {name} | {size / packed:.3f} | {there} ({wall_there}) | {again} ({wall_again}) |", flush=True)
