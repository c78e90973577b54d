# SPDX-License-Identifier: Apache-2.0
"""decompress, cat and get --dtype against float arithmetic of Python's own."""
import json
import os
import random
import struct

from grz import Case, checkpoint, main, text
from tensor_files import gguf, npy

NAMES = {"f32": "F32", "bf16": "BF16", "f16": "F16"}
SIZES = {"F32": 4, "BF16": 2, "F16": 2, "F64": 8}


def encode(values, dtype):
    """Nearest, ties to even; infinity beyond."""
    if dtype == "F64":
        return struct.pack(f"<{len(values)}d", *values)
    out = bytearray()
    for v in values:
        if dtype == "F16":
            try:
                out += struct.pack("<e", v)
            except OverflowError:
                out += struct.pack("<e", float("inf") if v > 0 else -float("inf"))
        elif dtype == "F32":
            try:
                out += struct.pack("<f", v)
            except OverflowError:
                out += struct.pack("<f", float("inf") if v > 0 else -float("inf"))
        else:  # values here are F32, F16 or BF16 ones, or F64 of at most 24 bits
            bits, = struct.unpack("<I", struct.pack("<f", v))
            if bits & 0x7fffffff <= 0x7f800000:
                bits += 0x7fff + (bits >> 16 & 1)
            out += struct.pack("<H", bits >> 16)
    return bytes(out)


