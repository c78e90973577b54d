# SPDX-License-Identifier: Apache-2.0
"""Segment sections (section 2.4 of docs/format.md): headers, block records, block modes."""
from collections import namedtuple
from struct import unpack

from check import FormatError, need, need_zero, round_up, take
from coded import BAD_BLOCK, decode_block, read_exact_values, read_tables
from delta import (DELTA, SPARSE_DELTA, Contexts, check_tables, decode_delta_block,
                    decode_sparse_block)
from fast import FAST_FLOATS, MOST_SYMBOLS, TYPES, decode_fast_block
from ngram import decode_text_block
from quantized import HORNER, QUANTIZED, TRELLIS, QuantTable, decode_quantized_block
from xxh3 import xxh3_64

RAW, CODED, CONSTANT, REPEAT, BASE = range(5)
RECORD = 24
NGRAM_TEXT, EXACT_FLOATS, PLANES = 3, 4, 7

# id: (name, width in bits, exponent bits, codec)
ELEMENTS = {
    0: ("bytes", 8, 8, 1),
    1: ("text", 8, 8, 1),  # and codec 3
    2: ("BF16", 16, 8, 2),
    3: ("F16", 16, 5, 2),
    4: ("F32", 32, 8, 2),
    5: ("F64", 64, 11, 2),
    6: ("F8_E4M3", 8, 4, 2),
    7: ("F8_E5M2", 8, 5, 2),
    8: ("I16", 16, 0, 7),
    9: ("I32", 32, 0, 7),
    10: ("I64", 64, 0, 7),
}
LONGEST = {1: 11, 2: 12, NGRAM_TEXT: 0, EXACT_FLOATS: 12, PLANES: 12, FAST_FLOATS: 7, DELTA: 12, SPARSE_DELTA: 12,
           QUANTIZED: 12}

Record = namedtuple("Record", "mode coded_bytes coded_hash decoded_hash")


