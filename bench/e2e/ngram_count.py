# SPDX-License-Identifier: Apache-2.0
"""`gramzip count` beside `tr | sort | uniq -c` and Python's collections.Counter, whole processes.

Usage: ngram_count.py --gramzip PATH FILE...

Times are user + system CPU seconds of the process and its children (median of --runs), which others on the machine
disturb little, and wall seconds for the run with several threads. The words of all three peers are those of `tr`
(A-Z and a-z only), so counts are compared on a copy of the file that has no other letters, digits, _ or apostrophes.
"""
import argparse
import collections
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

COUNTER = """
import collections, re, sys
data = open(sys.argv[1], "rb").read()
if sys.argv[2] == "words":
    counts = collections.Counter(re.findall(rb"[A-Za-z]+", data))
else:
    n = int(sys.argv[2])
    counts = collections.Counter(data[i:i + n] for i in range(len(data) - n + 1))
print(len(counts), sum(counts.values()), counts.most_common(20)[0][1])
"""


def timed(command, runs, env=None):
    """Median CPU and wall seconds, and the last output."""
    cpu, wall, out = [], [], b""
    for _ in range(runs):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        out = subprocess.run(command, check=True, capture_output=True, env=env).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall.append(time.monotonic() - start)
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(cpu), statistics.median(wall), out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gramzip", required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("files", nargs="+", metavar="FILE")
    o = parser.parse_args()
    env = dict(os.environ, LC_ALL="C")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}; "
          f"CPU seconds, medians of {o.runs}\n")
    print("| file | n-grams | distinct | gramzip -T1 s | MB/s | tr, sort, uniq s | times | Counter s | times | "
          f"wall -T1 / -T{o.threads} |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="gramzip-bench-") as folder:
        for path in o.files:
            with open(path, "rb") as f:
                data = f.read()
            plain = os.path.join(folder, "plain")
            with open(plain, "wb") as f:
                f.write(re.sub(rb"[^A-Za-z]", b" ", data))
            for unit, n in (("words", 1), ("words", 2), ("bytes", 2), ("bytes", 3), ("bytes", 4), ("bytes", 6), ("bytes", 8)):
                words = unit == "words" and n == 1
                source = plain if words else path
                tool = [o.gramzip, "count", f"--{unit}", "-n", str(n), "--json", "--device", "cpu", source]
                cpu, wall, out = timed(tool + ["-T1"], o.runs)
                _, wall_many, many = timed(tool + [f"-T{o.threads}"], o.runs)
                j = json.loads(out)
                if many != out:
                    sys.exit(f"{path}: threads change the counts")
                sort, python = "- | -", "- | -"
                if words:
                    pipe = "tr -sc 'A-Za-z' '\\n' < \"$1\" | sort | uniq -c"
                    seconds, _, lines = timed(["sh", "-c", pipe, "sh", source], o.runs, env)
                    rows = [line.split() for line in lines.splitlines() if len(line.split()) == 2]
                    top = collections.Counter({w: int(c) for c, w in rows})
                    if len(rows) != j["distinct"] or any(top[e["text"].encode()] != e["count"] for e in j["ngrams"]):
                        sys.exit(f"{path}: tr, sort and uniq count otherwise")
                    sort = f"{seconds:.3f} | {seconds / cpu:.1f}"
                if words or unit == "bytes":
                    seconds, _, found = timed([sys.executable, "-c", COUNTER, source, "words" if words else str(n)], o.runs)
                    if [int(x) for x in found.split()] != [j["distinct"], j["total"], j["ngrams"][0]["count"]]:
                        sys.exit(f"{path}: Counter counts otherwise")
                    python = f"{seconds:.3f} | {seconds / cpu:.1f}"
                print(f"| {os.path.basename(path)} | {unit} {n} | {j['distinct']} | {cpu:.3f} | {len(data) / 1e6 / cpu:.0f} | "
                      f"{sort} | {python} | {wall:.3f} / {wall_many:.3f} |", flush=True)


if __name__ == "__main__":
    main()
