# SPDX-License-Identifier: Apache-2.0
"""Writes models (section 10 of docs/format.md) from given strings, classes and code lengths.

It checks nothing, so that tests can write models that break a rule. It shares no code with the
decoder but XXH3.
"""
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from struct import pack

from encoder import bit_string, code_strings, hash_128, package_merge, padded, table_bytes

MATCHES = 140
CONTEXTS = {"A": 16, "B": 4, "C": 32, "D": 160, "E": 32, "F": 256, "G": 256, "H": 96, "I": 64}


@dataclass
class Spec:
    """What a model says. The escape of a class is the symbol n."""
    parts: list[tuple[int, ...]] = field(default_factory=list)  # numbered by their first parts
    part_lengths: list[int] = field(default_factory=list)
    popularity: list[int] = field(default_factory=list)
    global_lengths: list[int] = field(default_factory=list)
    class_of: list[int] = field(default_factory=list)
    classes: list[dict[int, int]] = field(default_factory=list)
    distance_lengths: list[list[int]] = field(default_factory=list)

    @property
    def v(self) -> int:
        return 256 + len(self.parts)

    @property
    def n(self) -> int:
        return self.v + MATCHES

    def pieces(self) -> list[bytes]:
        """What each symbol below v decodes to. A string within itself counts as one
        byte, and of strings that are too long the end is taken."""
        known = {byte: bytes([byte]) for byte in range(256)}

        def expand(symbol: int) -> bytes:
            if symbol not in known:
                known[symbol] = b"?"
                known[symbol] = b"".join(map(expand, self.parts[symbol - 256]))[-40:]
            return known[symbol]

        return [expand(symbol) for symbol in range(self.v)]

    def ranks(self) -> list[int]:
        used = [s for s in range(self.n) if self.popularity[s]]
        return sorted(used, key=lambda s: (self.popularity[s], s))


def bucket_of(value: int) -> tuple[int, int, int]:
    """(bucket, raw value, raw bits)"""
    if value < 8:
        return value, 0, 0
    m = value.bit_length() - 1
    return 8 + 2 * (m - 3) + (value >> m - 1 & 1), value & (1 << m - 1) - 1, m - 1


def raw(bits: int, value: int) -> str:
    """A field as text of 0 and 1, first bit first."""
    return f"{value:0{bits}b}"[::-1] if bits else ""


# ---- the items of the body: (stream, context, value), or text of 0 and 1 ----

def items(spec: Spec) -> list:
    pieces = spec.pieces()
    return (string_items(spec) + popularity_items(spec, pieces) + class_items(spec, pieces)
            + [item for lengths in spec.classes for item in class_code_items(spec, lengths)]
            + distance_items(spec))


def string_items(spec: Spec) -> list:
    if not spec.parts:
        return []
    out: list = []
    children = Counter(parts[0] for parts in spec.parts)
    before = 0
    for symbol in range(max(children) + 1):
        context = min(before, 7) + (8 if symbol > 255 else 0)
        before, value, bits = bucket_of(children[symbol])
        out += [("A", context, before), raw(bits, value)]
    before = 0
    for symbol, length in enumerate(spec.part_lengths):
        out.append(("C", before + (16 if symbol > 255 else 0), length))
        before = length
    codes = code_strings({s: n for s, n in enumerate(spec.part_lengths) if n})
    before = 0
    for parts in spec.parts:
        out.append(("B", min(before, 3), len(parts) - 2))
        before = len(parts) - 2
        out += [codes.get(part, "") for part in parts[1:]]
    return out


def popularity_items(spec: Spec, pieces: list[bytes]) -> list:
    out = []
    before = 0
    for symbol, popularity in enumerate(spec.popularity):
        if symbol >= spec.v:
            k = 4
        else:
            k = 0 if symbol < 256 else sum(len(pieces[symbol]) > size for size in (0, 3, 7))
        out.append(("D", 32 * k + before, popularity))
        before = popularity
    for symbol, length in enumerate(spec.global_lengths):
        unused_byte = symbol < 256 and spec.popularity[symbol] == 0
        out.append(("E", 21 if unused_byte else spec.popularity[symbol], length))
    return out


def class_items(spec: Spec, pieces: list[bytes]) -> list:
    if len(spec.classes) == 1:
        return []
    return [("F", pieces[s][-1] if s < spec.v else (s - spec.v) // 28 + 1, spec.class_of[s])
            for s in range(spec.n) if spec.popularity[s]]


def class_code_items(spec: Spec, lengths: dict[int, int]) -> list:
    ranks = spec.ranks()
    symbols = [(rank, s) for rank, s in enumerate(ranks) if s in lengths]
    out: list = [raw(16, len(symbols)), raw(4, lengths[spec.n] - 1)]
    before, u = -1, 0
    seen: dict[int, list[int]] = defaultdict(lambda: [0, 0])  # popularity: sum and number of lengths
    for rank, symbol in symbols:
        step = rank - before
        m = step.bit_length() - 1
        row, column = min(15, u // 4), min(15, (before + 2).bit_length() - 1)
        out += [("G", 16 * row + column, m), raw(m, step & (1 << m) - 1)]
        before, u = rank, (3 * u + 4 * m + 2) // 4
        sums = seen[spec.popularity[symbol]]
        total, number = sums
        context = 28 + (4 * total + number // 2) // number if number else spec.popularity[symbol]
        out.append(("H", context, lengths[symbol] - 1))
        if number == 16:
            sums[0] -= (total + 8) // 16
            sums[1] -= 1
        sums[0] += lengths[symbol]
        sums[1] += 1
    return out


def distance_items(spec: Spec) -> list:
    out = []
    for number, lengths in enumerate(spec.distance_lengths):
        before = 0
        for length in lengths:
            out.append(("I", 16 * number + before, length))
            before = length
    return out


# ---- the model ----

def write_model(spec: Spec, rng: random.Random | None = None, body: list | None = None,
                behind: str = "") -> bytes:
    """The bytes of a model. With rng contexts are put into groups at random, else all into one.
    `body` belies the items of the spec, `behind` are bits behind them."""
    body = items(spec) if body is None else body
    streams, texts = b"", list(body)
    for name, contexts in CONTEXTS.items():
        groups = rng.randint(1, 16) if rng else 1
        group_of = [rng.randrange(groups) if rng else 0 for _ in range(contexts)]
        counts = [Counter() for _ in range(groups)]
        for item in body:
            if item[:1] == (name,):
                counts[group_of[item[1]]][item[2]] += 1
        lengths = [package_merge(count, 12) for count in counts]
        codes = [code_strings(table) for table in lengths]
        for i, item in enumerate(body):
            if item[:1] == (name,):
                texts[i] = codes[group_of[item[1]]][item[2]]
        streams += bytes([groups, 0, 0, 0])
        if groups > 1:
            streams += padded(bit_string(group_of, 4), 4)
        streams += b"".join(map(table_bytes, lengths))
    text = "".join(texts) + behind
    return model_header(spec, len(streams), len(text)) + streams + bit_string(
        [int(bit) for bit in text], 1)


def model_header(spec: Spec, stream_bytes: int, body_bits: int) -> bytes:
    return pack("<4sIHHIQI36x", b"GRM\x01", len(spec.parts), len(spec.classes), 0, stream_bytes,
                1000, body_bits)


def grm(model: bytes) -> bytes:
    """The file .grm of a model."""
    return model + hash_128(model)
