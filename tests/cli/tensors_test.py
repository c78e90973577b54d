# SPDX-License-Identifier: Apache-2.0
"""list --tensors and get --tensor --rows on every format, and checkpoints in several files."""
import ast
import collections
import json
import os
import re
import struct

from grz import Case, bf16, checkpoint, main, noise, text
from tensor_files import Storage, Tensor, gguf, npy, npz, pt

ROWS, COLUMNS = 400, 300
W = bf16(ROWS * COLUMNS, seed=1)
F = noise(4 * 24, seed=2)


def f32(count, seed):
    return noise(4 * count, seed)


class EveryFormat(Case):
    """The same 2-D tensor in each format: (file, tensor, dtype, rows, bytes)."""

    def setUp(self):
        super().setUp()
        big = f32(200 * 100, seed=3)
        self.write("m.safetensors", checkpoint([("w", "BF16", [ROWS, COLUMNS], W), ("b", "F32", [24], F)]))
        self.write("a.npy", npy("<f4", (200, 100), big))
        self.write("be.npy", npy(">f4", (200, 100), big))
        self.write("z.npz", npz({"w": npy("<f4", (200, 100), big), "v": npy("<i8", (3,), F[:24])}))
        state = collections.OrderedDict(w=Tensor(Storage("FloatStorage", "0", 20000), (200, 100)),
                                        part=Tensor(Storage("HalfStorage", "1", 48), (2, 3), 5))
        self.write("p.pt", pt({"model": state, "epoch": 3, "text": "x" * 300}, {"0": big, "1": F}))
        self.write("p4.pt", pt({"model": [state, None], 7: {"t": (1, 2.5, b"raw", True, -1, 1 << 70)}}, {"0": big, "1": F}, 4))
        self.write("g.gguf", gguf([("w", [100, 200], 0, big), ("q", [64, 10], 8, noise(20 * 34, 4))]))
        self.cases = [("m.safetensors", "w", "BF16", ROWS, W), ("a.npy", "array", "F32", 200, big),
                      ("be.npy", "array", ">f4", 200, big), ("z.npz", "w", "F32", 200, big),
                      ("p.pt", "model.w", "F32", 200, big), ("p4.pt", "model.0.w", "F32", 200, big),
                      ("g.gguf", "w", "F32", 200, big), ("g.gguf", "q", "Q8_0", 10, noise(20 * 34, 4))]
        self.files = sorted({c[0] for c in self.cases})
        self.write("t.txt", text(100_000))
        self.run_tool(*self.files, "t.txt", "-o", "all.grz")

    def test_list(self):
        out = self.run_tool("list", "--tensors", "all.grz").stdout.decode()
        for _, name, dtype, rows, data in self.cases:
            self.assertRegex(out, rf"\n +{len(data)} +\d+ +[\d.]+ +[\d.]+  {re.escape(dtype)} .*\[{rows}, \d+\] +{re.escape(name)}\n")
        self.assertRegex(out, r"\n +\d+ +\d+ +[\d.]+ +[\d.]+  12 tensors\n$")
        self.assertNotIn("archive offset", out)

    def test_json(self):
        j = json.loads(self.run_tool("list", "--tensors", "all.grz", "--json").stdout)["archives"][0]
        members = {m["name"]: m for m in j["members"]}
        self.assertNotIn("tensors", members["t.txt"])
        count = size = 0
        for file, name, dtype, rows, data in self.cases:
            t, = [t for t in members[file]["tensors"] if t["name"] == name]
            self.assertEqual((t["dtype"], t["shape"][0], t["size"]), (dtype, rows, len(data)))
            elements = t["shape"][0] * t["shape"][1]
            self.assertAlmostEqual(t["bits_per_weight"], 8 * t["compressed"] / elements, places=6)
            self.assertAlmostEqual(t["ratio"], t["size"] / t["compressed"], places=6)
            self.assertEqual(len(t["codecs"]) >= 1, True)
        for m in j["members"]:
            count += len(m.get("tensors", ()))
            size += sum(t["size"] for t in m.get("tensors", ()))
        self.assertEqual((j["tensors"]["count"], j["tensors"]["size"]), (count, size))

    def test_get(self):
        for file, name, _, rows, data in self.cases:
            get = lambda *args, **kw: self.run_tool("get", "all.grz", "--tensor", name, "--file", file, *args, **kw)
            self.assertEqual(get().stdout, data)
            row = len(data) // rows
            for a, b in ((0, 1), (3, 7), (rows - 1, rows), (0, rows), (rows, rows), (5, 5)):
                self.assertEqual(get("--rows", f"{a}:{b}").stdout, data[a * row:b * row], (file, a, b))
            self.assertEqual(get("--rows", ":2").stdout, data[:2 * row])
            self.assertEqual(get("--rows", f"{rows - 2}:").stdout, data[-2 * row:])
            for bad in (f"0:{rows + 1}", f"{rows + 1}:", "99999999999:99999999999"):
                get("--rows", bad, code=1, says=f"has {rows} rows")
            for bad in ("3", "4:3", "-1:2", "a:b"):
                get("--rows=" + bad, code=1, says="is no range")
        self.run_tool("get", "all.grz", "--rows", "1:2", code=1, says="get needs")
        self.run_tool("get", "all.grz", "--file", "a.npy", "--rows", "1:2", code=1, says="--rows goes with --tensor")

    def test_npy_out(self):
        for file, name, dtype, rows, data in self.cases:
            args = ("get", "all.grz", "--tensor", name, "--file", file, "--rows", "2:5", "-f", "-o", "out.npy")
            if dtype in ("BF16", "Q8_0"):
                self.run_tool(*args, code=1, says="npy has no element type")
                continue
            self.run_tool(*args)
            out = self.read("out.npy")
            size, = struct.unpack("<I", out[8:12])
            header = ast.literal_eval(out[12:12 + size].decode())
            self.assertEqual(header, {"descr": {"F32": "<f4"}.get(dtype, dtype), "fortran_order": False, "shape": (3, 100)})
            self.assertEqual(out[12 + size:], data[2 * 400:5 * 400])

    def test_safetensors_out(self):
        for file, name, dtype, rows, data in self.cases:
            args = ("get", "all.grz", "--tensor", name, "--file", file, "--rows", "2:5", "-f", "-o", "out.safetensors")
            if dtype in ("Q8_0", ">f4"):
                self.run_tool(*args, code=1, says="safetensors has no element type")
                continue
            self.run_tool(*args)
            out = self.read("out.safetensors")
            size, = struct.unpack("<Q", out[:8])
            row = len(data) // rows
            self.assertEqual(json.loads(out[8:8 + size])[name]["shape"][0], 3)
            self.assertEqual(out[8 + size:], data[2 * row:5 * row])

    def test_a_name_in_two_files(self):
        r = self.run_tool("get", "all.grz", "--tensor", "w", code=1, says="choose one with --file")
        self.assertIn(b"'g.gguf' and in 'm.safetensors'", r.stderr)
        self.run_tool("get", "all.grz", "--tensor", "w", "--file", "t.txt", code=1, says="no file with tensors")
        self.run_tool("get", "all.grz", "--tensor", "w", "--file", "x", code=1, says="no file 'x' in the archive")
        self.run_tool("get", "all.grz", "--tensor", "nothing", code=1, says="gramzip list --tensors names")

    def test_no_dimensions(self):
        self.write("s.npy", npy("<f8", (), b"12345678"))
        self.write("e.npy", npy("<f8", (0, 5), b""))
        self.run_tool("s.npy", "e.npy")
        self.run_tool("get", "s.npy.grz", "--tensor", "array", "--rows", "0:1", code=1, says="has no dimensions")
        self.assertEqual(self.run_tool("get", "e.npy.grz", "--tensor", "array", "--rows", "0:0").stdout, b"")
        self.run_tool("get", "e.npy.grz", "--tensor", "array", "--rows", "0:1", code=1, says="has 0 rows")

    def test_only_what_a_row_needs_is_read(self):
        data = bf16(2_000_000, seed=9)
        self.write("large.safetensors", checkpoint([("w", "BF16", [2000, 1000], data)]))
        self.run_tool("large.safetensors")
        size = os.path.getsize(self.path("large.safetensors.grz"))
        r = self.run_tool("get", "large.safetensors.grz", "--tensor", "w", "--rows", "1000:1001", "-v")
        self.assertEqual(r.stdout, data[2_000_000:2_002_000])
        blocks, read = map(int, re.search(rb"(\d+) blocks decoded, (\d+) bytes", r.stderr).groups())
        self.assertLessEqual(blocks, 3)  # the header's, and one or two of 64 KiB
        self.assertLess(read, 160_000)
        self.assertGreater(size, 2_000_000)


