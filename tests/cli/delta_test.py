# SPDX-License-Identifier: Apache-2.0
"""Deltas against a base, chains of them, tensors that are stored once, --fast."""
import json
import os
import random
import unittest

from grz import Case, bf16, checkpoint, main, noise, text

A, B, SMALL = bf16(200_000, 1), bf16(150_000, 2), bf16(3000, 3)


def changed(data, at, seed=5):
    return data[:at] + noise(40, seed) + data[at + 40:]


def tensor(name, data):
    return name, "BF16", [len(data) // 2], data


class Delta(Case):
    def setUp(self):
        super().setUp()
        self.steps = []
        data = A
        for i in range(4):
            data = changed(data, 50_000 * i, i)
            self.steps.append(checkpoint([tensor("a", data), tensor("frozen", B), tensor("norm", SMALL)]))
            self.write(f"step{i}.safetensors", self.steps[i])

    def listed(self, *args):
        return json.loads(self.run_tool("list", "--json", *args).stdout)["archives"][0]

    def chain(self, folder="."):
        """step0.grz, and each further step against the one before."""
        os.makedirs(self.path(folder), exist_ok=True)
        self.run_tool("compress", "step0.safetensors", "-o", f"{folder}/step0.grz")
        for i in range(1, 4):
            self.run_tool("compress", f"step{i}.safetensors", "--base", f"{folder}/step{i - 1}.grz", "--base-dir",
                          folder, "-o", f"{folder}/step{i}.grz")

    def test_round_trip_against_a_file_and_an_archive(self):
        self.run_tool("compress", "step0.safetensors")
        self.run_tool("compress", "step1.safetensors", "--base", "step0.safetensors", "-o", "by_file.grz")
        self.run_tool("compress", "step1.safetensors", "--base", "step0.safetensors.grz", "-o", "by_archive.grz")
        self.assertEqual(self.read("by_file.grz"), self.read("by_archive.grz"))
        self.assertLess(len(self.read("by_file.grz")), len(A))
        for base in ("step0.safetensors", "step0.safetensors.grz"):
            with self.subTest(base=base):
                self.run_tool("decompress", "by_file.grz", "--base", base, "-f", "-o", "back")
                self.assertEqual(self.read("back"), self.steps[1])
                self.run_tool("test", "by_file.grz", "--base", base)
                self.assertEqual(self.run_tool("cat", "--base", base, stdin=self.read("by_file.grz")).stdout, self.steps[1])
                got = self.run_tool("get", "by_file.grz", "--tensor", "frozen", "--base", base).stdout
                self.assertEqual(got, B)
        self.run_tool("-d", "-f", "by_file.grz", "--base-dir", ".", "-o", "back")
        self.assertEqual(self.read("back"), self.steps[1])

    def test_equal_to_the_base(self):
        self.run_tool("compress", "step0.safetensors", "--base", "step0.safetensors", "-o", "same.grz")
        self.assertLess(len(self.read("same.grz")), 2500)
        self.run_tool("decompress", "same.grz", "--base", "step0.safetensors", "-o", "back")
        self.assertEqual(self.read("back"), self.steps[0])

    def test_wrong_or_no_base(self):
        self.run_tool("compress", "step1.safetensors", "--base", "step0.safetensors", "-o", "d.grz")
        needed = self.listed("d.grz")["bases"][0]
        self.assertEqual(needed["bytes"], len(self.steps[0]))
        for command in (["decompress", "d.grz", "-o", "back"], ["test", "d.grz"], ["cat", "d.grz"],
                        ["get", "d.grz", "--bytes", "0:10"]):
            with self.subTest(command=command):
                self.run_tool(*command, code=1, says=needed["hash"])
                self.run_tool(*command, code=1, says="--base FILE")
                self.run_tool(*command, "--base", "step2.safetensors", code=1, says=needed["hash"])
                self.write("short", self.steps[0][:-1])
                self.run_tool(*command, "--base", "short", code=1, says=f"{len(self.steps[0]) - 1} bytes")
                self.run_tool(*command, "--base", "gone", code=1, says="gone")
                os.makedirs(self.path("empty"), exist_ok=True)
                self.run_tool(*command, "--base-dir", "empty", code=1, says=needed["hash"])
                self.run_tool(*command, "--base-dir", "gone", code=1, says="--base-dir gone")
                self.assertFalse(os.path.exists(self.path("back")))
        # The folder helps a wrong --base.
        self.run_tool("test", "d.grz", "--base", "step2.safetensors", "--base-dir", ".")

    def test_chain(self):
        self.chain("run")
        self.run_tool("decompress", "run/step3.grz", "--base-dir", "run", "-o", "back")
        self.assertEqual(self.read("back"), self.steps[3])
        self.assertEqual(self.run_tool("get", "run/step3.grz", "--tensor", "norm", "--base-dir", "run").stdout, SMALL)
        self.run_tool("test", "run/step3.grz", "--base", "run/step2.grz", "--base-dir", "run")
        self.run_tool("test", "run/step3.grz", "--base", "step2.safetensors")
        names = [t["name"] for t in self.listed("-v", "run/step3.grz", "--base-dir", "run")["members"][0]["tensors"]]
        self.assertEqual(names, ["a", "frozen", "norm"])
        self.run_tool("test", "run/step3.grz", "--base", "run/step2.grz", code=1, says="itself a delta")
        os.remove(self.path("run/step0.grz"))
        self.run_tool("test", "run/step3.grz", "--base-dir", "run", code=1, says="step1.grz: is itself a delta")

    def test_a_ring_ends(self):
        # Two contents, each kept only as a delta against the other.
        self.write("x", noise(5000, 1))
        self.write("y", noise(5000, 2))
        os.makedirs(self.path("ring"))
        self.run_tool("compress", "x", "--base", "y", "-o", "ring/x.grz")
        self.run_tool("compress", "y", "--base", "x", "-o", "ring/y.grz")
        self.run_tool("test", "ring/x.grz", "--base-dir", "ring", code=1, says="needs itself")
        self.run_tool("test", "ring/x.grz", "--base-dir", ".")

    def test_list_shows_the_base(self):
        self.run_tool("compress", "step1.safetensors", "--base", "step0.safetensors", "-o", "d.grz")
        out = self.run_tool("list", "d.grz").stdout.decode()
        self.assertIn(f"a delta against a base of {len(self.steps[0])} bytes", out)
        out = self.run_tool("list", "-v", "d.grz", "--base", "step0.safetensors").stdout.decode()
        self.assertRegex(out, r"reference +base \d+")
        self.assertIn("frozen", out)
        segments = self.listed("-v", "d.grz")["segments"]
        self.assertIn("reference", [s["codec"] for s in segments])

    def test_plain_files(self):
        old = text(400_000) + noise(300_000)
        self.write("old", old)
        new = old[:-5] + b"12345"
        self.write("new", new)
        self.run_tool("compress", "-1", "new", "--base", "old", "-o", "new.grz")
        self.assertEqual(self.run_tool("cat", "new.grz", "--base", "old").stdout, new)


class Once(Case):
    def test_tied_tensors_and_shards(self):
        one = checkpoint([tensor("embed", A), tensor("b1", SMALL), tensor("b2", SMALL), tensor("head", A)])
        two = checkpoint([tensor("other", B), tensor("again", A)])
        self.write("one.safetensors", one)
        self.write("two.safetensors", two)
        self.run_tool("compress", "one.safetensors")
        single = len(self.read("one.safetensors.grz"))
        self.assertLess(single, len(A))
        self.run_tool("compress", "one.safetensors", "two.safetensors", "-o", "all.grz")
        self.assertLess(len(self.read("all.grz")), single + len(B))
        for args, stdin in ((["cat", "all.grz"], b""), (["cat"], self.read("all.grz"))):
            self.assertEqual(self.run_tool(*args, stdin=stdin).stdout, one + two)
        self.assertEqual(self.run_tool("get", "all.grz", "--tensor", "again").stdout, A)
        # What comes from a pipe has the same cuts, and no references.
        piped = self.pack(one)
        self.assertGreater(len(piped), single)
        self.assertEqual(self.unpack(piped), one)

    def test_from_a_pipe_through_a_temporary_file(self):
        big = noise(70 << 20)
        data = checkpoint([("x", "U8", [len(big)], big), ("y", "U8", [len(big)], big)])
        self.write("big.safetensors", data)
        self.run_tool("compress", "big.safetensors")
        archive = self.read("big.safetensors.grz")
        self.assertLess(len(archive), 71 << 20)
        os.makedirs(self.path("tmp"))
        out = self.run_tool("-dc", stdin=archive, env={**os.environ, "TMPDIR": self.path("tmp")}).stdout
        self.assertTrue(out == data)
        self.assertEqual(os.listdir(self.path("tmp")), [])
        self.run_tool("-dc", stdin=archive, env={**os.environ, "TMPDIR": "/nonexistent"}, code=1, says="TMPDIR")

    def test_fast_is_level_1(self):
        data = checkpoint([tensor("a", A)])
        self.write("a.safetensors", data)
        self.run_tool("compress", "--fast", "a.safetensors")
        self.assertEqual(self.run_tool("cat", "a.safetensors.grz").stdout, data)
        t = text(300_000)
        self.assertEqual(self.pack(t, "--fast"), self.pack(t, "-1"))
        self.assertEqual(self.pack(t, "--fast", "-9"), self.pack(t, "-9"))


if __name__ == "__main__":
    main()
