# SPDX-License-Identifier: Apache-2.0
"""list, get, test, bench, doctor, and their JSON."""
import ast
import json
import os
import struct

from grz import Case, bf16, checkpoint, main, noise, text

W = bf16(400 * 300, seed=1)
F = noise(4 * 30, seed=2)


class Archive(Case):
    def setUp(self):
        super().setUp()
        self.write("m.safetensors", checkpoint([("layer.w", "BF16", [400, 300], W), ("layer.b", "F32", [2, 3, 5], F),
                                                ("scalar", "I64", [], b"12345678"), ("none", "F16", [0, 7], b"")]))
        self.write("t.txt", text(2_500_000))
        self.run_tool("m.safetensors", "t.txt", "-o", "all.grz")

    def json(self, *args, code=0):
        return json.loads(self.run_tool(*args, "--json", code=code).stdout)


class List(Archive):
    def test_table(self):
        out = self.run_tool("list", "all.grz").stdout.decode()
        self.assertIn("2 members", out)
        self.assertRegex(out, r"safetensors +[0-9a-f]{32}  m.safetensors\n")
        self.assertRegex(out, r"2500000 +\d+ +[1-9]\.\d+  plain +[0-9a-f]{32}  t.txt\n")
        self.assertNotIn("layer.w", out)
        out = self.run_tool("-lv", "all.grz").stdout.decode()
        self.assertRegex(out, r"240000 .* BF16 .*\[400, 300\] +layer.w\n")
        self.assertRegex(out, r"\n +\d+ +\d+ +\d+ +\d+ +\d+ +[\d.]+  BF16 ")

    def test_json(self):
        j = self.json("list", "all.grz")["archives"][0]
        self.assertEqual([m["name"] for m in j["members"]], ["m.safetensors", "t.txt"])
        self.assertEqual(j["members"][1]["size"], 2_500_000)
        self.assertEqual(j["archive_bytes"], os.path.getsize(self.path("all.grz")))
        self.assertLess(sum(m["compressed"] for m in j["members"]), j["archive_bytes"])
        j = self.json("-lv", "all.grz")["archives"][0]
        self.assertEqual([t["name"] for t in j["members"][0]["tensors"]], ["layer.w", "layer.b", "scalar", "none"])
        self.assertEqual(j["members"][0]["tensors"][0]["shape"], [400, 300])
        self.assertEqual({s["type"] for s in j["segments"]} >= {"BF16", "text"}, True)
        self.assertEqual(sum(s["content_bytes"] for s in j["segments"]), j["content_bytes"])
        j = self.json("list", "t.txt", code=1)
        self.assertIn("not a gramzip archive", j["archives"][0]["error"])

    def test_test(self):
        out = self.run_tool("test", "all.grz").stdout.decode()
        self.assertRegex(out, r"^all.grz: ok, 2 members, .*\n$")
        self.assertEqual(self.run_tool("-tq", "all.grz").stdout, b"")
        j = self.json("test", "all.grz")["files"][0]
        self.assertTrue(j["ok"])
        self.assertEqual(j["content_bytes"], self.json("list", "all.grz")["archives"][0]["content_bytes"])
        j = self.json("test", "all.grz", "t.txt", code=1)
        self.assertEqual([f["ok"] for f in j["files"]], [True, False])

    def test_names_that_are_no_utf8(self):
        name = b"\xff\xfe".decode(errors="surrogateescape")
        self.write(name, b"x" * 99)
        self.run_tool(name, "-o", "odd.grz")
        self.assertIn("\ufffd", self.json("list", "odd.grz")["archives"][0]["members"][0]["name"])


