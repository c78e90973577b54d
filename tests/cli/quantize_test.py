# SPDX-License-Identifier: Apache-2.0
"""gramzip quantize: targets, methods, pruning, what is kept, refusals: by decoding the real file."""
import json
import math
import os

from grz import Case, checkpoint, main
from tensor_files import gguf
from weights import floats_of, floats_to, gauss, laplace, read_safetensors, sqnr

ROWS, COLUMNS = 128, 512
N = ROWS * COLUMNS


def tensor(name, values, dtype="F32", shape=None):
    return (name, dtype, shape or [len(values) // COLUMNS, COLUMNS], floats_to(dtype, values))


class Quantizing(Case):
    def model(self, tensors=None, name="m.safetensors"):
        tensors = tensors or [tensor("w", gauss(N, 1)), tensor("v", laplace(N, 2), "BF16"),
                              ("norm.weight", "F32", [512], floats_to("F32", gauss(512, 3)))]
        self.write(name, checkpoint(tensors))
        self.before = read_safetensors(self.read(name))
        return name

    def quantize(self, *args, name="m.safetensors"):
        """The tool's JSON; self.after has the tensors that the archive gives."""
        out = self.run_tool("quantize", name, "-o", "q.grz", "-f", "--json", *args)
        self.run_tool("-d", "-f", "q.grz", "-o", "out")
        a, b = self.read(name), self.read("out")
        self.assertEqual(len(a), len(b))
        head = 8 + int.from_bytes(a[:8], "little")
        self.assertEqual(a[:head], b[:head])
        self.after = read_safetensors(b)
        return json.loads(out.stdout)["files"][0]

    def refuse(self, message, *args):
        self.run_tool("quantize", "m.safetensors", "-o", "r.grz", *args, code=1, says=message)
        self.assertNotIn("r.grz", self.names())

    def pair(self, name):
        (dtype, _, a), (_, _, b) = self.before[name], self.after[name]
        return floats_of(dtype, a), floats_of(dtype, b)

    def total_sqnr(self):
        return sqnr(self.pair(name) for name in self.before)

    def weights(self):
        return sum(math.prod(shape) for _, shape, _ in self.before.values())

    def rate(self):
        return 8 * os.path.getsize(self.path("q.grz")) / self.weights()


class Targets(Quantizing):
    def test_bits_per_weight(self):
        self.model()
        for target in (0.5, 2, 4.5, 8.5):
            j = self.quantize("--target-bpw", str(target))
            self.assertLessEqual(self.rate(), target)
            self.assertGreaterEqual(self.rate(), target - 0.01)
            self.assertAlmostEqual(j["bits_per_weight"], self.rate(), 9)
            self.assertAlmostEqual(j["report"]["total"]["sqnr_db"], self.total_sqnr(), 3)
            self.assertEqual(self.before["norm.weight"], self.after["norm.weight"])

    def test_sqnr(self):
        self.model()
        for target in (8, 22.5, 40):
            self.quantize("--target-sqnr", str(target))
            self.assertGreaterEqual(self.total_sqnr(), target - 1e-6)
            self.assertLessEqual(self.total_sqnr(), target + 0.05)

    def test_max_error(self):
        self.model()
        for limit in (0.001, 0.02):
            self.quantize("--max-error", str(limit))
            worst = 0
            for name in self.before:
                a, b = self.pair(name)
                worst = max(worst, max(abs(x - y) for x, y in zip(a, b)))
            self.assertLessEqual(worst, limit)
            self.assertGreater(worst, limit / 4)

    def test_same_bytes_at_any_number_of_threads(self):
        self.model()
        files = []
        for threads in "1", "3":
            self.quantize("--target-bpw", "3", "-T" + threads)
            files.append(self.read("q.grz"))
        self.assertEqual(*files)

    def test_equal_slope_gives_more_bits_to_larger_weights(self):
        self.model([tensor("small", gauss(N, 1, 0.01)), tensor("large", gauss(N, 2, 0.08))])
        j = self.quantize("--target-bpw", "4")
        rates = {t["name"]: t["bits_per_weight"] for t in j["report"]["tensors"]}
        self.assertAlmostEqual(rates["large"] - rates["small"], 3, delta=0.1)

    def test_own_rates(self):
        self.model()
        j = self.quantize("--target-bpw", "4", "--set", "v=6")
        rates = {t["name"]: t["bits_per_weight"] for t in j["report"]["tensors"]}
        self.assertLessEqual(rates["v"], 6)
        self.assertGreaterEqual(rates["v"], 5.98)
        self.assertLessEqual(self.rate(), 4)
        self.assertGreaterEqual(self.rate(), 3.99)

    def test_quality_of_gaussian_and_laplace_weights(self):
        # Of 2^18 weights; what a file takes beside them is 0.3 dB of it.
        for values, goals in ((gauss(1 << 18, 5), {2: 9.9, 4.5: 25}), (laplace(1 << 18, 6), {2: 10.7, 4.5: 25.4})):
            self.model([tensor("w", values)])
            for rate, goal in goals.items():
                self.quantize("--target-bpw", str(rate))
                self.assertGreaterEqual(self.total_sqnr(), goal)


class Methods(Quantizing):
    def test_each_method(self):
        self.model()
        least = {"linear --bits 8": 35, "linear --bits 4 --group 32": 17, "linear --bits 4 --asymmetric --group 64": 17,
                 "mean-constrained --bits 4": 13, "sorting --bits 4": 8, "nf4": 18, "fp8": 28, "ternary": 3}
        for method, db in least.items():
            j = self.quantize("--method", *method.split())
            self.assertGreater(self.total_sqnr(), db, method)
            self.assertAlmostEqual(j["report"]["total"]["sqnr_db"], self.total_sqnr(), 3)
            self.assertAlmostEqual(j["bits_per_weight"], self.rate(), 9)

    def test_coders(self):
        self.model()
        sizes = {}
        for coder in "auto", "huffman", "rle", "horner":
            self.quantize("--method", "ternary", "--coder", coder)
            sizes[coder] = (os.path.getsize(self.path("q.grz")), self.after)
        for coder, (size, after) in sizes.items():
            self.assertEqual(after, sizes["auto"][1], coder)
            self.assertGreaterEqual(size, sizes["auto"][0], coder)

    def test_means_of_rows(self):
        self.model([tensor("w", [x + 0.003 for x in gauss(N, 1)])])

        def worst():
            a, b = self.pair("w")
            return max(abs(sum(b[r:r + COLUMNS]) - sum(a[r:r + COLUMNS])) / COLUMNS for r in range(0, N, COLUMNS))

        j = self.quantize("--target-bpw", "4.5", "--method", "uniform")
        free, db = worst(), self.total_sqnr()
        j = self.quantize("--target-bpw", "4.5", "--mean-constrained")
        step = float(j["report"]["tensors"][0]["parameters"].split()[1].rstrip(","))
        self.assertLess(worst(), 1.1 * step / COLUMNS)
        self.assertLess(worst(), free / 4)
        self.assertGreater(self.total_sqnr(), db - 0.1)


class Pruning(Quantizing):
    def zeros(self, name):
        return sum(x == 0 for x in self.pair(name)[1])

    def test_edges_in_each_tensor(self):
        self.model()
        for sparsity in "0.5", "0.9", "0.123456":
            self.quantize("--prune", "edge", "--sparsity", sparsity)
            for name in "w", "v":
                before, after = self.pair(name)
                self.assertEqual(self.zeros(name), round(float(sparsity) * N))
                kept = [abs(x) for x, y in zip(before, after) if y != 0]
                gone = [abs(x) for x, y in zip(before, after) if y == 0]
                self.assertLessEqual(max(gone), min(kept))
                self.assertTrue(all(x == y for x, y in zip(before, after) if y != 0))

    def test_edges_of_all(self):
        self.model([tensor("small", gauss(N, 1, 0.01)), tensor("large", gauss(N, 2, 0.08))])
        self.quantize("--prune", "edge", "--scope", "global", "--sparsity", "0.4")
        self.assertEqual(self.zeros("small") + self.zeros("large"), round(0.4 * 2 * N))
        self.assertGreater(self.zeros("small"), 3 * self.zeros("large"))

    def test_rows(self):
        for scope in "local", "global":
            self.model()
            self.quantize("--prune", "node", "--scope", scope, "--sparsity", "0.25")
            self.assertEqual(self.zeros("w") + self.zeros("v"), N // 2)
            for name in "w", "v":
                after = self.pair(name)[1]
                rows = [sum(x == 0 for x in after[r:r + COLUMNS]) for r in range(0, N, COLUMNS)]
                self.assertLessEqual(set(rows), {0, COLUMNS})

    def test_two_of_four(self):
        self.model()
        self.quantize("--prune", "2:4")
        for name in "w", "v":
            before, after = self.pair(name)
            for i in range(0, N, 4):
                self.assertEqual(sum(x == 0 for x in after[i:i + 4]), 2)
                order = sorted(range(4), key=lambda k: abs(before[i + k]))
                self.assertEqual(after[i + order[3]], before[i + order[3]])

    def test_with_methods(self):
        self.model()
        for args in (["--method", "linear", "--bits", "4"], ["--method", "nf4"], ["--method", "sorting"],
                     ["--method", "linear", "--asymmetric", "--group", "32"], ["--target-bpw", "0.9"],
                     ["--target-bpw", "0.9", "--mean-constrained"]):
            self.quantize(*args, "--prune", "edge", "--sparsity", "0.9")
            for name in "w", "v":
                before, after = self.pair(name)
                cut = sorted(abs(x) for x in before)[round(0.9 * N)]
                self.assertTrue(all(y == 0 for x, y in zip(before, after) if abs(x) < cut), args)
        self.model([tensor("w", gauss(1 << 18, 1))])
        self.quantize("--method", "linear", "--bits", "4", "--prune", "edge", "--sparsity", "0.9")
        self.assertLessEqual(self.rate(), 0.9)

    def test_target_sqnr(self):
        self.model()
        self.quantize("--prune", "edge", "--sparsity", "0.3", "--target-sqnr", "15")
        self.assertGreaterEqual(self.total_sqnr(), 15 - 1e-6)
        self.assertLessEqual(self.total_sqnr(), 15.05)


class Kept(Quantizing):
    def test_rules(self):
        big = floats_to("F32", gauss(70 * 128, 1))
        names = {"norm": "model.norm.w", "bias": "x.bias", "embedding": "model.embed_tokens.weight"}
        tensors = [(n, "F32", [70, 128], big) for n in names.values()]
        tensors += [("flat", "F32", [8960], big), ("tiny", "F32", [10, 12], big[:480]), ("ids", "I32", [70, 128], big),
                    ("fp8", "F8_E4M3", [70, 512], big), ("empty", "F32", [0, 5], b""),
                    tensor("w", gauss(N, 2)), ("keep.me", "F32", [70, 128], big)]
        self.model(tensors)
        j = self.quantize("--method", "linear", "--keep", "keep.*")
        rules = {t["name"]: t.get("kept_by") for t in j["report"]["tensors"]}
        self.assertEqual(rules, {"model.norm.w": "norm", "x.bias": "bias", "model.embed_tokens.weight": "embedding",
                                 "flat": "1-D", "tiny": "small", "ids": "type", "fp8": "type", "empty": "empty",
                                 "w": rules["w"], "keep.me": "--keep"})
        self.assertFalse(rules["w"])
        for name in rules:
            self.assertEqual(self.before[name] == self.after[name], name != "w")
        self.quantize("--method", "linear", "--keep", "none")
        for name in rules:
            self.assertEqual(self.before[name] == self.after[name], name in ("ids", "empty"), name)

    def test_not_a_number(self):
        values = gauss(N, 1)
        values[5], values[77], values[1000] = math.nan, math.inf, -math.inf
        self.model([("w", "F32", [ROWS, COLUMNS], floats_to("F32", values))])
        for args in ["--target-bpw", "4"], ["--method", "linear", "--group", "32"], ["--prune", "edge"]:
            self.quantize(*args)
            before, after = self.before["w"][2], self.after["w"][2]
            for i in 5, 77, 1000:
                self.assertEqual(before[4 * i:4 * i + 4], after[4 * i:4 * i + 4])
        self.refuse("tensor 'w': 3 weights are NaN or infinite", "--target-bpw", "4", "--strict")

    def test_edges(self):
        self.model([tensor("w", gauss(N, 1)), ("zero", "F32", [64, 64], b"\0" * 16384),
                    ("same", "BF16", [64, 64], floats_to("BF16", [0.3] * 4096)), ("one", "F32", [], floats_to("F32", [1.5])),
                    ("none", "F32", [0], b"")])
        for args in ["--target-bpw", "4.5"], ["--method", "linear"], ["--method", "nf4"], ["--method", "sorting"], ["--method", "fp8"]:
            self.quantize(*args, "--keep", "none")
            self.assertEqual(self.before["zero"], self.after["zero"])
            self.assertLess(abs(self.pair("same")[1][9] - 0.3), 0.02)

    def test_a_tensor_twice(self):
        values = gauss(N, 1)
        self.model([tensor("a", values), tensor("b", values), tensor("c", gauss(N, 2))])
        self.quantize("--target-bpw", "3")
        self.assertEqual(self.after["a"], self.after["b"])
        self.assertLessEqual(self.rate(), 3)
        self.assertGreaterEqual(self.rate(), 2.99)

    def test_gguf(self):
        values = gauss(N, 1)
        self.write("g.gguf", gguf([("w", [COLUMNS, ROWS], 0, floats_to("F32", values))]))
        self.run_tool("quantize", "g.gguf", "--target-bpw", "5")
        self.run_tool("-d", "g.gguf.grz", "-o", "h.gguf")
        a, b = self.read("g.gguf"), self.read("h.gguf")
        self.assertEqual(a[:-4 * N], b[:-4 * N])
        self.assertGreater(sqnr([(values, floats_of("F32", b[-4 * N:]))]), 26)


class Refusals(Quantizing):
    def test_what_is_refused(self):
        self.model()
        for message, *args in (
                ("--target-bpw 0.01: the smallest this file can be is 0.", "--target-bpw", "0.01"),
                ("the largest that quantizing makes of this file is", "--target-bpw", "31"),
                ("give a target", "-v"),
                ("exclude each other", "--target-bpw", "4", "--target-sqnr", "30"),
                ("has a rate of its own", "--method", "linear", "--target-bpw", "4"),
                ("--sparsity", "--prune", "edge", "--sparsity", "1"),
                ("--sparsity", "--prune", "edge", "--sparsity", "-0.1"),
                ("--sparsity", "--prune", "2:4", "--sparsity", "0.4"),
                ("go with --prune", "--sparsity", "0.4", "--target-bpw", "4"),
                ("no tensor's name matches 'nix*'", "--keep", "nix*", "--target-bpw", "4"),
                ("no tensor's name matches 'nix'", "--set", "nix=3", "--target-bpw", "4"),
                ("no tensor is left to quantize", "--keep", "*", "--target-bpw", "4"),
                ("is not PATTERN=BPW", "--set", "w", "--target-bpw", "4"),
                ("is no number", "--target-bpw", "four"),
                ("--bits", "--bits", "4", "--target-bpw", "4"),
                ("--bits: 2 to 8", "--method", "linear", "--bits", "9"),
                ("--group", "--method", "linear", "--group", "4"),
                ("choose from", "--method", "best"),
                ("highest possible is", "--prune", "edge", "--target-sqnr", "60")):
            self.refuse(message, *args)

    def test_nearest_target_works(self):
        self.model()
        err = self.run_tool("quantize", "m.safetensors", "--target-bpw", "0.01", code=1, says="smallest").stderr.decode()
        nearest = err.split("can be is ")[1].split()[0]
        self.quantize("--target-bpw", nearest)
        self.assertLessEqual(self.rate(), float(nearest))

    def test_files(self):
        self.write("t.txt", b"no tensors here\n" * 99)
        self.run_tool("quantize", "t.txt", "--target-bpw", "4", code=1, says="not a file of tensors")
        self.model()
        self.run_tool("m.safetensors")
        self.run_tool("quantize", "m.safetensors.grz", "--target-bpw", "4", code=1, says="an archive")
        self.run_tool("quantize", "m.safetensors", "--target-bpw", "4", code=1, says="already exists")


class Said(Quantizing):
    def test_list_and_note(self):
        self.model()
        self.quantize("--target-bpw", "4.5")
        text = self.run_tool("list", "--tensors", "q.grz").stdout.decode()
        self.assertIn("LOSSY", text)
        self.assertIn("trellis", text)
        j = json.loads(self.run_tool("list", "--json", "q.grz").stdout)["archives"][0]
        self.assertTrue(j["lossy"])
        note = j["note"]
        self.assertEqual((note["method"], note["target_bpw"]), ("trellis", 4.5))
        self.assertEqual([t["name"] for t in note["tensors"]], ["w", "v"])
        self.assertEqual(note["kept"], {"small": ["norm.weight"]})
        self.assertAlmostEqual(note["total"]["db"], self.total_sqnr(), 2)
        self.run_tool("m.safetensors", "-o", "plain.grz")
        self.assertNotIn("LOSSY", self.run_tool("list", "plain.grz").stdout.decode())

    def test_reports(self):
        self.model()
        for name in "r.html", "r.json", "r.txt":
            self.quantize("--target-bpw", "4.5", "--report", self.path(name))
            self.assertGreater(len(self.read(name)), 200)

    def test_standard_output(self):
        self.model()
        out = self.run_tool("quantize", "m.safetensors", "--target-bpw", "4", "-o", "-").stdout
        self.quantize("--target-bpw", "4")
        self.assertEqual(out, self.read("q.grz"))


if __name__ == "__main__":
    main()