def decode(data, dtype):
    if dtype == "BF16":
        data = b"".join(b"\0\0" + data[i:i + 2] for i in range(0, len(data), 2))
        dtype = "F32"
    return list(struct.unpack("<%d%s" % (len(data) // SIZES[dtype], {"F32": "f", "F16": "e", "F64": "d"}[dtype]), data))


def read(file):
    """Header and tensors of a safetensors file, whose rules are checked."""
    size, = struct.unpack("<Q", file[:8])
    header = json.loads(file[8:8 + size])
    tensors, at = {}, 0
    for name, t in sorted(((k, v) for k, v in header.items() if k != "__metadata__"), key=lambda kv: kv[1]["data_offsets"]):
        begin, end = t["data_offsets"]
        assert begin == at, name
        tensors[name] = (t["dtype"], t["shape"], file[8 + size + begin:8 + size + end])
        at = end
    assert len(file) == 8 + size + at
    return header, tensors


def values(count, scale, seed):
    rng = random.Random(seed)
    return [struct.unpack("<f", struct.pack("<f", rng.gauss(0, scale)))[0] for _ in range(count)]


SPECIAL = [0.0, -0.0, float("inf"), -float("inf"), 1.0, 1 + 2.0**-8, 1 + 3 * 2.0**-8, 1 + 2.0**-11, 1 + 3 * 2.0**-11, 65504.0,
           2.0**-24, 2.0**-25, 3 * 2.0**-25, 2.0**-14 - 2.0**-25, 6e-8, 1e-5]


class Dtype(Case):
    def setUp(self):
        super().setUp()
        w = values(70_001, 0.02, 1)
        self.tensors = [("a", "F32", [len(SPECIAL)], encode(SPECIAL, "F32")), ("w", "F32", [70_001], encode(w, "F32")),
                        ("half", "F16", [3, 50], encode(values(150, 3, 2), "F16")), ("brain", "BF16", [5, 101], encode(values(505, 1, 3), "BF16")),
                        ("wide", "F64", [2, 9], encode(values(18, 1, 4), "F64")), ("ids", "I64", [4], struct.pack("<4q", 1, -2, 3, 1 << 60)),
                        ("mask", "BOOL", [3], b"\1\0\1"), ("none", "F32", [0, 4], b""), ("sc\u00e4l\"e", "BF16", [], encode([0.5], "BF16"))]
        self.file = checkpoint(self.tensors, {"format": "pt", "quote\"": "\u00fc"})
        self.write("m.safetensors", self.file)
        self.run_tool("m.safetensors")

    def expected(self, to):
        out = {}
        for name, dtype, shape, data in self.tensors:
            if dtype in SIZES:
                data, dtype = (data if dtype == to else encode(decode(data, dtype), to)), to
            out[name] = (dtype, shape, data)
        return out

    def test_every_type(self):
        for option, to in NAMES.items():
            self.run_tool("decompress", "m.safetensors.grz", "--dtype", option, "-o", option + ".safetensors")
            file = self.read(option + ".safetensors")
            header, tensors = read(file)
            self.assertEqual(tensors, self.expected(to))
            self.assertEqual(header["__metadata__"], {"format": "pt", "quote\"": "\u00fc"})
            self.assertEqual(self.run_tool("cat", "m.safetensors.grz", "--dtype", option).stdout, file)
            with open(self.path("m.safetensors.grz"), "rb") as f:  # from a pipe
                self.assertEqual(self.run_tool("cat", "--dtype", option, stdin=f.read()).stdout, file)

    def test_get(self):
        for option, to in NAMES.items():
            for name, (dtype, shape, data) in self.expected(to).items():
                if dtype != to:
                    self.run_tool("get", "m.safetensors.grz", "--tensor", name, "--dtype", option, code=1, says="is no float type")
                    continue
                self.assertEqual(self.run_tool("get", "m.safetensors.grz", "--tensor", name, "--dtype", option).stdout, data)
        self.run_tool("get", "m.safetensors.grz", "--tensor", "half", "--rows", "1:2", "--dtype", "bf16", "-o", "h.safetensors")
        _, tensors = read(self.read("h.safetensors"))
        self.assertEqual(tensors, {"half": ("BF16", [1, 50], self.expected("BF16")["half"][2][100:200])})
        self.run_tool("get", "m.safetensors.grz", "--tensor", "brain", "--dtype", "f16", "-o", "b.npy")
        self.assertIn(b"'<f2'", self.read("b.npy"))
        self.run_tool("get", "m.safetensors.grz", "--file", "m.safetensors", "--dtype", "f16", code=1, says="--dtype goes with --tensor")

    def test_overflow(self):
        big = checkpoint([("ok", "F32", [2], encode([1.0, 65519.0], "F32")), ("b\nig", "BF16", [4], encode([65536.0, -1e30, 2.0, float("inf")], "BF16"))])
        self.write("big.safetensors", big)
        self.run_tool("big.safetensors")
        r = self.run_tool("decompress", "big.safetensors.grz", "--dtype", "f16", "-o", "f16.safetensors", code=2,
                          says="tensor 'b\\x0aig': 2 values are beyond F16 and became infinite")
        self.assertEqual(r.stderr.count(b"\n"), 1)
        _, tensors = read(self.read("f16.safetensors"))
        self.assertEqual(decode(tensors["b\nig"][2], "F16"), [float("inf"), -float("inf"), 2.0, float("inf")])
        self.run_tool("decompress", "big.safetensors.grz", "--dtype", "f16", "--strict", "-o", "strict.safetensors", code=1,
                      says="tensor 'b\\x0aig': 2 values are beyond F16")
        self.assertNotIn("strict.safetensors", self.names())
        self.run_tool("get", "big.safetensors.grz", "--tensor", "b\nig", "--dtype", "f16", "--strict", "-o", "x.npy", code=1, says="beyond F16")
        self.assertNotIn("x.npy", self.names())
        self.run_tool("decompress", "big.safetensors.grz", "--dtype", "bf16", "--strict", "-o", "bf16.safetensors")

    def test_displaced(self):
        ids = struct.pack("<2q", 5, 6)
        self.write("d.safetensors", checkpoint([("w", "F32", [2], encode([1, 2], "F32")), ("ids", "I64", [2], ids)]))
        self.run_tool("d.safetensors")
        self.run_tool("decompress", "d.safetensors.grz", "--dtype", "f16", "-o", "f16", code=2, says="1 tensor from 'ids' on will lie at no multiple")
        self.assertEqual(read(self.read("f16"))[1]["ids"], ("I64", [2], ids))

    def test_limit(self):
        size = len(self.run_tool("cat", "m.safetensors.grz", "--dtype", "bf16").stdout)
        args = ("decompress", "m.safetensors.grz", "--dtype", "bf16", "-f", "-o", "out", "--max-output")
        self.run_tool(*args, str(size))
        self.assertLess(size, len(self.file))
        self.run_tool(*args, str(size - 1), code=1, says="would exceed the limit of")

    def test_refusals(self):
        self.write("a.npy", npy("<f4", (2,), b"\0" * 8))
        self.write("g.gguf", gguf([("w", [2], 0, b"\0" * 8)]))
        self.write("t.txt", text(1000))
        self.run_tool("a.npy", "g.gguf", "t.txt")
        for name, kind in (("a.npy", "npy"), ("g.gguf", "gguf")):
            self.run_tool("decompress", name + ".grz", "-f", "--dtype", "f16", code=1, says=f"is a file of kind {kind}; --dtype rewrites")
        self.run_tool("cat", "t.txt.grz", "--dtype", "f16", code=1, says="no safetensors file")
        self.run_tool("cat", "m.safetensors.grz", "--dtype", "f8", code=1, says="choose from f32, bf16, f16")
        self.run_tool("cat", "m.safetensors.grz", "--strict", code=1, says="--strict goes with --dtype")

    def test_several_members(self):
        self.write("config.json", b"{}")
        self.run_tool("m.safetensors", "config.json", "-o", "all.grz")
        os.mkdir(self.path("out"))
        self.run_tool("decompress", "all.grz", "--dtype", "f16", "-o", "out/")
        self.assertEqual(self.read("out/config.json"), b"{}")
        self.assertEqual(read(self.read("out/m.safetensors"))[1], self.expected("F16"))

    def test_large(self):
        w = values(300_000, 0.02, 9)
        self.write("l.safetensors", checkpoint([("w", "F32", [1000, 300], encode(w, "F32"))]))
        self.run_tool("l.safetensors")
        out = self.run_tool("cat", "l.safetensors.grz", "--dtype", "bf16").stdout
        self.assertEqual(read(out)[1]["w"][2], encode(w, "BF16"))


if __name__ == "__main__":
    main()