class Get(Archive):
    def test_bytes(self):
        whole = self.read("m.safetensors") + self.read("t.txt")
        for a, b in ((0, 1), (0, 0), (5, 70_000), (0, len(whole)), (len(whole) - 1, len(whole)), (len(whole), len(whole)),
                     (239_000, 1_500_001)):
            self.assertEqual(self.run_tool("get", "all.grz", "--bytes", f"{a}:{b}").stdout, whole[a:b])
        self.assertEqual(self.run_tool("get", "all.grz", "--bytes", "2700000:").stdout, whole[2_700_000:])
        self.assertEqual(self.run_tool("get", "all.grz", "--bytes", ":9").stdout, whole[:9])
        self.run_tool("get", "all.grz", "--bytes", f"0:{len(whole) + 1}", code=1, says="there are only")
        self.run_tool("get", "all.grz", "--bytes", "99999999999:", code=1, says="there are only")

    def test_only_what_is_needed_is_decoded(self):
        self.run_tool("--as", "bytes", "t.txt")
        r = self.run_tool("get", "t.txt.grz", "--bytes", "1000000:1000010", "-v")
        self.assertRegex(r.stderr.decode(), r"\b[12] blocks decoded")

    def test_file(self):
        self.assertEqual(self.run_tool("get", "all.grz", "--file", "t.txt").stdout, self.read("t.txt"))
        self.assertEqual(self.run_tool("get", "all.grz", "--file", "t.txt", "--bytes", "3:9").stdout, self.read("t.txt")[3:9])
        self.run_tool("get", "all.grz", "--file", "m.safetensors", "-o", "copy")
        self.assertEqual(self.read("copy"), self.read("m.safetensors"))
        self.run_tool("get", "all.grz", "--file", "m.safetensors", "-o", "copy", code=1, says="already exists")
        self.run_tool("get", "all.grz", "--file", "x", code=1, says="no file 'x'")

    def test_lines(self):
        lines = self.read("t.txt").splitlines(keepends=True)
        for a, b in ((1, 1), (1, 3), (7, 7), (5000, 5010), (len(lines) - 1, len(lines)), (1, len(lines))):
            got = self.run_tool("get", "all.grz", "--file", "t.txt", "--lines", f"{a}:{b}").stdout
            self.assertEqual(got, b"".join(lines[a - 1:b]), (a, b))
        got = self.run_tool("get", "all.grz", "--file", "t.txt", "--lines", f"{len(lines)}:").stdout
        self.assertEqual(got, lines[-1])
        got = self.run_tool("get", "all.grz", "--file", "t.txt", "--lines", f"{len(lines)}:{len(lines) + 50}").stdout
        self.assertEqual(got, lines[-1])
        self.run_tool("get", "all.grz", "--file", "t.txt", "--lines", f"{len(lines) + 1}:{len(lines) + 2}", code=1,
                      says=f"there are only {len(lines)} lines")
        self.write("l.txt", b"\n\n3\nlast without newline")
        self.run_tool("l.txt")
        for a, b, want in ((1, 2, b"\n\n"), (3, 3, b"3\n"), (4, 4, b"last without newline")):
            self.assertEqual(self.run_tool("get", "l.txt.grz", "--lines", f"{a}:{b}").stdout, want)

    def test_tensor(self):
        self.assertEqual(self.run_tool("get", "all.grz", "--tensor", "layer.w").stdout, W)
        self.assertEqual(self.run_tool("get", "all.grz", "--tensor", "layer.b", "--file", "m.safetensors").stdout, F)
        self.assertEqual(self.run_tool("get", "all.grz", "--tensor", "none").stdout, b"")
        self.assertEqual(self.run_tool("get", "all.grz", "--tensor", "layer.w", "--bytes", "10:30").stdout, W[10:30])
        self.run_tool("get", "all.grz", "--tensor", "x", code=1, says="gramzip list --tensors names")
        self.run_tool("get", "all.grz", "--tensor", "layer.b", "--file", "t.txt", code=1, says="no file with tensors")

    def test_tensor_as_safetensors(self):
        self.run_tool("get", "all.grz", "--tensor", "layer.w", "-o", "w.safetensors")
        data = self.read("w.safetensors")
        size, = struct.unpack("<Q", data[:8])
        self.assertEqual(json.loads(data[8:8 + size]),
                         {"layer.w": {"dtype": "BF16", "shape": [400, 300], "data_offsets": [0, len(W)]}})
        self.assertEqual((data[8 + size:], (8 + size) % 8), (W, 0))
        self.run_tool("w.safetensors")
        self.assertIn(b"safetensors", self.run_tool("-l", "w.safetensors.grz").stdout)

    def test_tensor_as_npy(self):
        self.run_tool("get", "all.grz", "--tensor", "layer.b", "-o", "b.npy")
        data = self.read("b.npy")
        self.assertEqual(data[:8], b"\x93NUMPY\x02\x00")
        size, = struct.unpack("<I", data[8:12])
        self.assertEqual((12 + size) % 64, 0)
        header = ast.literal_eval(data[12:12 + size].decode())
        self.assertEqual(header, {"descr": "<f4", "fortran_order": False, "shape": (2, 3, 5)})
        self.assertEqual(data[12 + size:], F)
        self.run_tool("get", "all.grz", "--tensor", "scalar", "-o", "s.npy")
        data = self.read("s.npy")
        self.assertIn(b"'shape': ()", data)
        self.run_tool("get", "all.grz", "--tensor", "layer.w", "-o", "w.npy", code=1, says="use -o NAME.safetensors")
        self.assertNotIn("w.npy", self.names())

    def test_the_same_tensor_in_two_files(self):
        self.write("n.safetensors", checkpoint([("layer.b", "F32", [30], F[::-1])]))
        self.run_tool("m.safetensors", "n.safetensors", "-o", "two.grz")
        self.run_tool("get", "two.grz", "--tensor", "layer.b", code=1, says="choose one with --file")
        got = self.run_tool("get", "two.grz", "--tensor", "layer.b", "--file", "n.safetensors").stdout
        self.assertEqual(got, F[::-1])

    def test_archives_put_together(self):
        self.write("n.safetensors", checkpoint([("other", "F32", [30], F)]))
        self.write("joined.grz", self.read("all.grz") + self.pack(b"", "n.safetensors"))
        self.assertEqual(self.run_tool("get", "joined.grz", "--tensor", "other").stdout, F)
        self.assertEqual(self.run_tool("get", "joined.grz", "--tensor", "layer.w").stdout, W)


