# SPDX-License-Identifier: Apache-2.0
"""Code tables (section 3 of docs/format.md) and coded blocks (section 4)."""
from struct import unpack

from check import need, need_zero, round_up, take

LANES = 32
RUN = 256
BAD_BLOCK = "bad block"
BAD_STREAM = "bad stream"


# ---- code tables ----

def read_tables(data, count, symbol_bits, longest, place):
    """One decoding table and its {symbol: length} for each code table in `data`, which they must fill."""
    tables, all_lengths = [], []
    at = 0
    for number in range(count):
        where = f"{place}, table {number}"
        lengths, at = read_lengths(data, at, symbol_bits, longest, where)
        tables.append(decoding_table(lengths, longest))
        all_lengths.append(lengths)
    need(at == len(data), place, f"tables end at {at}, table_bytes is {len(data)}")
    return tables, all_lengths


def read_lengths(data, at, symbol_bits, longest, place):
    """({symbol: code length}, where the next table starts)."""
    first, count = unpack("<HH", take(data, at, 4, place, "a table"))
    need(first + count <= 1 << symbol_bits, place, "symbols beyond the alphabet")
    size = (count + 1) // 2
    packed = take(data, at + 4, size, place, "code lengths")
    end = round_up(at + 4 + size, 4)
    need_zero(take(data, at + 4 + size, end - at - 4 - size, place, "padding"), place, "padding")
    nibbles = [n for byte in packed for n in (byte & 15, byte >> 4)]
    need_zero(nibbles[count:], place, "odd last nibble")
    lengths = {first + i: n for i, n in enumerate(nibbles[:count]) if n}
    if count == 0:
        need(first == 0, place, "first of an empty table is not zero")
    elif count == 1:
        need(not lengths, place, "the length of an only symbol is not zero")
        lengths = {first: 0}
    else:
        need(nibbles[0] and nibbles[count - 1], place, "first or last length is zero")
        need(max(lengths.values()) <= longest, place, "a code is too long")
        kraft = sum(1 << longest >> n for n in lengths.values())
        need(kraft == 1 << longest, place, f"Kraft sum is {kraft}/{1 << longest}")
    return lengths, end


def canonical_codes(lengths):
    """[(symbol, length, code with its first bit lowest)] in the order of the codes."""
    codes = []
    code = last = 0
    for length, symbol in sorted((n, s) for s, n in lengths.items()):
        code <<= length - last
        last = length
        codes.append((symbol, length, int(f"{code:0{length}b}"[::-1], 2)))
        code += 1
    return codes


def decoding_table(lengths, longest):
    """For each value of the next `longest` bits, symbol * 16 + code length; None without codes."""
    if not lengths:
        return None
    table = [0] * (1 << longest)
    for symbol, length, code in canonical_codes(lengths):
        table[code::1 << length] = [symbol << 4 | length] * (1 << longest - length)
    return table


# ---- coded blocks ----

class BlockReader:
    """Takes the parts of a block in order."""

    def __init__(self, data, place):
        self.data, self.place, self.at = data, place, 0

    def part(self, size, what):
        data = take(self.data, self.at, size, self.place, what, BAD_BLOCK)
        self.at += size
        return data

    def pad(self):
        gap = round_up(self.at, 32) - self.at
        need_zero(self.part(gap, "padding"), self.place, "padding", BAD_BLOCK)


def decode_block(data, n, segment, place):
    """The decoded bytes of a coded block of n elements."""
    block = BlockReader(data, place)
    raw_bits = segment.width - segment.symbol_bits
    plane = read_bits(block, n * raw_bits, "raw plane")
    block.pad()
    tables = run_tables(block, n, segment.tables, place)
    block.pad()
    lanes = read_lanes(block)
    need(block.at == len(data), place, "bytes behind the last tail", BAD_BLOCK)

    symbols = [0] * n
    for lane, words in enumerate(lanes):
        decode_lane(words, pieces(lane, n, segment.codec), tables, segment.longest, symbols,
                    f"{place}, lane {lane}")
    if segment.codec == 1:
        return bytes(symbols)
    return join_floats(symbols, plane, raw_bits, segment)


