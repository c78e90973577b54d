# SPDX-License-Identifier: Apache-2.0
"""compare: figures against plain Python arithmetic, every kind of checkpoint, reports."""
import base64
import collections
import hashlib
import html.parser
import json
import math
import os
import random
import re
import struct

from grz import Case, bf16, checkpoint, main, noise
from tensor_files import Storage, Tensor, gguf, npy, npz, pt

EVIL = "</title><script>alert(1)</script>\"'&\u202e<img src=x onerror=alert(2)>"


def f32(values):
    return struct.pack(f"<{len(values)}f", *values)


def floats(data):
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def gauss(count, seed, scale=0.02):
    rng = random.Random(seed)
    return floats(f32([rng.gauss(0, scale) for _ in range(count)]))


def figures(a, b):
    """SQNR and errors by definition, of finite pairs."""
    pairs = [(x, y) for x, y in zip(a, b) if math.isfinite(x) and math.isfinite(y)]
    noise_, signal = math.fsum((y - x) ** 2 for x, y in pairs), math.fsum(x * x for x, _ in pairs)
    errors = [abs(y - x) for x, y in pairs]
    return {"sqnr_db": 10 * math.log10(signal / noise_), "max_error": max(errors), "mean_abs_error": math.fsum(errors) / len(errors),
            "mean_error": math.fsum(y - x for x, y in pairs) / len(pairs), "rms_error": math.sqrt(noise_ / len(pairs))}


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.attributes, self.inside = collections.Counter(), [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += attrs
        self.inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1] += data