class Bench(Case):
    def test_bench(self):
        self.write("t", text(200_000))
        out = self.run_tool("bench", "t", "--runs", "1").stdout.decode()
        self.assertRegex(out, r"order-0 entropy \d\.\d+ bits")
        self.assertRegex(out, r"\ngramzip -6 +1 +\d+ +\d")
        j = json.loads(self.run_tool("bench", "t", "--json", "-T1", "-n", "2").stdout)
        first = j["files"][0]["results"][0]
        self.assertEqual((first["codec"], first["threads"], first["verified"]), ("gramzip -6", 1, True))
        self.assertEqual(first["bytes"], len(self.pack(self.read("t"))))
        csv = self.run_tool("bench", "t", "--csv", "--limit", "64K", "-n", "1").stdout.decode().splitlines()
        self.assertTrue(csv[0].startswith("file,bytes,"))
        self.assertIn('"t",65536,', csv[1])
        self.assertEqual(len({line.count(",") for line in csv}), 1)
        self.write("empty", b"")
        self.run_tool("bench", "empty", code=1, says="is empty")

    def test_doctor(self):
        out = self.run_tool("doctor").stdout.decode()
        self.assertIn("all is well", out)
        for name in ("bytes", "text", "BF16", "F16", "F32", "F64", "F8_E4M3", "F8_E5M2", "damage"):
            self.assertRegex(out, rf"\n  {name} +ok\n")
        self.assertTrue(json.loads(self.run_tool("doctor", "--json").stdout)["ok"])


if __name__ == "__main__":
    main()
