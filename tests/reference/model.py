# SPDX-License-Identifier: Apache-2.0
"""Models (section 10 of docs/format.md): the header, the streams of code tables, the .grm file."""
from struct import unpack

from bits import BitReader, PrefixCode
from check import FormatError, need, need_zero, round_up, take
from coded import read_lengths
from xxh3 import xxh3_128

MAGIC = b"GRM\x01"
MAX_BYTES = 4 << 20
MATCHES = 140  # match symbols: 28 lengths with a new distance or one of the four last
MAX_STRINGS = 65536 - 256 - MATCHES
MAX_CLASSES = 128
STREAM_LONGEST = 12
# name: (S, contexts)
STREAMS = {"A": (6, 16), "B": (5, 4), "C": (4, 32), "D": (5, 160), "E": (5, 32), "F": (7, 256),
           "G": (5, 256), "H": (4, 96), "I": (4, 64)}


class Body:
    """The body of a model and the tables of its streams."""

    def __init__(self, data: bytes, bits: int, streams: dict[str, list[PrefixCode | None]], place: str):
        self.reader, self.bits, self.streams, self.place = BitReader(data), bits, streams, place

    def inside(self):
        need(self.reader.at <= self.bits, self.place, "the body ends too early")

    def value(self, stream: str, context: int) -> int:
        """A value coded with a stream in a context."""
        table = self.streams[stream][context]
        if table is None:
            raise FormatError(self.place, f"stream {stream}, context {context}: the table codes nothing")
        return self.symbol(table)

    def symbol(self, code: PrefixCode) -> int:
        value = self.reader.symbol(code)
        self.inside()
        return value

    def field(self, bits: int) -> int:
        value = self.reader.field(bits)
        self.inside()
        return value


class Header:
    """The header of a model, checked against its size."""

    def __init__(self, data: bytes, place: str):
        need(len(data) <= MAX_BYTES, place, f"a model of {len(data)} bytes")
        head = take(data, 0, 64, place, "the header of the model")
        need(head[:4] == MAGIC, place, "magic of the model")
        self.strings, self.classes, zero, self.stream_bytes, self.total, self.body_bits = unpack(
            "<IHHIQI", head[4:28])
        need(self.strings <= MAX_STRINGS, place, f"{self.strings} strings")
        need(1 <= self.classes <= MAX_CLASSES, place, f"{self.classes} classes")
        need(zero == 0, place, "zero field of the model")
        need_zero(head[28:], place, "zero field of the model")
        size = 64 + self.stream_bytes + (self.body_bits + 7) // 8
        need(len(data) == size, place, f"size of the model: {len(data)}, not {size}")


def open_model(data: bytes, place: str) -> tuple[Header, Body]:
    """The header and the body, with its streams ready to be used."""
    header = Header(data, place)
    packed = data[64:64 + header.stream_bytes]
    streams, at = {}, 0
    for name in STREAMS:
        streams[name], at = read_stream(packed, at, name, place)
    need(at == len(packed), place, f"streams end at {at}, stream_bytes is {len(packed)}")
    body = data[64 + header.stream_bytes:]
    if header.body_bits % 8:
        need(body[-1] >> header.body_bits % 8 == 0, place, "unused bits of the body are not zero")
    return header, Body(body, header.body_bits, streams, place)


def read_stream(data: bytes, at: int, name: str, place: str) -> tuple[list[PrefixCode | None], int]:
    """(the code of each context, where the next stream starts)."""
    place = f"{place}, stream {name}"
    symbol_bits, contexts = STREAMS[name]
    head = take(data, at, 4, place, "a stream")
    groups, at = head[0], at + 4
    need(1 <= groups <= 16, place, f"{groups} groups")
    need_zero(head[1:], place, "zero field")
    group_of = [0] * contexts
    if groups > 1:
        size = round_up(contexts // 2, 4)  # the number of contexts is even
        packed = take(data, at, size, place, "the map")
        nibbles = [n for byte in packed for n in (byte & 15, byte >> 4)]
        need_zero(nibbles[contexts:], place, "padding behind the map")
        group_of = nibbles[:contexts]
        need(max(group_of) < groups, place, f"the map names group {max(group_of)}")
        at += size
    codes: list[PrefixCode | None] = []
    for group in range(groups):
        lengths, at = read_lengths(data, at, 1 << symbol_bits, STREAM_LONGEST, f"{place}, table {group}")
        codes.append(PrefixCode(lengths) if lengths else None)
    return [codes[group] for group in group_of], at


def split_grm(data: bytes, place: str) -> tuple[bytes, bytes]:
    """(the model, its name) of a file .grm."""
    need(len(data) >= 16, place, "truncated: a .grm file ends with 16 bytes of hash")
    model, name = data[:-16], data[-16:]
    need(xxh3_128(model).to_bytes(16, "little") == name, place, "hash of the model")
    return model, name
