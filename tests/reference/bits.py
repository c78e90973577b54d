# SPDX-License-Identifier: Apache-2.0
"""Bit strings and prefix codes, read one symbol at a time."""
from functools import cached_property

from coded import canonical_codes


class PrefixCode:
    """A complete canonical code. An only symbol has the code of zero bits."""

    def __init__(self, lengths: dict[int, int]):
        self.lengths = lengths
        self.longest = max(lengths.values())

    @cached_property
    def symbols(self) -> dict[int, dict[int, int]]:
        """length: {code with its first bit lowest: symbol}"""
        symbols: dict[int, dict[int, int]] = {}
        for symbol, length, code in canonical_codes(self.lengths):
            symbols.setdefault(length, {})[code] = symbol
        return symbols


def kraft_is_one(lengths: dict[int, int]) -> bool:
    longest = max(lengths.values(), default=0)
    return sum(1 << longest - n for n in lengths.values()) == 1 << longest


class BitReader:
    """Takes fields and codes from a bit string. Behind its end come zeros, and `at` counts on."""

    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    def peek(self, bits: int) -> int:
        data = self.data[self.at >> 3:(self.at + bits + 7) >> 3]
        return int.from_bytes(data, "little") >> (self.at & 7) & (1 << bits) - 1

    def field(self, bits: int) -> int:
        value = self.peek(bits)
        self.at += bits
        return value

    def symbol(self, code: PrefixCode) -> int:
        window = self.peek(code.longest)
        for length, symbols in code.symbols.items():  # shortest first
            symbol = symbols.get(window & (1 << length) - 1)
            if symbol is not None:
                self.at += length
                return symbol
        raise AssertionError("the code is not complete")


def bucket_bits(bucket: int) -> tuple[int, int]:
    """(lowest value of a bucket, its number of raw bits): section 9 of docs/format.md."""
    if bucket < 8:
        return bucket, 0
    log2, half = divmod(bucket - 8, 2)
    return (2 + half) << log2 + 2, log2 + 2


def bucket_value(bits: BitReader, bucket: int) -> int:
    """The value of a bucket whose raw bits come next."""
    low, raw = bucket_bits(bucket)
    return low + bits.field(raw)
