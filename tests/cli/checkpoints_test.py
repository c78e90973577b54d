# SPDX-License-Identifier: Apache-2.0
"""Checkpoints that are no safetensors files: cut by tensor, listed, read in part, as deltas."""
import io
import json
import struct
import unittest
import zipfile

from grz import Case, bf16, main


def npy(data, dtype="<f4", size=4):
    head = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({len(data) // size},), }}".encode()
    pad = -(10 + len(head) + 1) % 64
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head) + pad + 1) + head + b" " * pad + b"\n" + data


def npz(arrays):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as z:
        for name, data in arrays:
            z.writestr(zipfile.ZipInfo(f"{name}.npy"), npy(data))
    return out.getvalue()


def f32(count, seed):
    return b"".join(b"\0\0" + bytes(p) for p in zip(*[iter(bf16(count, seed))] * 2))


BIG, OTHER, SMALL = f32(100_000, 1), f32(80_000, 2), f32(2000, 3)


class Checkpoints(Case):
    def listed(self, *args):
        return json.loads(self.run_tool("list", "--json", "-v", *args).stdout)["archives"][0]

    def test_npz(self):
        data = npz([("a", BIG), ("s", SMALL), ("b", OTHER), ("tied", BIG)])
        self.write("w.npz", data)
        self.run_tool("compress", "w.npz")
        self.assertLess(len(self.read("w.npz.grz")), (len(BIG) + len(OTHER) + len(SMALL)) * 0.9)
        j = self.listed("w.npz.grz")
        self.assertEqual(j["members"][0]["kind"], "zip")
        self.assertEqual([t["name"] for t in j["members"][0]["tensors"]], ["a", "s", "b", "tied"])
        self.assertEqual([s["codec"] for s in j["segments"]].count("reference"), 1)
        self.assertEqual(self.run_tool("get", "w.npz.grz", "--tensor", "tied").stdout, BIG)
        self.assertEqual(self.run_tool("cat", "w.npz.grz").stdout, data)
        self.assertEqual(self.unpack(self.pack(data)), data)  # as bytes: a zip's directory is at its end

    def test_npy(self):
        self.write("a.npy", npy(BIG))
        self.run_tool("compress", "a.npy", "--as", "weights")
        self.assertEqual(self.listed("a.npy.grz")["members"][0]["kind"], "npy")
        self.assertEqual(self.run_tool("cat", "a.npy.grz").stdout, npy(BIG))

    def test_delta_across_formats_of_the_same_tensors(self):
        changed = BIG[:1000] + bytes(100) + BIG[1100:]
        self.write("1.npz", npz([("a", BIG), ("s", SMALL), ("b", OTHER)]))
        new = npz([("new", SMALL), ("b", OTHER), ("a", changed), ("s", SMALL)])
        self.write("2.npz", new)
        self.run_tool("compress", "2.npz", "--base", "1.npz", "-o", "2.grz")
        self.assertLess(len(self.read("2.grz")), len(BIG) * 0.9)
        self.assertEqual(self.run_tool("cat", "2.grz", "--base", "1.npz").stdout, new)

    def test_thousands_of_small_arrays(self):
        data = npz([(f"t{i:04}", SMALL[:4 * (8 + i % 50)]) for i in range(3000)])
        self.write("many.npz", data)
        self.run_tool("compress", "many.npz")
        self.assertLess(len(self.listed("many.npz.grz")["segments"]), 10)
        self.assertEqual(self.run_tool("cat", "many.npz.grz").stdout, data)

    def test_damaged_directory_is_a_warning(self):
        data = npz([("a", BIG)])
        data = data[:-60] + bytes(30) + data[-30:]
        self.write("bad.npz", data)
        self.run_tool("compress", "bad.npz", code=None)
        self.assertEqual(self.run_tool("cat", "bad.npz.grz").stdout, data)


if __name__ == "__main__":
    main()
