# SPDX-License-Identifier: Apache-2.0
"""The parts of a model's body, in order (section 10 of docs/format.md)."""
from collections import Counter, defaultdict

from bits import PrefixCode, bucket_value, kraft_is_one
from check import need
from model import MATCHES, Body, open_model

LENGTH_BUCKETS = 28
DISTANCE_BUCKETS = 50
MAX_STRING = 32
MAX_ALL_STRINGS = (1 << 20) - 320
MAX_ENTRIES = 1 << 21


class Model:
    """A model, checked: what a decoder of n-gram text needs."""

    def __init__(self, data: bytes, place: str):
        header, body = open_model(data, place)
        self.body, self.place = body, place
        self.v = 256 + header.strings
        self.n = self.escape = self.v + MATCHES
        self.pieces = [bytes([byte]) for byte in range(256)]  # what each symbol below v decodes to
        if header.strings:
            self.read_strings(header.strings)
        self.popularity = self.read_popularity()
        global_lengths = self.read_global_lengths()
        self.class_of = self.read_class_of(header.classes)
        self.entries = 0
        ranks = sorted((s for s in range(self.n) if self.popularity[s]),
                       key=lambda s: (self.popularity[s], s))
        self.classes = [self.counted(self.read_class(number, ranks), 1)
                        for number in range(header.classes)]
        self.global_code = self.counted(global_lengths, 1)
        self.distance_codes = [self.counted(self.read_distance_lengths(number), share)
                               for number, share in enumerate((8, 1, 2, 17))]
        need(body.reader.at == body.bits, place, f"{body.bits - body.reader.at} bits of the body are left")

    def counted(self, lengths: dict[int, int], copies: int) -> PrefixCode:
        """The code of these lengths; refuses tables that grow too large."""
        deepest: dict[int, int] = {}  # string of 8 bits: the longest code that begins with it
        code = 0
        for length, count in sorted(Counter(lengths.values()).items()):
            width = 1 << 20 - length  # codes as shares of 2^20, so that the top 8 bits are the string
            if length > 8:
                deepest |= dict.fromkeys(range(code >> 12, (code + count * width - 1 >> 12) + 1), length)
            code += count * width
        self.entries += copies * (256 + sum(1 << max(4, n - 8) for n in deepest.values()))
        need(self.entries <= MAX_ENTRIES, self.place, "the decoder's tables have more than 2^21 entries")
        return PrefixCode(lengths)

    # ---- items 1 to 3: strings ----

    def read_strings(self, n: int):
        parts = [[first] for first in self.read_first_parts(n)]
        code = self.read_part_code()
        before = 0
        for string in parts:
            before = self.body.value("B", min(before, 3))
            string += [self.body.symbol(code) for _ in range(before + 1)]
        known: dict[int, bytes] = {}

        def expand(symbol: int, depth: int) -> bytes:
            if symbol < 256:
                return self.pieces[symbol]
            if symbol not in known:
                # Each level has a part more than the one below it, so 32 levels have 33 bytes.
                need(depth < MAX_STRING, self.place,
                     f"string {symbol - 256} contains itself or has more than {MAX_STRING} bytes")
                piece = b"".join(expand(part, depth + 1) for part in parts[symbol - 256])
                need(len(piece) <= MAX_STRING, self.place,
                     f"string {symbol - 256} has more than {MAX_STRING} bytes")
                known[symbol] = piece
            return known[symbol]

        strings = [expand(256 + number, 0) for number in range(n)]
        total = sum(map(len, strings))
        need(total <= MAX_ALL_STRINGS, self.place, f"{total} bytes of strings")
        self.pieces += strings

    def read_first_parts(self, n: int) -> list[int]:
        """The first part of each string."""
        first_parts: list[int] = []
        symbol = bucket = 0
        while len(first_parts) < n:
            need(symbol < 256 + len(first_parts), self.place,
                 f"symbol {symbol} has children, but is no string yet")
            bucket = self.body.value("A", min(bucket, 7) + (8 if symbol > 255 else 0))
            count = bucket_value(self.body, bucket)
            need(len(first_parts) + count <= n, self.place, f"more than {n} strings have a first part")
            first_parts += [symbol] * count
            symbol += 1
        return first_parts

    def read_part_code(self) -> PrefixCode:
        lengths, before = {}, 0
        for symbol in range(self.v):
            before = self.body.value("C", before + (16 if symbol > 255 else 0))
            if before:
                lengths[symbol] = before
        need(len(lengths) >= 2 and kraft_is_one(lengths), self.place, "Kraft sum of the code of parts")
        return PrefixCode(lengths)

    # ---- items 4 to 6 ----

    def kind(self, symbol: int) -> int:
        """k of item 4."""
        if symbol < 256:
            return 0
        if symbol >= self.v:
            return 4
        size = len(self.pieces[symbol])
        return 1 if size <= 3 else 2 if size <= 7 else 3

    def read_popularity(self) -> list[int]:
        values, before = [], 0
        for symbol in range(self.n):
            before = self.body.value("D", 32 * self.kind(symbol) + before)
            need(before <= 20, self.place, f"symbol {symbol} has the popularity {before}")
            values.append(before)
        return values

    def read_global_lengths(self) -> dict[int, int]:
        lengths = {}
        for symbol, popularity in enumerate(self.popularity):
            length = self.body.value("E", popularity or (21 if symbol < 256 else 0))
            need(length <= 18, self.place, f"global code length {length} of symbol {symbol}")
            need(length or symbol > 255, self.place, f"byte {symbol} has no global code")
            if length:
                lengths[symbol] = length
        need(kraft_is_one(lengths), self.place, "Kraft sum of the global table")
        return lengths

    def read_class_of(self, classes: int) -> list[int]:
        class_of = [0] * self.n
        for symbol in range(self.n) if classes > 1 else ():
            if self.popularity[symbol]:
                match = symbol - self.v
                context = match // LENGTH_BUCKETS + 1 if match >= 0 else self.pieces[symbol][-1]
                class_of[symbol] = self.body.value("F", context)
                need(class_of[symbol] < classes, self.place,
                     f"symbol {symbol} is in class {class_of[symbol]} of {classes}")
        return class_of

    # ---- items 7 and 8: codes ----

    def read_class(self, number: int, ranks: list[int]) -> dict[int, int]:
        """The code lengths of a class, its escape's among them."""
        place = f"{self.place}, class {number}"
        body = self.body
        count = body.field(16)
        need(count, place, "has no symbol")
        lengths = {self.escape: body.field(4) + 1}
        rank, u = -1, 0
        sums: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])  # popularity: [s, t]
        for _ in range(count):
            m = body.value("G", 16 * min(15, u // 4) + min(15, (rank + 2).bit_length() - 1))
            rank += (1 << m) + body.field(m)
            u = (3 * u + 4 * m + 2) // 4
            need(rank < len(ranks), place, f"there is no symbol of rank {rank}")
            symbol = ranks[rank]
            s, t = sums[self.popularity[symbol]]
            context = 28 + (4 * s + t // 2) // t if t else self.popularity[symbol]
            length = body.value("H", context) + 1
            if t == 16:
                s, t = s - (s + 8) // 16, t - 1
            sums[self.popularity[symbol]] = [s + length, t + 1]
            lengths[symbol] = length
        need(kraft_is_one(lengths), place, "Kraft sum")
        return lengths

    def read_distance_lengths(self, number: int) -> dict[int, int]:
        place = f"{self.place}, distance code {number}"
        lengths, before = {}, 0
        for bucket in range(DISTANCE_BUCKETS):
            before = self.body.value("I", 16 * number + before)
            need(before <= 10, place, f"code length {before}")
            need(bucket or not before, place, "bucket 0 has a code")
            if before:
                lengths[bucket] = before
        need(len(lengths) >= 2 and kraft_is_one(lengths), place, "Kraft sum")
        return lengths
