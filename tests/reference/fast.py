# SPDX-License-Identifier: Apache-2.0
"""Fast floats (section 13 of docs/format.md)."""
from struct import unpack

from check import need
from coded import BAD_BLOCK, BAD_STREAM, LANES, RUN, BlockReader, join_floats, read_bits, run_tables

FAST_FLOATS = 8
TYPES = ("BF16", "F16", "F32", "F8_E4M3", "F8_E5M2")
MOST_SYMBOLS = 32
GROUP = 4
STEP = LANES * GROUP


def decode_fast_block(data, n, segment, place):
    """The decoded bytes of a coded block of n elements."""
    block = BlockReader(data, place)
    raw_bits = segment.width - segment.symbol_bits
    plane = read_bits(block, n * raw_bits, "raw plane")
    block.pad()
    tables = run_tables(block, n, segment.tables, place)
    block.pad()
    exceptions = read_exceptions(block, n, segment.symbol_bits)
    words = read_words(block)

    symbols = decode_words(words, n, tables, segment.longest, place)
    for element, exponent in exceptions:
        symbols[element] = exponent
    return join_floats(symbols, plane, raw_bits, segment)


def read_exceptions(block, n, symbol_bits):
    """[(element, exponent)]"""
    count, = unpack("<I", block.part(4, "number of exceptions"))
    fields = unpack(f"<{count}I", block.part(4 * count, "exceptions"))
    exceptions = [(field & 0xFFFFFF, field >> 24) for field in fields]
    before = -1
    for element, exponent in exceptions:
        need(before < element < n, block.place, f"exception at element {element}", BAD_BLOCK)
        need(exponent < 1 << symbol_bits, block.place, f"exception of exponent {exponent}", BAD_BLOCK)
        before = element
    return exceptions


def read_words(block):
    size = len(block.data) - block.at
    need(size % 4 == 0, block.place, "words are not whole", BAD_BLOCK)
    words = unpack(f"<{size // 4}I", block.part(size, "words"))
    need(not words or words[-1], block.place, "the last word is zero", BAD_BLOCK)
    return words


def decode_words(words, n, tables, longest, place):
    """The exponents of the n elements, as decoded."""
    taken = 0

    def take_word():
        nonlocal taken
        taken += 1
        return words[taken - 1] if taken <= len(words) else 0

    first = [take_word() for _ in range(LANES)]
    bits = [word | take_word() << 32 for word in first]
    left = [64] * LANES
    symbols = []
    for start in range(0, n, STEP):
        table = tables[start // RUN]
        for lane in range(LANES):
            for _ in range(GROUP):
                entry = table[bits[lane] & (1 << longest) - 1]
                symbols.append(entry >> 4)
                bits[lane] >>= entry & 15
                left[lane] -= entry & 15
        for lane in range(LANES):
            if left[lane] <= 32:
                bits[lane] |= take_word() << left[lane]
                left[lane] += 32
    need(taken >= len(words), place, f"{len(words)} words, of which {taken} are taken", BAD_STREAM)
    need(not any(bits), place, "bits behind the last code are not zero", BAD_STREAM)
    return symbols[:n]
