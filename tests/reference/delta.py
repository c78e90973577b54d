# SPDX-License-Identifier: Apache-2.0
"""Delta and sparse delta (section 14 of docs/format.md): elements coded against those of a base."""
from bisect import bisect_right
from struct import unpack

from bits import BitReader
from check import need, need_zero, round_up, take
from coded import BAD_BLOCK, BAD_STREAM, LANES, RUN, BlockReader, read_bits, read_lanes

DELTA, SPARSE_DELTA = 9, 10
GAP_SYMBOLS = 68


class Contexts:
    """The words in front of the tables of a segment, checked; the tables are checked too."""

    def __init__(self, data, segment, place):
        count = segment.table_count
        words = unpack(f"<{count}H", take(data, 0, 2 * count, place, "the words before the tables"))
        self.size = round_up(2 * count, 4)
        need_zero(take(data, 0, self.size, place, "padding")[2 * count:], place, "padding of the words")
        if count == 0:
            return
        if segment.codec == DELTA:
            self.classes, *self.bounds = words
            need(1 <= self.classes <= (16 if count > 1 else 1), place, f"{self.classes} classes")
            bounds = [0] + self.bounds
        else:
            need(count % 2 == 0, place, f"{count} tables of groups")
            self.rates = words[1::2]
            need(all(self.rates), place, "a rate of 0")
            bounds = list(words[::2])
            need(bounds[0] == 0, place, "bound of group 0")
            self.bounds = bounds[1:]
        need(all(a < b for a, b in zip(bounds, bounds[1:])), place, "bounds do not rise")

    def of(self, number):
        """How many bounds are not above a number: a table, or a group."""
        return bisect_right(self.bounds, number)


def check_tables(segment, place):
    """What section 14 asks of tables: lengths is {symbol: length} of each."""
    for number, lengths in enumerate(segment.lengths):
        gaps = segment.codec == SPARSE_DELTA and number % 2 == 0
        need(len(lengths) >= (2 if gaps else 1), place, f"table {number}: too few symbols")
        limit = GAP_SYMBOLS if gaps else 4 * segment.width - 4
        need(max(lengths) < limit, place, f"table {number}: symbol {max(lengths)}")


class Elements:
    """The elements of a segment's type as integers."""

    def __init__(self, segment):
        self.width, self.exponent_bits = segment.width, segment.exponent_bits
        self.size = self.width // 8
        self.mask, self.sign = (1 << self.width) - 1, 1 << self.width - 1

    def split(self, data):
        return [int.from_bytes(data[at:at + self.size], "little") for at in range(0, len(data), self.size)]

    def join(self, elements):
        return b"".join(x.to_bytes(self.size, "little") for x in elements)

    def exponent(self, x):
        return x >> self.width - 1 - self.exponent_bits & (1 << self.exponent_bits) - 1

    def order(self, x):
        if self.exponent_bits == 0:
            return x
        return ~x & self.mask if x & self.sign else x | self.sign

    def from_order(self, order):
        if self.exponent_bits == 0:
            return order
        return order ^ self.sign if order & self.sign else ~order & self.mask

    def apply(self, x, z):
        """The element that differs from x by z."""
        d = -(z + 1) // 2 if z & 1 else z // 2
        return self.from_order(self.order(x) + d & self.mask)


def take_value(bits, table, longest):
    """A symbol of a decoding table and its raw bits, as the value."""
    entry = table[bits.peek(longest)]
    bits.at += entry & 15
    symbol = entry >> 4
    if symbol < 8:
        return symbol
    raw = symbol // 4 - 1
    return (4 + symbol % 4 << raw) + bits.field(raw)


def decode_delta_block(data, base, segment, place):
    """The decoded bytes of a coded block of codec 9."""
    elements, contexts = Elements(segment), segment.contexts
    xs = elements.split(base)
    block = BlockReader(data, place)
    runs = -(-len(xs) // RUN)
    width = (contexts.classes - 1).bit_length()
    ids = int.from_bytes(read_bits(block, runs * width, "class ids"), "little")
    classes = [ids >> r * width & (1 << width) - 1 for r in range(runs)]
    need(max(classes) < contexts.classes, place, "class id", BAD_BLOCK)
    block.pad()
    lanes = read_lanes(block)
    need(block.at == len(data), place, "bytes behind the last tail", BAD_BLOCK)

    ys = list(xs)
    for lane, words in enumerate(lanes):
        bits = BitReader(b"".join(word.to_bytes(4, "little") for word in words))
        for start in range(8 * lane, len(xs), 8 * LANES):
            for j in range(start, min(start + 8, len(xs))):
                table = segment.tables[contexts.of(elements.exponent(xs[j]) + classes[j // RUN])]
                ys[j] = elements.apply(xs[j], take_value(bits, table, segment.longest))
        need((bits.at + 31) // 32 == len(words), place, f"lane {lane}: {bits.at} bits", BAD_STREAM)
        need(not words or words[-1] >> (bits.at - 1) % 32 + 1 == 0, place, f"lane {lane}: bits behind",
             BAD_STREAM)
    return elements.join(ys)


def decode_sparse_block(data, base, segment, place):
    """The decoded bytes of a coded block of codec 10."""
    elements, contexts = Elements(segment), segment.contexts
    xs = elements.split(base)
    groups = [contexts.of(elements.exponent(x)) for x in xs]
    order = sorted(range(len(xs)), key=lambda j: groups[j])  # stable

    need(len(data) >= 4, place, "truncated: the head", BAD_BLOCK)
    bits = BitReader(data)
    least, extra_bits, log2 = bits.field(24), bits.field(5), bits.field(3)
    need(extra_bits <= 21 and log2 <= 5, place, "head", BAD_BLOCK)
    extras = [bits.field(extra_bits) for _ in range(1 << log2)]
    need(min(extras) == 0, place, "the least extra is not 0", BAD_BLOCK)
    need(max(extras).bit_length() == extra_bits, place, "K", BAD_BLOCK)
    total = bits.at + sum(least + extra for extra in extras)
    need((total + 7) // 8 == len(data), place, f"{total} bits in {len(data)} bytes", BAD_BLOCK)
    need(total % 8 == 0 or data[-1] >> total % 8 == 0, place, "unused bits", BAD_BLOCK)

    starts = piece_starts([contexts.rates[groups[j]] for j in order], log2)
    ys = list(xs)
    for lane, extra in enumerate(extras):
        place_at, end = starts[lane:lane + 2]
        bits_end = bits.at + least + extra
        where = f"{place}, lane {lane}"
        while bits.at < bits_end:
            need(place_at < end, where, "a gap behind its last place", BAD_STREAM)
            gap_group = groups[order[place_at]]
            place_at += take_value(bits, segment.tables[2 * gap_group], segment.longest)
            need(place_at < end, where, "a gap beyond its last place", BAD_STREAM)
            j = order[place_at]
            less_1 = take_value(bits, segment.tables[2 * groups[j] + 1], segment.longest)
            need(less_1 < elements.mask, where, "a change that changes nothing", BAD_STREAM)
            ys[j] = elements.apply(xs[j], less_1 + 1)
            place_at += 1
        need(bits.at == bits_end, where, "its bits end within a change", BAD_STREAM)
    return elements.join(ys)


def piece_starts(weights, log2):
    """p(0) to p(2^k): places whose weight, with that of all before, is first above Q l / 2^k."""
    sums, total = [], 0
    for weight in weights:
        total += weight
        sums.append(total)
    return [bisect_right(sums, total * lane >> log2) for lane in range(1 << log2)] + [len(weights)]
