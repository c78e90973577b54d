# SPDX-License-Identifier: Apache-2.0
"""Coded blocks of n-gram text (section 9 of docs/format.md)."""
from struct import pack

from bits import BitReader, bucket_value
from check import need, round_up
from coded import BAD_BLOCK, BAD_STREAM, LANES, BlockReader, read_lanes
from model_parts import LENGTH_BUCKETS, Model

NEWLINE = 10


def decode_text_block(data: bytes, size: int, content: bytearray, model: Model, place: str):
    """Appends the `size` bytes of a block to the segment's content before it."""
    block = BlockReader(data, place)
    lanes = read_lanes(block)
    need(block.at == len(data), place, "bytes behind the last tail", BAD_BLOCK)
    start, share = len(content), round_up(-(-size // LANES), 16)
    for lane, words in enumerate(lanes):
        end = start + min((lane + 1) * share, size)
        Lane(words, model, f"{place}, lane {lane}").decode(content, end)


class Lane:
    """One sub-stream: its bits and its last distances."""

    def __init__(self, words: tuple[int, ...], model: Model, place: str):
        self.words, self.model, self.place = words, model, place
        self.bits = BitReader(pack(f"<{len(words)}I", *words))
        self.last: list[int] = []

    def need(self, ok: bool, what: str):
        need(ok, self.place, what, BAD_STREAM)

    def decode(self, content: bytearray, end: int):
        """Appends symbols until the content has `end` bytes, then checks that no bit is left."""
        model, symbol = self.model, NEWLINE
        while len(content) < end:
            symbol = self.bits.symbol(model.classes[model.class_of[symbol]])
            if symbol == model.escape:
                symbol = self.bits.symbol(model.global_code)
            if symbol < model.v:
                content += model.pieces[symbol]
            else:
                self.match(symbol - model.v, content, end)
            self.need(len(content) <= end, "a symbol goes beyond the end of the lane")
        used = self.bits.at
        self.need((used + 31) // 32 == len(self.words), f"{used} bits in {len(self.words)} words")
        self.need(self.bits.field(-used % 32) == 0, "bits behind the last code are not zero")

    def match(self, symbol: int, content: bytearray, end: int):
        place, length_bucket = divmod(symbol, LENGTH_BUCKETS)
        length = bucket_value(self.bits, length_bucket) + 2
        if place == 0:
            bucket = self.bits.symbol(self.model.distance_codes[distance_class(length_bucket)])
            distance = bucket_value(self.bits, bucket)
        else:
            self.need(place <= len(self.last), f"there is no last distance {place}")
            distance = self.last.pop(place - 1)
        self.last = [distance] + self.last[:3]
        self.need(distance <= len(content), "a match starts before the segment")
        self.need(len(content) + length <= end, "a match goes beyond the end of the lane")
        for _ in range(length):
            content.append(content[-distance])


def distance_class(length_bucket: int) -> int:
    return (0 if length_bucket < 8 else 1 if length_bucket == 8 else
            2 if length_bucket < 11 else 3)
