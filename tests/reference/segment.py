# SPDX-License-Identifier: Apache-2.0
"""Segment sections (section 2.4 of docs/format.md): headers, block records, block modes."""
from collections import namedtuple
from struct import unpack

from check import FormatError, need, need_zero, round_up, take
from coded import BAD_BLOCK, decode_block, read_tables
from xxh3 import xxh3_64

RAW, CODED, CONSTANT, REPEAT = range(4)
RECORD = 24

# id: (name, width in bits, exponent bits, codec)
ELEMENTS = {
    0: ("bytes", 8, 8, 1),
    1: ("text", 8, 8, 1),
    2: ("BF16", 16, 8, 2),
    3: ("F16", 16, 5, 2),
    4: ("F32", 32, 8, 2),
    5: ("F64", 64, 11, 2),
    6: ("F8_E4M3", 8, 4, 2),
    7: ("F8_E5M2", 8, 5, 2),
}
RESERVED_CODECS = {3: "n-gram text", 4: "class floats", 5: "quantized", 6: "reference"}
LONGEST = {1: 11, 2: 12}

Record = namedtuple("Record", "mode coded_bytes coded_hash decoded_hash")


class Segment:
    """The header of a segment, checked, with its tables and records."""

    def __init__(self, meta, place):
        fields = unpack("<8BIIQ", take(meta, 0, 24, place, "segment header"))
        (self.codec, order, element, self.block_log2, self.symbol_bits, self.longest,
         self.table_count, self.run_log2, self.block_count, self.table_bytes, self.size) = fields
        self.check_codec(order, element, place)
        self.check_sizes(place)
        need_zero(take(meta, 24, 40, place, "segment header"), place, "segment header: zero field")

        tables_end = 64 + self.table_bytes
        records_at = round_up(tables_end, 8)
        need(len(meta) == records_at + RECORD * self.block_count, place, "size of meta")
        need_zero(meta[tables_end:records_at], place, "padding behind the tables")
        self.tables = read_tables(meta[64:tables_end], self.table_count, self.symbol_bits,
                                  self.longest, place)
        self.records = [self.read_record(meta[at:at + RECORD], number, place)
                        for number, at in enumerate(range(records_at, len(meta), RECORD))]
        has_coded = any(record.mode == CODED for record in self.records)
        need(has_coded == (self.table_count > 0), place, "table_count is 0 exactly if no block is coded")

    def check_codec(self, order, element, place):
        if self.codec in RESERVED_CODECS:
            raise FormatError(place, f"codec {self.codec} ({RESERVED_CODECS[self.codec]}) is reserved")
        need(self.codec in LONGEST, place, f"unknown codec {self.codec}")
        need(order == 0, place, f"word order {order}" + (" (demand order) is reserved" if order == 1 else ""))
        need(element in ELEMENTS, place, f"unknown element type {element}")
        name, self.width, exponent, codec = ELEMENTS[element]
        need(codec == self.codec, place, f"codec {self.codec} with elements of type {name}")
        self.element_bytes = self.width // 8
        highest = 8 if self.codec == 1 else min(12, self.width - 1)
        need(exponent <= self.symbol_bits <= highest, place, f"symbol_bits {self.symbol_bits} for {name}")
        need(self.longest == LONGEST[self.codec], place, f"longest code length {self.longest}")

    def check_sizes(self, place):
        need(16 <= self.block_log2 <= 18, place, f"block_log2 {self.block_log2}")
        need(self.table_count <= (1 if self.codec == 1 else 32), place, f"{self.table_count} tables")
        need(self.run_log2 == (8 if self.table_count > 1 else 0), place, f"run_log2 {self.run_log2}")
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
        need(record.mode <= REPEAT, place, f"unknown mode {record.mode}")
        decoded = self.block_size(number)
        if record.mode == CODED:
            need(record.coded_bytes < decoded, place, "coded_bytes is not less than the decoded size")
        else:
            size = {RAW: decoded, CONSTANT: self.element_bytes, REPEAT: 4}[record.mode]
            need(record.coded_bytes == size, place, f"coded_bytes is not {size}")
        return record


def decode_segment(segment, data, place):
    """The content of a segment from its data."""
    sizes = [round_up(record.coded_bytes, 32) for record in segment.records]
    need(sum(sizes) == len(data), place, "data_bytes is not the sum of the blocks")
    blocks = []
    at = 0
    for number, record in enumerate(segment.records):
        where = f"{place}, block {number}"
        coded = data[at:at + record.coded_bytes]
        padding = data[at + record.coded_bytes:at + sizes[number]]
        need(xxh3_64(coded) == record.coded_hash, where, "coded bytes", "bad coded hash")
        need_zero(padding, where, "padding behind the block", BAD_BLOCK)
        blocks.append(decode_one(segment, number, coded, blocks, where))
        need(xxh3_64(blocks[-1]) == record.decoded_hash, where, "decoded bytes", "bad decoded hash")
        at += sizes[number]
    return b"".join(blocks)


def decode_one(segment, number, coded, blocks, place):
    """The decoded bytes of block `number`; `blocks` are those before it."""
    mode = segment.records[number].mode
    size = segment.block_size(number)
    if mode == RAW:
        return coded
    if mode == CONSTANT:
        return coded * (size // segment.element_bytes)
    if mode == CODED:
        return decode_block(coded, size // segment.element_bytes, segment, place)
    source, = unpack("<I", coded)
    need(source < number, place, f"repeat of block {source}", BAD_BLOCK)
    need(segment.records[source].mode != REPEAT, place, "repeat of a repeat", BAD_BLOCK)
    need(len(blocks[source]) == size, place, "repeat of a block of another size", BAD_BLOCK)
    return blocks[source]
