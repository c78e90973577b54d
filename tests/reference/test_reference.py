# SPDX-License-Identifier: Apache-2.0
"""References and bases: sections 14 and 15 of docs/format.md."""
import random
import unittest

from check import FormatError
from decoder import decode
from encoder import BF16, BYTES, assemble, reference_meta, segment_section
from forge import Layout, edited

FIRST = random.Random(1).randbytes(3000)
BASE = random.Random(2).randbytes(5000)


def archive(*metas, features=8, window=1 << 63, base=None):
    """FIRST as a segment of 2000 bytes and one of 1000, then references (meta, content)."""
    content = FIRST + b"".join(c for _, c in metas)
    parts = [(2, 2000, *segment_section(FIRST[:2000])), (2, 1000, *segment_section(FIRST[2000:]))]
    parts += [(2, len(c), meta, b"") for meta, c in metas]
    return assemble([("a", 0o644, 0, content)], parts, content, features, window, base), content


def to(at, size, **options):
    content = (BASE if options.get("of_base") else FIRST)[at:at + size]
    return reference_meta(content, at, **options), content


class References(unittest.TestCase):
    def refused(self, reason, *metas, base=None, **options):
        with self.assertRaisesRegex(FormatError, reason):
            decode(archive(*metas, **options)[0], base=base)

    def test_content_and_base(self):
        data, content = archive(to(0, 2000), to(100, 7), to(2000, 1000))
        self.assertEqual(decode(data)[0].content, content)
        data, content = archive(to(0, 5000, of_base=True), to(4999, 1, of_base=True), features=2,
                                window=0, base=BASE)
        self.assertEqual(decode(data, base=BASE)[0].content, content)
        data, content = archive(to(0, 5000, of_base=True), to(10, 8), features=10, base=BASE)
        self.assertEqual(decode(data, base=BASE)[0].content, content)

    def test_what_is_refused(self):
        self.refused("without feature 3", to(0, 8), features=0, window=0)
        self.refused("several segments", to(1999, 2))
        itself = reference_meta(FIRST[:8], 3000)
        self.refused("not before it", (itself, FIRST[:8]))
        self.refused("not before it", (reference_meta(FIRST[:8], 2993), FIRST[:8]))
        self.refused("a reference to a reference", to(0, 8), (reference_meta(FIRST[:8], 3000), FIRST[:8]))
        self.refused("beyond the window", to(0, 8), window=2999)
        decode(archive(to(0, 8), window=3000)[0])
        self.refused("another element type", to(0, 8, element_type=BF16))
        self.refused("splits an element", to(0, 7, element_type=BF16))
        self.refused("hash of a reference", (reference_meta(FIRST[:8], 1), FIRST[:8]))
        self.refused("without feature 1", to(0, 8, of_base=True))
        delta = {"features": 2, "window": 0, "base": BASE}
        data = archive((reference_meta(BASE[:8], 4993, of_base=True), BASE[:8]), **delta)[0]
        with self.assertRaisesRegex(FormatError, "behind the end of the base"):
            decode(data, base=BASE)
        data = archive(to(0, 8, of_base=True), **delta)[0]
        for base, reason in ((None, "needs a base of 5000"), (BASE[1:], "4999 bytes"), (BASE[::-1], "hash of the base")):
            with self.assertRaisesRegex(FormatError, reason):
                decode(data, base=base)

    def test_fields(self):
        data, _ = archive(to(0, 8))
        layout = Layout(data)
        at = [section[2] for section in layout.sections if section[0] == 2][2]
        for offset, value, reason in ((1, 1, "word order"), (2, 99, "element type"), (3, 16, "blocks or tables"),
                                      (8, 1, "blocks or tables"), (12, 4, "blocks or tables"), (48, 1, "zero field"),
                                      (51, 2, "2 at 51"), (52, 1, "zero field"), (16, 0, "decoded_bytes 0")):
            with self.subTest(offset=offset), self.assertRaisesRegex(FormatError, reason):
                decode(edited(data, layout, (at + offset, bytes([value]))))
        for offset, reason in ((24, "zero field"), (32, "base without"), (48, "base without"), (56, "zero field")):
            with self.subTest(offset=offset), self.assertRaisesRegex(FormatError, reason):
                decode(edited(data, layout, (offset, b"\1")))


if __name__ == "__main__":
    unittest.main()
