# SPDX-License-Identifier: Apache-2.0
"""Text with models: levels, train, -D, model show, --lines-aligned, get."""
import json
import os
import re

from grz import Case, bf16, checkpoint, main, noise, text


class Levels(Case):
    def test_every_level_comes_back(self):
        data = text(1_500_000)
        order0 = len(self.pack(data, "--as", "bytes"))
        sizes = {}
        for level in ("-1", "-6", "-9", "--fast", "--best"):
            archive = self.pack(data, level)
            self.assertEqual(self.unpack(archive), data, level)
            sizes[level] = len(archive)
        self.assertEqual(sizes["-1"], sizes["--fast"])
        self.assertEqual(sizes["-9"], sizes["--best"])
        self.assertEqual(len(self.pack(data)), sizes["-6"])
        self.assertLess(sizes["-1"], 0.8 * order0)
        self.assertLess(sizes["-9"], sizes["-1"])

    def test_the_same_bytes_at_any_thread_count(self):
        data = text(3_000_000) + noise(1_100_000) + text(1_000_000, seed=2)
        for level in ("-1", "-5"):
            one = self.pack(data, level, "-T1")
            self.assertEqual(self.pack(data, level, "-T3"), one)
            self.assertEqual(self.unpack(one, "-T3"), data)

    def test_list_names_codec_and_model(self):
        self.write("t", text(1_000_000))
        self.write("w.safetensors", checkpoint([("w", "BF16", [40_000], bf16(40_000))]))
        self.run_tool("t", "w.safetensors", "-o", "all.grz")
        out = self.run_tool("list", "-v", "all.grz").stdout.decode()
        self.assertRegex(out, r" text +\d+  ngram +[0-9a-f]{32}\n")
        self.assertRegex(out, r" BF16 +\d+  floats +\n")
        segments = json.loads(self.run_tool("list", "-v", "--json", "all.grz").stdout)["archives"][0]["segments"]
        self.assertEqual([s["codec"] for s in segments if s["type"] == "BF16"], ["floats"])
        self.assertRegex(segments[0]["model"], "^[0-9a-f]{32}$")

    def test_a_small_text_carries_no_model(self):
        self.write("t", text(1500))
        j = json.loads(self.run_tool("t", "--json").stdout)["files"][0]
        self.assertEqual((j["models"], j["ngram_segments"]), (0, 0))
        self.assertEqual(self.run_tool("cat", "t.grz").stdout, text(1500))