class Segment:
    """The header of a segment, checked, with its tables and records."""

    def __init__(self, meta, place):
        fields = unpack("<8BIIQ", take(meta, 0, 24, place, "segment header"))
        (self.codec, order, element, self.block_log2, self.symbol_bits, self.longest,
         self.table_count, self.run_log2, self.block_count, self.table_bytes, self.size) = fields
        self.check_codec(order, element, place)
        self.check_sizes(place)
        self.base_at, = unpack("<Q", take(meta, 24, 8, place, "segment header"))
        need(self.of_base or self.base_at == 0, place, "segment header: zero field")
        self.model_name = take(meta, 32, 16, place, "segment header")
        if self.codec != NGRAM_TEXT:
            need_zero(self.model_name, place, "segment header: model of a codec without models")
            self.model_name = None
        (self.period, self.exact_count, of_base, self.zero_bits, self.coder) = unpack(
            "<HBBBB", take(meta, 48, 6, place, "segment header"))
        self.check_period(element, place)
        least, most = (1, 16) if self.codec == EXACT_FLOATS else (0, 0)
        need(least <= self.exact_count <= most, place, f"{self.exact_count} exact values")
        need(of_base == self.of_base, place, "segment header: where its base is")
        need(self.zero_bits <= (self.width - 1 - self.symbol_bits if self.codec == 2 else 0), place,
             f"{self.zero_bits} zero bits")
        need(self.coder <= (2 if self.codec == QUANTIZED else 0), place, f"coder {self.coder}")
        need(self.coder != HORNER or self.table_count == 0, place, "code tables of coder 1")
        need(self.coder != TRELLIS or self.table_count % 2 == 0, place, "an odd number of code tables of coder 2")
        need_zero(take(meta, 54, 10, place, "segment header"), place, "segment header: zero field")

        tables_end = 64 + self.table_bytes
        records_at = round_up(tables_end, 8)
        need(len(meta) == records_at + RECORD * self.block_count, place, "size of meta")
        need_zero(meta[tables_end:records_at], place, "padding behind the tables")
        self.exact, tables_at = read_exact_values(meta[64:tables_end], self.exact_count,
                                                  self.element_bytes, place)
        if self.of_base:
            self.contexts = Contexts(meta[64:tables_end], self, place)
            tables_at = self.contexts.size
        alphabet = (1 << self.symbol_bits) + self.exact_count
        if self.codec == QUANTIZED:
            self.quant = QuantTable(meta[64:tables_end], self, place)
            tables_at, alphabet = self.quant.size, self.quant.alphabet
        self.tables, self.lengths = read_tables(meta[64 + tables_at:tables_end], self.table_count, alphabet,
                                                self.longest, place)
        if self.of_base:
            check_tables(self, place)
        if self.codec == FAST_FLOATS:
            for table in self.tables:
                need(len(set(table or ())) <= MOST_SYMBOLS, place, "too many symbols in a table")
        self.records = [self.read_record(meta[at:at + RECORD], number, place)
                        for number, at in enumerate(range(records_at, len(meta), RECORD))]
        has_coded = any(record.mode == CODED for record in self.records)
        need(self.codec == NGRAM_TEXT or self.coder == HORNER or has_coded == (self.table_count > 0), place,
             "table_count is 0 exactly if no block is coded")

    def check_codec(self, order, element, place):
        need(self.codec in LONGEST, place, f"unknown codec {self.codec}")
        need(order == (self.codec == FAST_FLOATS), place,
             f"word order {order} (" + ("demand order" if order == 1 else "static rows") + f") of codec {self.codec}")
        need(element in ELEMENTS, place, f"unknown element type {element}")
        self.element = element
        name, self.width, exponent, codec = ELEMENTS[element]
        self.of_base = self.codec in (DELTA, SPARSE_DELTA)
        if self.codec == NGRAM_TEXT:
            need(name == "text", place, f"n-gram text with elements of type {name}")
            need(self.symbol_bits == 0, place, f"symbol_bits {self.symbol_bits} of n-gram text")
            need(self.longest == 0, place, f"longest code length {self.longest} of n-gram text")
            self.element_bytes = 1
            return
        self.element_bytes = self.width // 8
        self.exponent_bits = exponent if codec == 2 else 0
        if self.of_base:
            need(self.symbol_bits == 8, place, f"symbol_bits {self.symbol_bits} of a delta")
            need(self.longest == 12, place, f"longest code length {self.longest}")
            return
        if self.codec == FAST_FLOATS:
            fits = name in TYPES
        elif self.codec == PLANES and name == "bytes":
            fits = True
        else:
            fits = codec == self.codec or codec == 2 and self.codec in (EXACT_FLOATS, QUANTIZED)
        need(fits, place, f"codec {self.codec} with elements of type {name}")
        if self.codec == QUANTIZED:
            need(self.symbol_bits == 0, place, f"symbol_bits {self.symbol_bits} of quantized weights")
            need(self.longest == 12, place, f"longest code length {self.longest}")
            return
        if self.codec == PLANES:
            self.width = exponent = 8  # of what is coded
        highest = {1: 8, 2: min(12, self.width - 1), EXACT_FLOATS: min(11, self.width - 1), PLANES: 8,
                   FAST_FLOATS: exponent}[self.codec]
        need(exponent <= self.symbol_bits <= highest, place, f"symbol_bits {self.symbol_bits} for {name}")
        need(self.longest == LONGEST[self.codec], place, f"longest code length {self.longest}")

    def check_period(self, element, place):
        if self.codec == 2:
            need(self.period == 0 or 2 <= self.period <= 512, place, f"period {self.period}")
        elif self.codec != PLANES:
            need(self.period == 0, place, "segment header: period of a codec without planes")
        elif element == 0:
            need(2 <= self.period <= 512, place, f"period {self.period}")
        else:
            need(self.period == self.element_bytes, place, f"period {self.period}")

    def check_sizes(self, place):
        need(16 <= self.block_log2 <= (20 if self.codec == QUANTIZED else 18), place, f"block_log2 {self.block_log2}")
        need(self.table_count <= {1: 1, NGRAM_TEXT: 0}.get(self.codec, 32), place, f"{self.table_count} tables")
        runs = self.table_count > 1 and self.codec != SPARSE_DELTA
        need(self.run_log2 == (8 if runs else 0), place, f"run_log2 {self.run_log2}")
        need(1 <= self.size <= 1 << 24, place, f"decoded_bytes {self.size}")
        need(self.size % self.element_bytes == 0, place, "decoded_bytes splits an element")
        need(self.block_count == -(-self.size // (1 << self.block_log2)), place,
             f"block_count {self.block_count}")

    def block_size(self, number):
        """Decoded size of a block."""
        return min(1 << self.block_log2, self.size - (number << self.block_log2))

    def read_record(self, data, number, place):
        place = f"{place}, block {number}"
        record = Record(data[0], *unpack("<IQQ", data[4:]))
        need_zero(data[1:4], place, "block record: zero field")
        need(record.mode <= (BASE if self.of_base else REPEAT), place, f"unknown mode {record.mode}")
        need(not (self.of_base and record.mode == REPEAT), place, "a repeat beside a base")
        decoded = self.block_size(number)
        if record.mode == CODED:
            need(record.coded_bytes < decoded, place, "coded_bytes is not less than the decoded size")
        else:
            size = {RAW: decoded, CONSTANT: self.element_bytes, REPEAT: 4, BASE: 0}[record.mode]
            need(record.coded_bytes == size, place, f"coded_bytes is not {size}")
        return record


def decode_segment(segment, data, model, place, base=None):
    """The content of a segment from its data. base: the bytes that stand in its place, codecs 9 and 10."""
    blocks = decode_blocks(segment, data, model, place, base)
    for _, error in blocks:
        if error:
            error.blocks = [error and error.status for _, error in blocks]
            raise error
    return b"".join(block for block, _ in blocks)


def decode_blocks(segment, data, model, place, base=None):
    """(decoded bytes, error or None) of each block. The bytes of a block that is not ok are zero."""
    sizes = [round_up(record.coded_bytes, 32) for record in segment.records]
    need(sum(sizes) == len(data), place, "data_bytes is not the sum of the blocks")
    blocks = []
    content = bytearray()
    at = 0
    for number, record in enumerate(segment.records):
        where = f"{place}, block {number}"
        coded = data[at:at + record.coded_bytes]
        padding = data[at + record.coded_bytes:at + sizes[number]]
        at += sizes[number]
        start, error = len(content), None
        try:
            need(xxh3_64(coded) == record.coded_hash, where, "coded bytes", "bad coded hash")
            need_zero(padding, where, "padding behind the block", BAD_BLOCK)
            decode_one(segment, number, coded, content, model, where, base)
            need(xxh3_64(bytes(content[start:])) == record.decoded_hash, where, "decoded bytes",
                 "bad decoded hash")
        except FormatError as caught:
            error = caught
            content[start:] = bytes(segment.block_size(number))
        blocks.append((bytes(content[start:]), error))
    return blocks


def decode_one(segment, number, coded, content, model, place, base):
    """Appends the bytes of block `number` to the segment's content before it."""
    mode = segment.records[number].mode
    size = segment.block_size(number)
    if mode == RAW:
        content += coded
    elif mode == CONSTANT:
        content += coded * (size // segment.element_bytes)
    elif mode == REPEAT:
        source, = unpack("<I", coded)
        need(source < number, place, f"repeat of block {source}", BAD_BLOCK)
        need(segment.records[source].mode != REPEAT, place, "repeat of a repeat", BAD_BLOCK)
        need(segment.block_size(source) == size, place, "repeat of a block of another size", BAD_BLOCK)
        start = source << segment.block_log2
        content += content[start:start + size]
    elif segment.of_base:
        at = number << segment.block_log2
        base = base[at:at + size]
        if mode == BASE:
            content += base
        elif segment.codec == DELTA:
            content += decode_delta_block(coded, base, segment, place)
        else:
            content += decode_sparse_block(coded, base, segment, place)
    elif segment.codec == NGRAM_TEXT:
        decode_text_block(coded, size, content, model, place)
    elif segment.codec == PLANES:
        content += join_planes(decode_block(coded, size, segment, place), 1, segment.period)
    elif segment.codec == QUANTIZED:
        first = (number << segment.block_log2) // segment.element_bytes
        content += decode_quantized_block(coded, size // segment.element_bytes, first, segment, place)
    elif segment.codec == FAST_FLOATS:
        content += decode_fast_block(coded, size // segment.element_bytes, segment, place)
    else:
        decoded = decode_block(coded, size // segment.element_bytes, segment, place)
        content += join_planes(decoded, segment.element_bytes, segment.period) if segment.period else decoded


def join_planes(planes, element, period):
    """The elements of a block, of so many bytes each, in their own order (section 12)."""
    elements = [planes[at:at + element] for at in range(0, len(planes), element)]
    block = [b""] * len(elements)
    at = 0
    for plane in range(min(period, len(elements))):
        size = len(range(plane, len(elements), period))
        block[plane::period] = elements[at:at + size]
        at += size
    return b"".join(block)