class Compare(Case):
    def setUp(self):
        super().setUp()
        self.w = gauss(60_000, 1)
        self.q = floats(f32([round(x / 0.004) * 0.004 for x in self.w]))
        self.write("a.safetensors", checkpoint([("w", "F32", [200, 300], f32(self.w)), ("ids", "I64", [3], noise(24, 5))]))
        self.write("b.safetensors", checkpoint([("ids", "I64", [3], noise(24, 5)), ("w", "F32", [200, 300], f32(self.q))]))

    def compare(self, *args, **kw):
        return json.loads(self.run_tool("compare", *args, "--json", **kw).stdout)

    def test_figures(self):
        j = self.compare("a.safetensors", "b.safetensors")
        w, = [t for t in j["tensors"] if t["name"] == "w"]
        for key, want in figures(self.w, self.q).items():
            self.assertAlmostEqual(w[key], want, delta=1e-12 * max(1, abs(want)), msg=key)
        self.assertEqual(w["sparsity_other"], sum(x == 0 for x in self.q) / len(self.q))
        self.assertEqual(w["differing"], sum(x != y for x, y in zip(self.w, self.q)))
        self.assertEqual(sum(w["histogram"]), 60_000)
        self.assertEqual((w["bits_per_weight"], w["ratio"], w["elements"], w["exact"]), (32.0, 1.0, 60_000, False))
        ids, = [t for t in j["tensors"] if t["name"] == "ids"]
        self.assertEqual((ids["exact"], ids["differing"]), (True, 0))
        self.assertTrue(j["same_tensors"] and j["passed"])
        self.assertEqual(j["total"]["sqnr_db"], w["sqnr_db"])

    def test_same_at_any_thread_count_and_place(self):
        self.run_tool("compress", "-q", "b.safetensors")
        want = self.compare("a.safetensors", "b.safetensors", "-T1")["total"]
        for args in (("b.safetensors", "-T3"), ("b.safetensors.grz", "-T1"), ("b.safetensors.grz", "-T4")):
            got = self.compare("a.safetensors", *args)["total"]
            for key in ("sqnr_db", "max_error", "mean_abs_error", "mean_error", "histogram", "differing"):
                self.assertEqual(got[key], want[key], (args, key))
        self.assertLess(self.compare("a.safetensors", "b.safetensors.grz")["total"]["bits_per_weight"], 10)

    def test_many_pieces(self):
        n = (1 << 20) + 5000
        a = bf16(1000, 3) * (n // 1000 + 1)
        b = bf16(1000, 4) * (n // 1000 + 1)
        self.write("l.safetensors", checkpoint([("w", "BF16", [n], a[:2 * n])]))
        self.write("m.safetensors", checkpoint([("w", "BF16", [n], b[:2 * n])]))
        one = self.compare("l.safetensors", "m.safetensors", "-T1")["total"]
        two = self.compare("l.safetensors", "m.safetensors", "-T2")["total"]
        self.assertEqual(one, two)
        wide = lambda d: floats(b"".join(b"\0\0" + d[i:i + 2] for i in range(0, 2 * n, 2)))
        self.assertAlmostEqual(one["sqnr_db"], figures(wide(a), wide(b))["sqnr_db"], delta=1e-9)

    def test_types_and_formats(self):
        brain = b"".join(f32([x])[2:] for x in self.w)  # cut, not rounded
        wide = floats(b"".join(b"\0\0" + brain[i:i + 2] for i in range(0, len(brain), 2)))
        want = figures(self.w, wide)["sqnr_db"]
        self.write("c.safetensors", checkpoint([("w", "BF16", [200, 300], brain)]))
        self.write("g.gguf", gguf([("w", [300, 200], 30, brain)]))
        self.write("z.npz", npz({"w": npy("<f4", (200, 300), f32(wide))}))
        state = collections.OrderedDict(w=Tensor(Storage("BFloat16Storage", "0", 60_000), (200, 300)))
        self.write("p.pt", pt(state, {"0": brain}))
        for name in ("c.safetensors", "g.gguf", "z.npz", "p.pt"):
            j = self.compare("a.safetensors", name, "--tensors", "w")
            self.assertAlmostEqual(j["total"]["sqnr_db"], want, delta=1e-9, msg=name)
            self.run_tool("compress", "-qf", name, "-o", "x.grz")
            self.assertEqual(self.compare("a.safetensors", "x.grz", "--tensors", "w")["total"]["sqnr_db"], j["total"]["sqnr_db"])
        self.assertEqual(self.compare("c.safetensors", "g.gguf")["total"]["sqnr_db"], "inf")

    def test_shards_and_folders(self):
        self.write("s/m-1.safetensors", checkpoint([("w", "F32", [200, 300], f32(self.q))]))
        self.write("s/m-2.safetensors", checkpoint([("ids", "I64", [3], noise(24, 5))]))
        index = {"weight_map": {"w": "m-1.safetensors", "ids": "m-2.safetensors"}}
        self.write("s/m.safetensors.index.json", json.dumps(index).encode())
        self.write("s/notes.txt", b"nothing")
        want = self.compare("a.safetensors", "b.safetensors")
        for path in ("s/m.safetensors.index.json", "s"):
            j = self.compare("a.safetensors", path)
            self.assertEqual((j["tensors"], j["same_tensors"]), (want["tensors"], True))
        self.run_tool("compress", "-q", "s/m.safetensors.index.json", "-o", "s.grz")
        self.assertEqual(self.compare("s", "s.grz")["total"]["sqnr_db"], "inf")
        self.write("s/copy.safetensors", checkpoint([("w", "F32", [1], f32([1]))]))
        self.run_tool("compare", "a.safetensors", "s", code=1, says="tensor 'w' is in s/copy.safetensors and in s/m-1.safetensors")

    def test_what_differs(self):
        self.write("d.safetensors", checkpoint([("w", "F32", [300, 200], f32(self.w)), ("ids", "I64", [3], noise(24, 6)), ("new", "F32", [1], f32([1]))]))
        r = self.run_tool("compare", "a.safetensors", "d.safetensors", code=1, says="the checkpoints differ: 1 tensor only in d.safetensors, "
                          "1 tensor of other shape or type, 1 tensor of no floats not equal")
        out = r.stdout.decode()
        for line in ("only in d.safetensors: new", "not compared: w: shape [200, 300] against [300, 200]", "ids; 3 of 3 differ"):
            self.assertIn(line, out)
        j = self.compare("d.safetensors", "a.safetensors", code=1)
        self.assertEqual((j["only_in_original"], j["only_in_other"], j["same_tensors"], j["passed"]), (["new"], [], False, False))
        self.write("e.safetensors", checkpoint([("w", "I32", [200, 300], f32(self.w)), ("ids", "I64", [3], noise(24, 5))]))
        self.run_tool("compare", "a.safetensors", "e.safetensors", code=1, says="1 tensor of other shape or type")
        self.run_tool("compare", "a.safetensors", "e.safetensors", "--tensors", "i*")
        self.run_tool("compare", "a.safetensors", "e.safetensors", "--tensors", "x*", code=1, says="no tensor of either checkpoint")

    def test_fail_below(self):
        db = self.compare("a.safetensors", "b.safetensors")["total"]["sqnr_db"]
        self.run_tool("compare", "a.safetensors", "b.safetensors", "--fail-below", str(db - 0.01))
        self.run_tool("compare", "a.safetensors", "b.safetensors", "--fail-below", str(db + 0.01), code=1, says="below")
        self.run_tool("compare", "a.safetensors", "a.safetensors", "--fail-below", "1e300")
        self.write("n.safetensors", checkpoint([("w", "F32", [200, 300], f32(self.w[:-1] + [math.nan])), ("ids", "I64", [3], noise(24, 5))]))
        self.run_tool("compare", "a.safetensors", "n.safetensors", "--fail-below", "-1000", code=1, says="SQNR of nan dB, below -1000")
        self.run_tool("compare", "a.safetensors", "n.safetensors")
        for bad in ("x", "nan", "inf", "1x", ""):
            if bad:
                self.run_tool("compare", "a.safetensors", "b.safetensors", "--fail-below", bad, code=1, says="is no number of decibels")

    def test_nonfinite(self):
        nan, inf = math.nan, math.inf
        self.write("x.safetensors", checkpoint([("w", "F32", [6], f32([1, nan, inf, -inf, 0, 2]))]))
        self.write("y.safetensors", checkpoint([("w", "F32", [6], f32([1, nan, inf, -inf, -0.0, 2.5]))]))
        t, = self.compare("x.safetensors", "y.safetensors")["tensors"]
        self.assertEqual((t["nonfinite_equal"], t["nonfinite_differ"], t["differing"]), (3, 0, 1))
        self.assertAlmostEqual(t["sqnr_db"], 10 * math.log10(5 / 0.25), delta=1e-12)
        self.write("y.safetensors", checkpoint([("w", "F32", [6], f32([nan, nan, -inf, -inf, 0, 2]))]))
        j = self.compare("x.safetensors", "y.safetensors")
        t, = j["tensors"]
        self.assertEqual((t["nonfinite_equal"], t["nonfinite_differ"], t["differing"], t["sqnr_db"]), (2, 2, 2, "nan"))
        self.assertEqual(j["total"]["sqnr_db"], "nan")

    def test_reports(self):
        pairs = [("w", "F32", [200, 300], f32(self.w)), (EVIL, "F32", [100], f32(gauss(100, 2))), ("empty", "F32", [0], b"")]
        self.write("a.safetensors", checkpoint(pairs))
        pairs[0] = ("w", "F32", [200, 300], f32(self.q))
        self.write("b.safetensors", checkpoint(pairs))
        for name in ("r.html", "r.json", "r.txt"):
            self.run_tool("compare", "a.safetensors", "b.safetensors", "-q", "--report", name)
            self.run_tool("compare", "a.safetensors", "b.safetensors", "-q", "--report", name, code=1, says="exists")
            self.run_tool("compare", "a.safetensors", "b.safetensors", "-q", "-f", "--report", name)
        self.run_tool("compare", "a.safetensors", "b.safetensors", "--report", "r.pdf", code=1, says="ends in none of .html, .json, .txt")
        j = json.loads(self.read("r.json"))
        self.assertEqual([t["name"] for t in j["tensors"]], ["w", EVIL, "empty"])
        self.assertEqual(j["tensors"][1]["sqnr_db"], "inf")
        self.assertIn(b"SQNR dB", self.read("r.txt"))
        text = self.read("r.html").decode()
        page = Page(text)
        self.assertEqual((page.tags["script"], page.tags["img"], page.tags["title"]), (1, 0, 1 + text.count("<title>") - 1))
        self.assertNotIn(EVIL, text)
        self.assertNotIn("\u202e", text)
        self.assertEqual(text.count("<script"), 1)
        digest = base64.b64encode(hashlib.sha256(page.scripts[0].encode()).digest()).decode()
        self.assertIn(f"script-src 'sha256-{digest}'", text)
        self.assertFalse([a for a in page.attributes if a[0].startswith("on") or (a[1] and re.search(r"https?:|url\(", a[1]))])
        self.assertEqual(page.tags["svg"], 3)
        for name in ("Q8_0", "Q6_K", "Q4_K", "Q4_0", "NVFP4", "MXFP4", "NF4", "IQ4_XS", "int4 g32"):
            self.assertIn(f">{name}</text>", text)

    def test_refusals(self):
        self.write("t.txt", b"text")
        self.run_tool("compare", "a.safetensors", code=1, says="compare takes two checkpoints")
        self.run_tool("compare", "a.safetensors", "t.txt", code=1, says="t.txt: holds no tensors")
        self.run_tool("compare", "a.safetensors", "-", code=1, says="standard input cannot be compared")
        self.run_tool("compare", "a.safetensors", "missing", code=1, says="missing")
        self.write("cut.safetensors", self.read("a.safetensors")[:-1])
        self.run_tool("compare", "a.safetensors", "cut.safetensors", code=1, says="cut.safetensors: safetensors header: tensor")
        os.mkdir(self.path("empty"))
        self.run_tool("compare", "a.safetensors", "empty", code=1, says="empty: holds no tensors")


if __name__ == "__main__":
    main()