class Models(Case):
    def setUp(self):
        super().setUp()
        self.write("big.txt", text(1_200_000))
        self.run_tool("train", "-3", "-o", "m.grm", "big.txt")

    def hash_of(self, model):
        return json.loads(self.run_tool("model", "show", model, "--json").stdout)["hash"]

    def test_train_is_repeatable_and_says_what_it_used(self):
        j = json.loads(self.run_tool("train", "-3", "-o", "n.grm", "big.txt", "-T1", "--json").stdout)
        self.assertEqual(self.read("n.grm"), self.read("m.grm"))
        self.assertEqual((j["text_bytes"], j["read_bytes"]), (1_200_000, 1_200_000))
        self.assertEqual(j["model_bytes"], os.path.getsize(self.path("m.grm")))
        self.assertEqual(j["hash"], self.hash_of("m.grm"))
        out = self.run_tool("train", "-3", "-f", "-o", "n.grm", "--entries", "300", "--classes", "4", "big.txt").stdout
        self.assertIn(b" strings, ", out)
        shown = json.loads(self.run_tool("model", "show", "n.grm", "--json").stdout)
        self.assertLessEqual(shown["string_count"], 300)
        self.assertLessEqual(shown["class_count"], 4)

    def test_sample_says_what_it_costs(self):
        j = json.loads(self.run_tool("train", "-3", "-o", "s.grm", "--sample", "100K", "big.txt", "--json").stdout)
        loss = j["loss"]
        self.assertEqual(loss["measured_bytes"], 1_200_000)
        self.assertGreater(loss["coded_with_full_model"], 0)
        ratio = loss["coded_with_sample_model"] / loss["coded_with_full_model"]
        self.assertAlmostEqual(loss["loss_percent"], 100 * (ratio - 1), places=6)

    def test_small_files_with_a_model(self):
        data = text(3000)  # of the same kind
        self.write("a.txt", data)
        with_model = self.run_tool("-c", "-D", "m.grm", "a.txt").stdout
        self.assertLess(len(with_model), 0.8 * len(self.pack(b"", "a.txt")))
        self.write("a.grz", with_model)
        for args in (["-dc", "-D", "m.grm"], ["cat", "-D", "m.grm"], ["get", "--bytes", ":", "-D", "m.grm"]):
            self.assertEqual(self.run_tool(*args, "a.grz").stdout, data)
        self.run_tool("test", "-D", "m.grm", "a.grz")
        self.run_tool("train", "-1", "-o", "other.grm", self.write("o.txt", text(200_000, seed=9)))
        self.assertEqual(self.run_tool("-dc", "-D", "other.grm", "-D", "m.grm", "a.grz").stdout, data)
        for args in ([], ["-D", "other.grm"]):
            for command in (["-t"], ["-dc"], ["get", "--bytes", "0:5"]):
                r = self.run_tool(*command, *args, "a.grz", code=1, says="needs model " + self.hash_of("m.grm"))
                self.assertIn(b"give it with -D MODEL.grm", r.stderr)
                self.assertEqual(r.stdout, b"")
        # The index needs no model.
        self.assertIn(b"a.txt", self.run_tool("list", "-v", "a.grz").stdout)

    def test_bad_models_are_refused(self):
        good = self.read("m.grm")
        self.write("a.txt", text(3000))
        self.write("empty.grm", b"")
        self.write("text.grm", text(5000))
        self.write("cut.grm", good[:-1])
        self.write("long.grm", good + b"\0")
        self.write("flipped.grm", good[:5000] + bytes([good[5000] ^ 1]) + good[5001:])
        for name, says in (("empty", "not a gramzip model"), ("text", "not a gramzip model"),
                           ("cut", "does not match"), ("long", "does not match"), ("flipped", "does not match"),
                           ("nothing", "No such file")):
            for args in (["-c", "-D", f"{name}.grm", "a.txt"], ["model", "show", f"{name}.grm"]):
                self.run_tool(*args, code=1, says=f"{name}.grm: ")
                self.run_tool(*args, code=1, says=says)

    def test_existing_models_stay(self):
        before = self.read("m.grm")
        self.run_tool("train", "-o", "m.grm", "big.txt", code=1, says="already exists")
        self.assertEqual(self.read("m.grm"), before)
        self.run_tool("train", "big.txt", code=1, says="-o MODEL.grm")
        self.run_tool("train", "-o", "x.grm", code=1, says="needs a text file")
        self.run_tool("train", "-o", "x.grm", self.write("none", b""), code=1, says="empty")
        self.run_tool("train", "-o", "x.grm", "nothing", code=1, says="No such file")
        self.assertEqual([n for n in self.names() if n.startswith("x")], [])

    def test_model_show(self):
        out = self.run_tool("model", "show", "m.grm", "--top", "5").stdout.decode()
        self.assertRegex(out, r"^m.grm: \d+ strings of \d+ bytes, \d+ classes, trained on \d+ symbols, [0-9a-f]{32}\n")
        self.assertEqual(len(re.findall(r'^ +\d+ +\d+\.\d +.*"$', out, re.M)), 5)
        j = json.loads(self.run_tool("model", "show", "m.grm", "--json", "--top", "1000000").stdout)
        self.assertEqual(len(j["strings"]), j["string_count"])
        self.assertEqual(len(j["classes"]), j["class_count"])
        self.assertEqual(max(j["strings"], key=lambda s: s["per_million"] * s["saved_bits"])["symbol"],
                         j["strings"][0]["symbol"])
        data = self.read("big.txt")
        for s in j["strings"][:50]:
            self.assertIn(bytes.fromhex(s["hex"]), data)
        self.run_tool("model", code=1, says="model show")
        self.run_tool("model", "tell", "m.grm", code=1, says="model show")
        self.run_tool("model", "show", "big.txt", code=1, says="not a gramzip model")


class Lines(Case):
    def test_lines_aligned(self):
        data = text(3_500_000)
        self.write("t", data)
        self.run_tool("-1", "--lines-aligned", "t")
        self.assertEqual(self.run_tool("cat", "t.grz").stdout, data)
        segments = json.loads(self.run_tool("list", "-v", "--json", "t.grz").stdout)["archives"][0]["segments"]
        self.assertGreaterEqual(len(segments), 4)
        for s in segments[:-1]:
            end = s["content_offset"] + s["content_bytes"]
            self.assertEqual(data[end - 1:end], b"\n")

    def test_get(self):
        data = text(2_500_000)
        self.write("t", data)
        self.run_tool("-1", "t")
        for a, b in ((0, 10), (1 << 20, (1 << 20) + 1), (1_000_000, 1_100_000), (2_499_990, 2_500_000)):
            self.assertEqual(self.run_tool("get", "t.grz", "--bytes", f"{a}:{b}").stdout, data[a:b])
        lines = data.splitlines(keepends=True)
        for a, b in ((1, 2), (9000, 9003), (len(lines) - 1, len(lines))):
            self.assertEqual(self.run_tool("get", "t.grz", "--lines", f"{a}:{b}").stdout, b"".join(lines[a - 1:b]))
        # From the first block of the segment to the last needed, and no further.
        at = (1 << 20) + (1 << 18)
        r = self.run_tool("get", "t.grz", "--bytes", f"{at}:{at + 5}", "-v")
        self.assertRegex(r.stderr.decode(), r"\b2 blocks decoded")


if __name__ == "__main__":
    main()
