# SPDX-License-Identifier: Apache-2.0
"""Quantized weights (section 16 of docs/format.md): quant tables and blocks of each coder."""
import math
from fractions import Fraction
from struct import unpack

from check import need, need_zero, round_up, take
from coded import BAD_BLOCK, BAD_STREAM, RUN, BlockReader, read_lanes, run_tables

QUANTIZED = 5
HUFFMAN, HORNER, TRELLIS = 0, 1, 2
TRELLISES = {2: (2, 1), 3: (5, 2), 4: (9, 2), 5: (18, 4), 6: (33, 10), 7: (78, 43), 8: (166, 121)}  # F and G
F16, F32 = (16, 5), (32, 8)  # width and exponent bits
LANES = 32


# ---- floats of every type ----

def nearest(value, width, exponent_bits):
    """The bits of the element nearest to a float or Fraction other than NaN, ties to even. Beyond the
    largest one: infinity, or NaN for F8_E4M3."""
    mantissa = width - 1 - exponent_bits
    bias = (1 << exponent_bits - 1) - 1
    sign = (value < 0 or (value == 0 and math.copysign(1, value) < 0)) << width - 1
    infinity = ((1 << exponent_bits) - 1) << mantissa
    last = infinity if (width, exponent_bits) != (8, 4) else (1 << width - 1) - 1
    if value == 0:
        return sign
    if isinstance(value, float) and math.isinf(value):
        return sign | last
    magnitude = abs(Fraction(value))
    exponent = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    if Fraction(2) ** exponent > magnitude:
        exponent -= 1
    exponent = max(exponent, 1 - bias)
    steps = round(magnitude / Fraction(2) ** (exponent - mantissa))  # half to even
    return sign | min(steps + ((exponent + bias - 1) << mantissa), last)


def value_of(bits, width, exponent_bits):
    """The number that an element is; NaN and infinity as floats."""
    mantissa = width - 1 - exponent_bits
    bias = (1 << exponent_bits - 1) - 1
    sign = -1.0 if bits >> width - 1 else 1.0
    exponent, low = bits >> mantissa & (1 << exponent_bits) - 1, bits & (1 << mantissa) - 1
    if (width, exponent_bits) == (8, 4):
        if exponent == 15 and low == 7:
            return math.nan
    elif exponent == (1 << exponent_bits) - 1:
        return math.nan if low else sign * math.inf
    if exponent == 0:
        return math.copysign(math.ldexp(low, 1 - bias - mantissa), sign)
    return math.copysign(math.ldexp(low + (1 << mantissa), exponent - bias - mantissa), sign)


def to_f32(value):
    """A float or Fraction, rounded to F32, as a float."""
    return value_of(nearest(value, *F32), *F32)


# ---- the quant table ----