def read_bits(block, bits, what):
    """A bit string of bytes; its unused bits must be zero."""
    data = block.part((bits + 7) // 8, what)
    if bits % 8:
        need(data[-1] >> bits % 8 == 0, block.place, f"{what}: unused bits", BAD_BLOCK)
    return data


def run_tables(block, n, tables, place):
    """The decoding table of each run of 256 elements."""
    runs = (n + RUN - 1) // RUN
    ids = [0] * runs
    if len(tables) > 1:
        width = (len(tables) - 1).bit_length()
        bits = int.from_bytes(read_bits(block, runs * width, "class ids"), "little")
        ids = [bits >> i * width & (1 << width) - 1 for i in range(runs)]
    for run, number in enumerate(ids):
        need(number < len(tables), place, f"run {run}: no table {number}", BAD_BLOCK)
        need(tables[number], place, f"run {run}: table {number} codes nothing", BAD_BLOCK)
    return [tables[number] for number in ids]


def read_lanes(block):
    """The words of each lane."""
    head, = unpack("<I", block.part(4, "lane header"))
    rows, extra_bits = head & 0xFFFFFF, head >> 24
    need(extra_bits <= 15, block.place, "lane header: more than 15 extra bits", BAD_BLOCK)
    planes = unpack(f"<{extra_bits}I", block.part(4 * extra_bits, "lane header"))
    block.pad()
    extras = [sum((plane >> lane & 1) << k for k, plane in enumerate(planes))
              for lane in range(LANES)]
    need(min(extras) == 0, block.place, "lane header: rows is not the least", BAD_BLOCK)
    need(max(extras).bit_length() == extra_bits, block.place, "lane header: K", BAD_BLOCK)
    words = unpack(f"<{LANES * rows}I", block.part(4 * LANES * rows, "rows"))
    return [words[lane::LANES] + unpack(f"<{extra}I", block.part(4 * extra, "tails"))
            for lane, extra in enumerate(extras)]


def pieces(lane, n, codec):
    """The elements of a lane as (start, stop), in order, none across a border of runs."""
    if codec == 2:
        for start in range(8 * lane, n, 8 * LANES):
            yield start, min(start + 8, n)
        return
    share = round_up((n + LANES - 1) // LANES, 16)
    at, end = lane * share, min((lane + 1) * share, n)
    while at < end:
        stop = min(end, (at // RUN + 1) * RUN)
        yield at, stop
        at = stop


def decode_lane(words, spans, tables, longest, symbols, place):
    """Fills symbols[start:stop] for each span. Behind its words a lane reads zeros."""
    mask = (1 << longest) - 1
    bits = have = fed = 0  # the bits not yet used, how many, and the words taken
    for start, stop in spans:
        table = tables[start // RUN]
        for i in range(start, stop):
            if have < longest:
                if fed < len(words):
                    bits |= words[fed] << have
                fed += 1
                have += 32
            entry = table[bits & mask]
            symbols[i] = entry >> 4
            bits >>= entry & 15
            have -= entry & 15
    used = 32 * fed - have
    need((used + 31) // 32 == len(words), place, f"{used} bits in {len(words)} words", BAD_STREAM)
    need(bits == 0, place, "bits behind the last code are not zero", BAD_STREAM)


def join_floats(symbols, plane, raw_bits, segment):
    """The elements of codec 2 from their symbols and raw values."""
    low_bits = raw_bits - 1
    sign_at = segment.width - 1
    raw_mask, low_mask = (1 << raw_bits) - 1, (1 << low_bits) - 1
    out = bytearray()
    size = segment.width // 8
    for first in range(0, len(symbols), 8):  # eight raw values are raw_bits whole bytes
        raws = int.from_bytes(plane[first // 8 * raw_bits:][:raw_bits], "little")
        for symbol in symbols[first:first + 8]:
            raw = raws & raw_mask
            raws >>= raw_bits
            value = raw >> low_bits << sign_at | symbol << low_bits | raw & low_mask
            out += value.to_bytes(size, "little")
    return bytes(out)
