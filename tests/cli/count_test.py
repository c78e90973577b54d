# SPDX-License-Identifier: Apache-2.0
"""count: n-grams of files and pipes against collections.Counter, and its three forms of output."""
import csv
import io
import json
import re
from collections import Counter

from grz import Case, main, noise, text

LETTERS = rb"[A-Za-z0-9_\x80-\xff]"
WORD = re.compile(LETTERS + rb"+(?:'" + LETTERS + rb"+)*")
ODD = b"it's \xff\xfe na\xc3\xafve\x00\"quoted\", back\\slash\ttab\r\n''tis x_1 \xe2\x80\xa8 \xc2\x85 IT'S\n"


def grams(files, unit, n, lower=False):
    counts = Counter()
    for data in files:
        if unit == "bytes":
            counts.update(data[i:i + n] for i in range(len(data) - n + 1))
        else:
            words = [w.lower() if lower else w for w in WORD.findall(data)]
            counts.update(b" ".join(words[i:i + n]) for i in range(len(words) - n + 1))
    return counts


def ranked(counts):
    return sorted(counts.items(), key=lambda e: (-e[1], e[0]))


class Count(Case):
    def count(self, *args, stdin=b"", code=0):
        return json.loads(self.run_tool("count", "--json", "--top", "0", *args, stdin=stdin, code=code).stdout)

    def check(self, j, want):
        self.assertEqual([(bytes.fromhex(e["hex"]), e["count"]) for e in j["ngrams"]], ranked(want))
        self.assertEqual((j["total"], j["distinct"]), (sum(want.values()), len(want)))

    def test_against_counter(self):
        files = [text(30_000), ODD, b"", b"x", noise(2000), ODD * 3, b"\0" * 500]
        names = [self.write(f"f{i}", data) for i, data in enumerate(files)]
        for unit, sizes in (("bytes", (1, 2, 3, 8, 9, 32)), ("words", (1, 2, 3, 4))):
            for n in sizes:
                outputs = {self.run_tool("count", f"--{unit}", "-n", str(n), "-T", str(t), "--json", "--top", "0", *names).stdout
                           for t in (1, 2, 7)}
                self.assertEqual(len(outputs), 1, "threads change the result")
                self.check(json.loads(outputs.pop()), grams(files, unit, n))
        self.check(self.count("--words", "--lower", *names), grams(files, "words", 1, lower=True))

    def test_standard_input_and_folders(self):
        data = text(3_000_000)
        for args in ((), ("-",)):
            self.check(self.count("--words", "-n", "2", *args, stdin=data), grams([data], "words", 2))
        self.write("d/a", b"one two")
        self.write("d/e/b", b"two three")
        self.check(self.count("--words", "-r", "d"), Counter({b"one": 1, b"two": 2, b"three": 1}))
        self.check(self.count("--words", "-n", "2", "-r", "d"), Counter({b"one two": 1, b"two three": 1}))
        self.run_tool("count", "--words", "d", code=1, says="is a directory")

    def test_table(self):
        self.write("f", b"a b a\n")
        out = self.run_tool("count", "--words", "f").stdout.decode()
        self.assertEqual(out, "f: 6 B, 3 words, 2 distinct\n       count    share  n-gram\n"
                              "           2  66.667%  a\n           1  33.333%  b\n")
        out = self.run_tool("count", "--bytes", "-n", "2", "-q", "f").stdout.decode()
        self.assertEqual(out.splitlines(), [f"           1  20.000%  {g}" for g in
                                            ('" a"', '" b"', '"a\\n"', '"a "', '"b "')])
        out = self.run_tool("count", "--bytes", "-n", "7", "--top", "0", stdin=ODD).stdout
        for line in out.decode().splitlines():
            self.assertTrue(line.isprintable(), line)

    def test_csv(self):
        data = ODD * 2
        for unit, n in (("bytes", 3), ("words", 2)):
            out = self.run_tool("count", "--csv", f"--{unit}", "-n", str(n), "--top", "0", stdin=data).stdout.decode()
            rows = list(csv.reader(io.StringIO(out), strict=True))
            self.assertEqual(rows[0], ["count", "ngram", "hex"])
            self.assertEqual([(bytes.fromhex(h), int(c)) for c, _, h in rows[1:]], ranked(grams([data], unit, n)))
            for _, shown, h in rows[1:]:
                # The escapes are those of C, so they can be undone.
                raw = re.sub(rb"\\(x[0-9a-f]{2}|.)", lambda m: bytes.fromhex(m[1][1:].decode()) if len(m[1]) == 3 else
                             {b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(m[1], m[1]), shown.encode())
                self.assertEqual(raw, bytes.fromhex(h))

    def test_json_text(self):
        j = self.count("--words", stdin=b"na\xc3\xafve \xff")
        self.assertEqual([e["text"] for e in j["ngrams"]], ["na\u00efve", "\ufffd"])
        self.assertEqual((j["command"], j["unit"], j["n"], j["lower"], j["bytes"]), ("count", "words", 1, False, 8))

    def test_top_and_min(self):
        data = b"a a a b b c"
        self.assertEqual(len(self.count("--words", stdin=data)["ngrams"]), 3)
        self.assertEqual(len(self.count("--words", "--min", "2", stdin=data)["ngrams"]), 2)
        j = json.loads(self.run_tool("count", "--json", "--words", "--top", "1", stdin=data).stdout)
        self.assertEqual([e["text"] for e in j["ngrams"]], ["a"])
        self.assertEqual((j["total"], j["distinct"]), (6, 3))
        j = json.loads(self.run_tool("count", "--json", "--bytes", stdin=bytes(range(256))).stdout)
        self.assertEqual(len(j["ngrams"]), 20)
        for empty in ("--words", "--bytes"):
            self.assertEqual(self.count(empty)["total"], 0)
            self.assertIn(b"0 distinct", self.run_tool("count", empty).stdout)

    def test_refusals(self):
        self.write("f", noise(3_000_000))
        self.run_tool("count", "f", code=1, says="--words and --bytes")
        self.run_tool("count", "--words", "--bytes", "f", code=1, says="--words and --bytes")
        self.run_tool("count", "--words", "-n", "5", "f", code=1, says="1 to 4")
        self.run_tool("count", "--bytes", "-n", "33", "f", code=1, says="1 to 32")
        self.run_tool("count", "--bytes", "-n", "0", "f", code=1, says="1 to 32")
        self.run_tool("count", "--bytes", "--lower", "f", code=1, says="--lower is for --words")
        self.run_tool("count", "--bytes", "--json", "--csv", "f", code=1, says="exclude each other")
        self.run_tool("count", "--bytes", "--device", "tpu", "f", code=1, says="--device")
        self.run_tool("count", "--bytes", "-T1", "--memory", "1M", "f", code=1, says="--memory")
        for n in ("8", "16"):
            r = self.run_tool("count", "--bytes", "-n", n, "-T1", "--memory", "20M", "f", code=1, says="give more with --memory")
            self.assertEqual(r.stdout, b"")
        r = self.run_tool("count", "--words", "nofile", code=1, says="nofile: No such file")
        self.assertEqual(r.stdout, b"")
        self.write("g", b"word")
        r = self.run_tool("count", "--words", "nofile", "g", code=1, says="nofile: No such file")
        self.assertIn(b"g: 4 B, 1 words, 1 distinct", r.stdout)

    def test_help_begins_with_an_example(self):
        self.assertTrue(self.run_tool("count", "--help").stdout.startswith(b"Example: gramzip count "))


if __name__ == "__main__":
    main()
