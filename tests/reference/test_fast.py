# SPDX-License-Identifier: Apache-2.0
"""Tests of fast floats: blocks written here, from section 13 of docs/format.md alone."""
import os
import random
import sys
import unittest
from collections import namedtuple
from struct import pack

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from check import FormatError, round_up  # noqa: E402
from coded import canonical_codes, decoding_table  # noqa: E402
from fast import decode_fast_block  # noqa: E402

Segment = namedtuple("Segment", "width symbol_bits longest tables zero_bits", defaults=(0,))
LENGTHS = {120: 1, 121: 2, 122: 3, 123: 4, 118: 4}  # first code: 120
TABLES = [decoding_table(LENGTHS, 7), None, decoding_table({90: 0}, 7)]
BF16 = Segment(16, 8, 7, TABLES)


def pad(data):
    return data + bytes(round_up(len(data), 32) - len(data))


def write_words(exponents, ids):
    """The words of a block in demand order, without the last ones that are zero."""
    codes = {symbol: (length, code) for symbol, length, code in canonical_codes(LENGTHS)}
    n = len(exponents)
    strings = [[] for _ in range(32)]  # of each lane, (bits, number) of every step
    for start in range(0, n, 128):
        for lane in range(32):
            bits = length = 0
            for j in range(start + 4 * lane, start + 4 * lane + 4):
                size, code = (0, 0) if ids[start // 256] == 2 else (1, 0)  # the first code
                if ids[start // 256] == 0 and j < n:
                    size, code = codes.get(exponents[j], (1, 0))
                bits |= code << length
                length += size
            strings[lane].append((bits, length))
    words = []
    for string in strings:
        whole = at = 0
        for bits, length in string:
            whole |= bits << at
            at += length
        words.append(whole)
    order = [whole & 0xFFFFFFFF for whole in words] + [whole >> 32 & 0xFFFFFFFF for whole in words]
    taken, used = [2] * 32, [0] * 32
    for step in range(len(strings[0])):
        for lane in range(32):
            used[lane] += strings[lane][step][1]
            if 32 * taken[lane] - used[lane] <= 32:
                order.append(words[lane] >> 32 * taken[lane] & 0xFFFFFFFF)
                taken[lane] += 1
    while order and order[-1] == 0:
        order.pop()
    return order


def write_block(values, ids):
    """A block of BF16 values with its class ids."""
    plane = bytes(v & 127 | v >> 8 & 128 for v in values)
    exponents = [v >> 7 & 255 for v in values]
    known = [LENGTHS if ids[j // 256] == 0 else (90,) for j in range(len(values))]
    exceptions = [j | e << 24 for j, e in enumerate(exponents) if e not in known[j]]
    bits = sum(number << 2 * i for i, number in enumerate(ids))
    block = pad(plane) + pad(bits.to_bytes((2 * len(ids) + 7) // 8, "little"))
    block += pack(f"<{1 + len(exceptions)}I", len(exceptions), *exceptions)
    words = write_words(exponents, ids)
    return block + pack(f"<{len(words)}I", *words), len(exceptions)


class Fast(unittest.TestCase):
    def values(self, n, seed):
        rng = random.Random(seed)
        exponents = [120] * 8 + [121] * 4 + [122] * 2 + [123, 118]
        ids = [rng.choice((0, 0, 2)) for _ in range(-(-n // 256))]
        ids[0] = 0
        return [rng.getrandbits(1) << 15 | rng.getrandbits(7)
                | (rng.choice(exponents) if rng.random() < 0.99 else rng.getrandbits(8)) << 7
                if ids[j // 256] == 0 else rng.getrandbits(7) | 90 << 7 for j in range(n)], ids

    def status(self, block, n):
        with self.assertRaises(FormatError) as caught:
            decode_fast_block(block, n, BF16, "block")
        return caught.exception.status

    def test_round_trip(self):
        for n in (1, 3, 4, 5, 127, 128, 129, 255, 256, 257, 1000, 5000):
            values, ids = self.values(n, n)
            block, _ = write_block(values, ids)
            self.assertEqual(decode_fast_block(block, n, BF16, "block"), pack(f"<{n}H", *values))

    def test_damage(self):
        n = 1000
        values, ids = self.values(n, 7)
        block, exceptions = write_block(values, ids)
        at = round_up(n, 32) + 32  # of the exceptions
        self.assertGreater(exceptions, 2)

        def edited(where, data):
            return block[:where] + data + block[where + len(data):]
        bad_blocks = [
            edited(n, b"\1"), edited(at - 1, b"\1"),  # padding
            edited(at - 32, b"\1"), edited(at - 32, b"\3"),  # tables that are empty, or not there
            edited(at, pack("<I", 1 << 31)), edited(at, pack("<I", len(block) // 4)),
            edited(at + 8, block[at + 4:at + 8]),  # the same element twice
            edited(at + 4 * exceptions, pack("<I", n)),  # behind the last element
            block + b"\1", block + bytes(4), block[:at], block[:at + 3],
        ]
        for number, bad in enumerate(bad_blocks):
            self.assertEqual(self.status(bad, n), "bad block", number)
        for bad in (block + pack("<I", 1), block + b"\1" * 400, edited(len(block) - 1, b"\xff")):
            self.assertEqual(self.status(bad, n), "bad stream")


if __name__ == "__main__":
    unittest.main()
