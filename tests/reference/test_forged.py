# SPDX-License-Identifier: Apache-2.0
"""Archives whose hashes fit but which break another rule: each is refused for the right reason."""
import random
import unittest
from struct import pack

from check import FormatError
from decoder import decode
from encoder import BYTES, F8_E4M3, I16, I32, I64, encode
from forge import Layout, edited

TEXT = b"the cat sat on the mat. " * 42


class Forged(unittest.TestCase):
    def use(self, members, segments=None):
        self.archive = encode(members, segments)
        self.layout = Layout(self.archive)
        decode(self.archive)

    def refused(self, reason, *edits, status=None):
        with self.assertRaisesRegex(FormatError, reason) as caught:
            decode(edited(self.archive, self.layout, *edits))
        self.assertEqual(caught.exception.status, status, caught.exception)

    def test_header(self):
        self.use([("a", 0o644, 0, TEXT)])
        self.refused("magic", (0, b"\x88"))
        self.refused("version 2", (8, b"\2"))
        self.refused("needs a base of 0 bytes", (12, b"\2"))
        self.refused("feature 4 is unknown", (12, b"\x10"))
        self.refused("feature 31 is unknown", (15, b"\x80"))
        self.refused("reference window", (16, b"\1"))

    def test_periods(self):
        content = bytes(range(8)) * 2 + bytes(8) * 60
        for element_type, good in ((BYTES, 34), (I16, 0), (I32, 0), (I64, 0)):
            self.use([("a", 0o644, 0, content)], [(len(content), {"element_type": element_type, "period": good})])
            period = self.layout.find(2)[1] + 48
            for bad in (0, 1, 513, 16 if good == 0 else 1 << 15):
                self.refused(f"period {bad}", (period, pack("<H", bad)))
            self.refused("1 exact values", (period + 2, b"\1"))
            self.refused("symbol_bits 7", (period - 44, b"\7"))
            self.refused("longest code length 11", (period - 43, b"\x0b"))
        self.use([("a", 0o644, 0, content)], [(len(content), {"element_type": F8_E4M3})])
        for bad in (1, 513):
            self.refused(f"period {bad}", (self.layout.find(2)[1] + 48, pack("<H", bad)))
        self.use([("a", 0o644, 0, content)], [(len(content), {"element_type": F8_E4M3, "exact": (0,)})])
        self.refused("period of a codec without planes", (self.layout.find(2)[1] + 48, b"\2"))

    def test_sections(self):
        self.use([("a", 0o644, 0, TEXT)])
        segment = self.layout.find(2)[0]
        self.refused("section 1 at 256 .model.: only segments have data", (segment + 4, b"\4"))
        self.refused("type 5 .tensor directory. is reserved", (segment + 4, b"\5"))
        self.refused("unknown type 9", (segment + 4, b"\t"))
        self.refused("unknown type 0", (segment + 4, b"\0"))
        self.refused("ordinal 7", (segment + 8, b"\7"))
        self.refused("only segments have data", (128 + 24, b"\x20"))
        self.refused("data_bytes is not a multiple of 32", (segment + 24, b"\x21"))
        self.refused("truncated", (segment + 24, b"\0\0\0\0\0\0\0\x40"))
        self.refused("index.: entry of section 1", (self.layout.find(3)[1] + 16 + 48 + 24, b"\1"))
        self.refused("index.: entry of member 0", (self.layout.find(3)[1] + 16 + 96 + 8, b"\1"))
        self.refused("size of the archive", (self.layout.trailer + 16, b"\0"))

    def test_members(self):
        self.use([("abc", 0o644, 0, TEXT)])
        record = self.layout.find(1)[1]
        self.refused("starts behind 0", (record, b"\1"))
        self.refused("permission bits 10644", (record + 9, b"\x11"))
        self.refused("unknown kind 5", (record + 12, b"\5"))
        for name in (b"a\0b", b"/ab", b"ab/", b"../", b"b/.", b"a//"):
            self.refused("name", (record + 16, name))
        self.refused("padding", (record + 19, b"x"))
        for names in (("a", ""), ("", "a"), ("", "")):
            with self.assertRaisesRegex(FormatError, "empty name"):
                decode(encode([(name, 0, 0, b"xyz") for name in names]))
        with self.assertRaisesRegex(FormatError, "name of 4097 bytes"):
            decode(encode([("x" * 4097, 0, 0, b"xyz")]))
        with self.assertRaisesRegex(FormatError, "without a member"):
            decode(encode([], content=b"xyz"))
        decode(encode([("x" * 4096, 0, 0, b"xyz")]))

    def test_segment_header(self):
        self.use([("a", 0o644, 0, TEXT)])
        at = self.layout.find(2)[1]
        for offset, value, reason in (
                (0, 0, "unknown codec 0"), (0, 3, "symbol_bits 8 of n-gram text"),
                (0, 4, "codec 4 with elements of type text"), (0, 2, "type text"),
                (1, 1, "demand order"), (2, 11, "unknown element type 11"), (2, 8, "type I16"),
                (2, 2, "type BF16"),
                (3, 15, "block_log2"), (3, 19, "block_log2"), (4, 7, "symbol_bits 7"),
                (5, 12, "longest code length 12"), (6, 33, "33 tables"), (7, 8, "run_log2 8"),
                (8, 2, "block_count 2"), (12, 44, "padding behind the tables"), (12, 60, "size of meta"),
                (19, 1, "decoded_bytes"),
                (32, 1, "model of a codec without models"), (48, 1, "period of a codec without planes"),
                (50, 1, "1 exact values"), (51, 1, "where its base is"), (52, 1, "1 zero bits"),
                (53, 1, "coder 1"), (54, 1, "zero field")):
            self.refused(reason, (at + offset, bytes([value])))
        record = self.layout.blocks[1, 0][0]
        self.refused("unknown mode 4", (record, b"\4"))
        self.refused("coded_bytes is not 1008", (record, b"\0"))
        self.refused("not less than the decoded size", (record + 4, b"\xf0\x03"))
        self.refused("not the sum of the blocks", (record + 4, b"\x00"))

    def test_tables(self):
        self.use([("a", 0o644, 0, TEXT)])
        table = self.layout.find(2)[1] + 64
        self.assertEqual(self.archive[table:table + 5], b" \0U\0\2")  # 85 symbols from the space
        self.refused("first or last length is zero", (table + 4, b"\0"))
        self.refused("Kraft sum is 1792/2048", (table + 4, b"\3"))
        self.refused("Kraft sum is 2560/2048", (table + 4, b"\1"))
        self.refused("a code is too long", (table + 4, b"\x0c"))
        self.refused("odd last nibble", (table + 4 + 42, b"\x12"))
        self.refused("padding", (table + 4 + 43, b"\1"))
        self.refused("beyond the alphabet", (table, b"\xac"))
        self.refused("length of an only symbol", (table + 2, b"\1"))
        self.refused("first of an empty table", (table + 2, b"\0"), (table + 4, bytes(44)))

    def test_coded_block(self):
        self.use([("a", 0o644, 0, TEXT)])
        _, block, size = self.layout.blocks[1, 0]
        bad = {"status": "bad block"}
        self.refused("bytes behind the last tail", (block, b"\1"), **bad)
        self.refused("rows needs", (block, b"\xff"), **bad)
        self.refused("lane header: K", (block + 3, b"\3"), **bad)
        self.refused("more than 15", (block + 3, b"\x10"), **bad)
        self.refused("padding", (block + 12, b"\1"), **bad)
        self.refused("not the least", (block + 4, b"\xff\xff\xff\xff\xff\xff\xff\xff"), **bad)
        self.refused("tails needs", (block + 4, b"\xff\xff\xff\x7f"), **bad)
        self.refused("padding behind the block", (block + size, b"\1"), **bad)
        self.refused("lane 30: .*bits behind", (block + size - 1, b"\x80"), status="bad stream")
        self.refused("lane 31: .* bits in 2 words", (block + 32 + 4 * 31, bytes(4)),
                     (block + 32 + 128 + 4 * 31, bytes(4)), status="bad stream")
        self.refused("decoded bytes", (block + 32, self.archive[block + 36:block + 40]),
                     (block + 32 + 128, self.archive[block + 36 + 128:block + 40 + 128]),
                     (block + 32 + 256, self.archive[block + 40 + 256:block + 48 + 256]),
                     status="bad decoded hash")

    def test_class_ids(self):
        self.use([("a", 0o644, 0, TEXT)],
                 [(1008, {"element_type": F8_E4M3, "tables": 3, "table_of": lambda block, run: run % 3})])
        block = self.layout.blocks[1, 0][1] + 128  # behind the signs
        self.assertEqual(self.archive[block], 0b00100100)
        self.refused("run 3: no table 3", (block, b"\xe4"), status="bad block")
        self.refused("padding", (block + 1, b"\1"), status="bad block")
        self.use([("a", 0o644, 0, TEXT[:600])],
                 [(600, {"element_type": F8_E4M3, "tables": 3, "table_of": lambda block, run: 0})])
        block = self.layout.blocks[1, 0][1] + 96
        self.refused("run 1: table 1 codes nothing", (block, b"\4"), status="bad block")
        self.refused("unused bits", (block, b"\x40"), status="bad block")

    def test_raw_plane(self):
        content = b"".join(bytes([i % 5, 60 + i % 2]) for i in range(905))
        self.use([("a", 0o644, 0, content)], [(1810, {"element_type": 3})])
        block = self.layout.blocks[1, 0][1]
        self.assertEqual(self.archive[self.layout.blocks[1, 0][0]], 1)
        self.refused("padding", (block + 905, b"\1"), status="bad block")
        self.refused("decoded bytes", (block + 100, b"\xff"), status="bad decoded hash")

    def test_exact_floats(self):
        content = b"".join(pack("<e", (i % 7 > 2) * (1 + i % 5 / 64)) for i in range(905))
        self.use([("a", 0o644, 0, content)],
                 [(1810, {"element_type": 3, "symbol_bits": 11, "exact": [0, 1, 2, 5, 6]})])
        at = self.layout.find(2)[1]
        _, block, size = self.layout.blocks[1, 0]
        self.assertEqual(self.archive[at:at + 1] + self.archive[at + 50:at + 51], b"\4\5")
        self.assertEqual(self.archive[at + 64:at + 76], pack("<6H", 0, 1, 2, 5, 6, 0))
        for count in (0, 17):
            self.refused(f"{count} exact values", (at + 50, bytes([count])))
        self.refused("5 exact values", (at, b"\2"))
        self.refused("symbol_bits 12", (at + 4, b"\x0c"))
        self.refused("symbol_bits 4", (at + 4, b"\4"))
        for value in (b"\2", b"\4"):
            self.refused("do not ascend", (at + 64 + 4, value), (at + 64 + 6, b"\2"))
        self.refused("padding behind the exact values", (at + 64 + 10, b"\1"))
        # Symbols up to 2^11, the first exact value; 2^10 + 5 symbols are too few for them.
        self.refused("beyond the alphabet", (at + 4, b"\x0a"))
        self.refused("padding", (block + 31, b"\1"), status="bad block")
        self.refused("bits behind", (block + size - 1, b"\x80"), status="bad stream")

    def test_repeat(self):
        noise = random.Random(3).randbytes(65536)
        self.use([("a", 0o644, 0, noise * 3 + noise[:100])], [(65536 * 3 + 100, {})])
        data = self.layout.blocks[1, 2][1]
        self.refused("block 2: .*repeat of block 2", (data, b"\2"), status="bad block")
        self.refused("block 2: .*repeat of block", (data + 3, b"\1"), status="bad block")
        self.refused("repeat of a repeat", (data, b"\1"), status="bad block")
        self.refused("table_count", (self.layout.blocks[1, 2][0], b"\1"))


if __name__ == "__main__":
    unittest.main()