class QuantTable:
    """Levels, scales and expansions. `size`: of the table, with padding."""

    def __init__(self, data, segment, place):
        self.place = f"{place}, quant table"
        self.data, self.size = data, 0
        self.type = segment.width, segment.exponent_bits
        n = segment.size // segment.element_bytes
        (self.count, uniform, scales, self.group, self.phase, expansions, self.states_log2, zero) = unpack(
            "<HBBIIHBB", self.item(16))
        least = 2 if segment.coder == HORNER else 1
        need(least <= self.count <= 4095, self.place, f"{self.count} levels")
        need(uniform <= 1, self.place, "levels are neither uniform nor listed")
        need(scales in (0, 1, 2, 5, 6), self.place, f"scales {scales}")
        self.scale_type = scales & 3
        if self.scale_type:
            need(8 <= self.group <= 1 << 31, self.place, f"groups of {self.group}")
            need(self.phase < self.group, self.place, f"phase {self.phase}")
        else:
            need(self.group == 0 and self.phase == 0, self.place, "groups without scales")
        need(segment.coder == HUFFMAN or expansions == 0, self.place, f"expansions of coder {segment.coder}")
        if segment.coder == TRELLIS:
            need(self.count % 2 == 0, self.place, f"{self.count} levels, an odd number")
            need(scales == 0, self.place, "scales of coder 2")
            need(self.states_log2 in TRELLISES, self.place, f"2^{self.states_log2} states")
            self.alphabet = 1 + self.count // 2
        else:
            need(self.states_log2 == 0, self.place, f"2^{self.states_log2} states of coder {segment.coder}")
            self.alphabet = 1 + self.count + expansions * self.count
        need(self.alphabet <= 4096, self.place, f"an alphabet of {self.alphabet}")
        need(zero == 0, self.place, "zero field")
        self.levels = self.read_uniform() if uniform else self.read_listed()
        for level in self.levels:
            need(math.isfinite(level), self.place, "a level that is not finite")
        groups = -(-(self.phase + n) // self.group) if self.scale_type else 0
        self.scales = self.read_scales(groups)
        self.zero_points = self.item(groups) if scales & 4 else None
        self.phrases = self.read_expansions(expansions)
        self.elements = {}

    def item(self, size):
        data = take(self.data, self.size, size, self.place, "an item")
        end = round_up(self.size + size, 4)
        need_zero(take(self.data, self.size + size, end - self.size - size, self.place, "padding"), self.place,
                  "padding")
        self.size = end
        return data

    def level_type(self):
        return F32 if self.scale_type else self.type

    def read_uniform(self):
        data = self.item(16 + self.count)
        first, zero, step = unpack("<iId", data[:16])
        need(-1 << 20 <= first <= 1 << 20, self.place, f"first {first}")
        need(zero == 0, self.place, "zero field")
        need(2.0 ** -1022 <= step < math.inf, self.place, f"step {step}")
        corrections = unpack(f"<{self.count}b", data[16:])
        kind = self.level_type()
        return [value_of(nearest(step * ((256 * (first + i) + c) / 256), *kind), *kind)
                for i, c in enumerate(corrections)]

    def read_listed(self):
        width, exponent_bits = self.level_type()
        return [value_of(bits, width, exponent_bits) for bits in self.numbers(self.count, width // 8)]

    def numbers(self, count, size):
        data = self.item(count * size)
        return [int.from_bytes(data[at:at + size], "little") for at in range(0, len(data), size)]

    def read_scales(self, groups):
        if not self.scale_type:
            return []
        kind = F16 if self.scale_type == 1 else F32
        scales = [value_of(bits, *kind) for bits in self.numbers(groups, kind[0] // 8)]
        for scale in scales:
            need(math.isfinite(scale), self.place, "a scale that is not finite")
        return scales

    def read_expansions(self, count):
        """The levels of each symbol; None for the escape."""
        phrases = [(i,) for i in range(self.count)] + [None]
        named = set()
        for symbol in self.numbers(count, 2):
            need(symbol < len(phrases) and symbol != self.count, self.place, f"an expansion of symbol {symbol}")
            need(symbol not in named, self.place, f"two expansions of symbol {symbol}")
            named.add(symbol)
            need(len(phrases[symbol]) < 64, self.place, "a phrase of more than 64 levels")
            phrases += [phrases[symbol] + (i,) for i in range(self.count)]
        return phrases

    def element(self, level, j):
        """The bits of level `level` as element j of the segment."""
        group = (self.phase + j) // self.group if self.scale_type else 0
        if (level, group) not in self.elements:
            value = self.levels[level]
            if self.scale_type:
                if self.zero_points is not None:
                    zero = self.zero_points[group]
                    exact = Fraction(value) - zero
                    value = to_f32(exact) if exact else value - float(zero)
                value = to_f32(self.scales[group] * value)  # exact in a double
            self.elements[level, group] = nearest(value, *self.type)
        return self.elements[level, group]


# ---- blocks ----

def decode_quantized_block(data, n, first, segment, place):
    """The bytes of a coded block of n elements, of which the first is number `first` of the segment."""
    decode = {HUFFMAN: decode_huffman, HORNER: decode_horner, TRELLIS: decode_trellis}
    elements = decode[segment.coder](data, n, segment, place)
    return b"".join((value if escaped else segment.quant.element(value, first + j)).to_bytes(
        segment.element_bytes, "little") for j, (value, escaped) in enumerate(elements))


def decode_huffman(data, n, segment, place):
    """[(level, False) or (element, True)]"""
    block = BlockReader(data, place)
    tables = run_tables(block, n, segment.tables, place)
    block.pad()
    lanes = read_lanes(block)
    need(block.at == len(data), place, "bytes behind the last tail", BAD_BLOCK)
    runs = -(-n // RUN)
    share = -(-runs // LANES) * RUN
    elements = []
    for lane, words in enumerate(lanes):
        end = min((lane + 1) * share, n)
        bits = sum(word << 32 * i for i, word in enumerate(words))
        at = 0
        while len(elements) < end:
            entry = tables[len(elements) // RUN][bits & 4095]
            symbol, used = entry >> 4, entry & 15
            bits >>= used
            phrase = segment.quant.phrases[symbol]
            if phrase is None:
                elements.append((bits & (1 << segment.width) - 1, True))
                bits >>= segment.width
                used += segment.width
            else:
                need(len(elements) + len(phrase) <= end, place, "a phrase beyond its lane", BAD_STREAM)
                elements += [(level, False) for level in phrase]
            at += used
        need(bits == 0, place, "bits behind the last code", BAD_STREAM)
        need(-(-at // 32) == len(words), place, f"lane {lane} uses other words", BAD_STREAM)
    return elements


def decode_trellis(data, n, segment, place):
    """The same, of two quantizers."""
    block = BlockReader(data, place)
    pairs = [pair if all(pair) else () for pair in zip(segment.tables[::2], segment.tables[1::2])]
    tables = run_tables(block, n, pairs, place)
    block.pad()
    lanes = read_lanes(block)
    need(block.at == len(data), place, "bytes behind the last tail", BAD_BLOCK)
    share = -(-(-(-n // RUN)) // LANES) * RUN
    escape = segment.quant.count // 2
    f, g = TRELLISES[segment.quant.states_log2]
    elements = []
    state = 0
    for lane, words in enumerate(lanes):
        bits = sum(word << 32 * i for i, word in enumerate(words))
        at = 0
        while len(elements) < min((lane + 1) * share, n):
            if len(elements) % RUN == 0:
                state = 0
            q = state % 2
            entry = tables[len(elements) // RUN][q][bits & 4095]
            symbol, used = entry >> 4, entry & 15
            bits >>= used
            b = symbol % 2
            if symbol == escape:
                elements.append((bits & (1 << segment.width) - 1, True))
                bits >>= segment.width
                used += segment.width
                b = 0
            else:
                elements.append((2 * symbol + q, False))
            at += used
            state = state // 2 ^ (f if q else 0) ^ (g if b else 0)
        need(bits == 0, place, "bits behind the last code", BAD_STREAM)
        need(-(-at // 32) == len(words), place, f"lane {lane} uses other words", BAD_STREAM)
    return elements


def decode_horner(data, n, segment, place):
    """The same, of digits."""
    count = segment.quant.count
    digits = 1
    while count ** (digits + 1) <= 1 << 64:
        digits += 1
    exceptions, = unpack("<I", take(data, 0, 4, place, "the count", BAD_BLOCK))
    numbers_end = 4 + 4 * exceptions
    elements_end = numbers_end + segment.element_bytes * exceptions
    words_at = round_up(elements_end, 8)
    need(words_at + 8 * -(-n // digits) == len(data), place, "size of a block of digits", BAD_BLOCK)
    numbers = unpack(f"<{exceptions}I", data[4:numbers_end])
    need(all(a < b for a, b in zip(numbers, numbers[1:])), place, "exceptions do not ascend", BAD_BLOCK)
    need(not numbers or numbers[-1] < n, place, "an exception beyond the block", BAD_BLOCK)
    need_zero(data[elements_end:words_at], place, "padding", BAD_BLOCK)
    elements = []
    for number in unpack(f"<{-(-n // digits)}Q", data[words_at:]):
        for _ in range(min(digits, n - len(elements))):
            elements.append((number % count, False))
            number //= count
        need(number == 0, place, "a word of too large a number", BAD_STREAM)
    for k, j in enumerate(numbers):
        need(elements[j] == (0, False), place, "an exception whose digit is not 0", BAD_STREAM)
        at = numbers_end + segment.element_bytes * k
        elements[j] = int.from_bytes(data[at:at + segment.element_bytes], "little"), True
    return elements
