# SPDX-License-Identifier: Apache-2.0
"""Roundings of quantized.py against those of the interpreter; blocks of digits and along a trellis by hand."""
import math
import random
import unittest
from fractions import Fraction
from struct import pack
from types import SimpleNamespace

from check import FormatError
from coded import decoding_table
from encoder import packed_lanes
from quantized import F16, F32, decode_horner, decode_trellis, nearest, value_of


def packed(value, form):
    try:
        return int.from_bytes(pack(form, value), "little")
    except OverflowError:
        return int.from_bytes(pack(form, math.copysign(math.inf, value)), "little")


class Roundings(unittest.TestCase):
    def test_as_the_interpreter_has_them(self):
        rng = random.Random(1)
        for form, kind, least in (("<e", F16, -28), ("<f", F32, -155)):
            for _ in range(5000):
                value = math.ldexp(rng.uniform(-2, 2), rng.randrange(least, 20 if kind == F16 else 130))
                self.assertEqual(nearest(value, *kind), packed(value, form), value)
                self.assertEqual(nearest(Fraction(value), *kind), packed(value, form), value)
            for value in (0.0, -0.0, math.inf, -math.inf, 1.0, -1.5, math.ldexp(1, least), math.ldexp(3, least)):
                self.assertEqual(nearest(value, *kind), packed(value, form), value)

    def test_values_come_back(self):
        for kind in ((8, 4), (8, 5), F16, (16, 8)):
            for bits in range(0, 1 << kind[0], 1 if kind[0] == 8 else 41):
                value = value_of(bits, *kind)
                if not math.isnan(value):
                    self.assertEqual(nearest(value, *kind), bits)
        self.assertEqual(nearest(449.0, 8, 4), 0x7E)
        self.assertEqual(nearest(1e9, 8, 4), 0x7F)  # NaN: there is no infinity
        self.assertEqual(nearest(-1e9, 8, 5), 0xFC)
        self.assertEqual(value_of(nearest(math.pi, 64, 11), 64, 11), math.pi)


class Digits(unittest.TestCase):
    segment = SimpleNamespace(quant=SimpleNamespace(count=3), element_bytes=2)

    def block(self, words, exceptions=()):
        head = pack("<I", len(exceptions)) + b"".join(pack("<I", j) for j, _ in exceptions)
        head += b"".join(pack("<H", x) for _, x in exceptions)
        return head + bytes(-len(head) % 8) + b"".join(pack("<Q", w) for w in words)

    def test_a_block(self):
        digits = [2, 1, 0, 2] + [0] * 36 + [1]
        words = [2 + 1 * 3 + 2 * 27, 1]
        self.assertEqual(decode_horner(self.block(words), 41, self.segment, "b"), [(d, False) for d in digits])
        got = decode_horner(self.block(words, [(2, 0x7FC0), (9, 5)]), 41, self.segment, "b")
        self.assertEqual(got[2:10], [(0x7FC0, True), (2, False)] + [(0, False)] * 5 + [(5, True)])

    def test_what_is_refused(self):
        good = self.block([59, 1])
        for data, n, status in (
                (good[:-1], 41, "bad block"), (good, 81, "bad block"), (self.block([59, 3]), 41, "bad stream"),
                (self.block([3 ** 40, 1]), 41, "bad stream"), (self.block([59, 1], [(0, 1)]), 41, "bad stream"),
                (self.block([59, 1], [(4, 1), (4, 1)]), 41, "bad block"),
                (self.block([59, 1], [(41, 1)]), 41, "bad block"), (b"\0\0\0\0\1\0\0\0" + good[8:], 41, "bad block")):
            with self.assertRaises(FormatError) as caught:
                decode_horner(data, n, self.segment, "b")
            self.assertEqual(caught.exception.status, status)


class Trellis(unittest.TestCase):
    # Of 4 states: what comes behind symbols 0 and 1.
    NEXT = {0: (0, 1), 1: (2, 3), 2: (1, 0), 3: (3, 2)}
    # Of symbols 0 and 1 and the escape, of both quantizers.
    LENGTHS = ({0: 1, 1: 2, 2: 2}, {0: 2, 1: 1, 2: 2})
    CODES = (("0", "10", "11"), ("10", "0", "11"))

    def segment(self, lengths=LENGTHS):
        return SimpleNamespace(quant=SimpleNamespace(count=4, states_log2=2), width=8,
                               tables=[decoding_table(of, 12) for of in lengths])

    def test_walks(self):
        rng = random.Random(2)
        for n in (1, 255, 256, 257, 700):
            texts, elements, state = [""] * 32, [], 0
            for j in range(n):
                if j % 256 == 0:
                    state = 0
                q, symbol = state % 2, rng.randrange(3)
                texts[j // 256] += self.CODES[q][symbol]
                if symbol == 2:
                    elements.append((rng.randrange(256), True))
                    texts[j // 256] += f"{elements[-1][0]:08b}"[::-1]
                    state = self.NEXT[state][0]
                else:
                    elements.append((2 * symbol + q, False))
                    state = self.NEXT[state][symbol]
            self.assertEqual(decode_trellis(packed_lanes(texts), n, self.segment(), "b"), elements)

    def test_what_is_refused(self):
        block = packed_lanes(["0" * 40] + [""] * 31)
        self.assertEqual(decode_trellis(block, 40, self.segment(), "b"), [(0, False)] * 40)
        for n, segment, status in ((8, self.segment(), "bad stream"), (65, self.segment(), "bad stream"),
                                   (40, self.segment((self.LENGTHS[0], {})), "bad block"),
                                   (40, self.segment(({}, self.LENGTHS[1])), "bad block")):
            with self.assertRaises(FormatError) as caught:
                decode_trellis(block, n, segment, "b")
            self.assertEqual(caught.exception.status, status)


if __name__ == "__main__":
    unittest.main()