class Shards(Case):
    def setUp(self):
        super().setUp()
        for i, seed in ((1, 5), (2, 6)):
            self.write(f"model-0000{i}-of-00002.safetensors", checkpoint([(f"w{i}", "BF16", [50, 100], bf16(5000, seed))]))
        self.index = {"metadata": {"total_size": 20000}, "weight_map": {"w1": "model-00001-of-00002.safetensors",
                      "w1.copy": "model-00001-of-00002.safetensors", "w2": "model-00002-of-00002.safetensors"}}
        self.put(self.index)
        self.shards = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
        self.name = "model.safetensors.index.json"

    def put(self, index, name="model.safetensors.index.json"):
        self.write(name, index if isinstance(index, bytes) else json.dumps(index, indent=2).encode())

    def members(self, archive):
        j = json.loads(self.run_tool("list", archive, "--json").stdout)
        return [m["name"] for m in j["archives"][0]["members"]]

    def test_the_index_takes_its_shards(self):
        self.run_tool(self.name)
        self.assertEqual(self.members(self.name + ".grz"), [self.name, *self.shards])
        os.mkdir(self.path("out"))
        self.run_tool("-d", self.name + ".grz", "-o", "out/")
        for f in (self.name, *self.shards):
            self.assertEqual(self.read("out/" + f), self.read(f))
        self.assertEqual(self.run_tool("get", self.name + ".grz", "--tensor", "w2", "--rows", "0:1").stdout,
                         bf16(5000, 6)[:200])

    def test_each_file_once(self):
        self.run_tool(self.shards[1], self.name, "./" + self.shards[0])
        self.assertEqual([n for n in self.names() if n.endswith(".grz")], [self.name + ".grz"])
        self.run_tool(self.shards[1], self.name, self.shards[0], "-o", "all.grz")
        self.assertEqual(sorted(self.members("all.grz")), sorted([self.name, *self.shards]))
        self.put(self.index, "second.index.json")
        self.run_tool(self.name, "second.index.json", "-o", "both.grz")
        self.assertEqual(self.members("both.grz"), [self.name, *self.shards, "second.index.json"])

    def test_names_in_the_archive(self):
        for f in (self.name, *self.shards):
            self.write("dir/" + f, self.read(f))
        self.run_tool("dir/" + self.name, "-o", "all.grz")
        self.assertEqual(self.members("all.grz"), ["dir/" + f for f in (self.name, *self.shards)])
        self.run_tool("-r", "dir", "-o", "folder.grz")
        self.assertEqual(sorted(self.members("folder.grz")), sorted("dir/" + f for f in (self.name, *self.shards)))

    def test_missing_shard(self):
        os.remove(self.path(self.shards[1]))
        self.run_tool(self.name, code=1, says=f"{self.name}: its shard '{self.shards[1]}' is not there; --as text")
        self.assertNotIn(self.name + ".grz", self.names())
        self.run_tool(self.name, "--as", "text")
        self.assertEqual(self.members(self.name + ".grz"), [self.name])

    def test_what_is_no_index(self):
        self.put({"weights": [1, 2], "x": {"weight_map": {"a": "../b"}}}, "other.index.json")
        self.run_tool("other.index.json")
        self.assertEqual(self.members("other.index.json.grz"), ["other.index.json"])
        for bad, says in ((b"{", "not valid JSON"), ({"weight_map": []}, "an array"), ({"weight_map": 3}, "no object"),
                          ({"weight_map": {"w": 3}}, "tensor 'w': a number"), ({"weight_map": {"w": {}}}, "tensor 'w': an object"),
                          ({"weight_map": {"w": "../x"}}, "is no name of a file"), ({"weight_map": {"w": "/etc/passwd"}}, "is no name"),
                          ({"weight_map": {"w": ".."}}, "is no name"), ({"weight_map": {"w": ""}}, "is no name"),
                          ({"weight_map": {"w": "a\0b"}}, "is no name"), ({"weight_map": {"w": "x" * 300}}, "is no name"),
                          (b'{"weight_map":{},"weight_map":{}}', "given twice"), (b'{"a":' + b"[" * 100_000, "nested more")):
            self.put(bad, "bad.index.json")
            self.run_tool("bad.index.json", code=1, says=says)
            self.assertNotIn("bad.index.json.grz", self.names())


if __name__ == "__main__":
    main()
