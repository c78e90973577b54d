# SPDX-License-Identifier: Apache-2.0
"""Archives whose hashes fit but which break another rule: each is refused for the right reason."""
import random
import unittest
from struct import pack

from check import FormatError
from decoder import decode
from encoder import F8_E4M3, encode
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
        for bit, name in ((0, "lossy"), (1, "delta"), (3, "reference")):
            self.refused(rf"feature {bit} \({name}\)", (12, pack("<I", 1 << bit)))
        self.refused("feature 4 is unknown", (12, b"\x10"))
        self.refused("feature 31 is unknown", (15, b"\x80"))
        self.refused("reference window", (16, b"\1"))

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
                (0, 4, "class floats. is reserved"), (0, 2, "type text"),
                (1, 1, "demand order"), (2, 11, "unknown element type 11"), (2, 2, "type BF16"),
                (3, 15, "block_log2"), (3, 19, "block_log2"), (4, 7, "symbol_bits 7"),
                (5, 12, "longest code length 12"), (6, 33, "33 tables"), (7, 8, "run_log2 8"),
                (8, 2, "block_count 2"), (12, 44, "padding behind the tables"), (12, 60, "size of meta"),
                (19, 1, "decoded_bytes"),
                (32, 1, "model of a codec without models"), (48, 1, "zero field")):
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
