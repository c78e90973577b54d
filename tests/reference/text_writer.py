# SPDX-License-Identifier: Apache-2.0
"""Codes n-gram text (section 9 of docs/format.md): tokens, lanes, blocks, segments.

A token is an int (a byte or string), (length, distance) for a match with a new distance, or
(length, -k) for one with the k-th last. Nothing is checked, so that tests can write what breaks a rule.
"""
from collections.abc import Callable
from struct import pack

from encoder import (CODED, CONSTANT, RAW, REPEAT, assemble, code_strings, hash_128, packed_lanes,
                     padded)
from model_writer import Spec, bucket_of, raw
from xxh3 import xxh3_64

Token = int | tuple[int, int]
BLOCK = 1 << 18


class Coder:
    """The codes of a model as text of 0 and 1."""

    def __init__(self, spec: Spec):
        self.spec = spec
        self.pieces = spec.pieces()
        self.classes = [code_strings(lengths) for lengths in spec.classes]
        self.global_codes = code_strings({s: n for s, n in enumerate(spec.global_lengths) if n})
        self.distances = [code_strings({b: n for b, n in enumerate(lengths) if n})
                          for lengths in spec.distance_lengths]

    def symbol_of(self, token: Token) -> int:
        if isinstance(token, int):
            return token
        length, distance = token
        return self.spec.v + 28 * max(0, -distance) + bucket_of(length - 2)[0]

    def distance_codes(self, length: int) -> dict[int, str]:
        bucket = bucket_of(length - 2)[0]
        return self.distances[0 if bucket < 8 else 1 if bucket == 8 else 2 if bucket < 11 else 3]

    def code(self, before: int, symbol: int) -> str | None:
        """The code of a symbol after another, None if it has none."""
        codes = self.classes[self.spec.class_of[before]]
        if symbol in codes:
            return codes[symbol]
        if symbol in self.global_codes:
            return codes[self.spec.n] + self.global_codes[symbol]
        return None

    def codes(self, before: int, token: Token) -> bool:
        """Whether the model can code a token after a symbol."""
        known = self.code(before, self.symbol_of(token)) is not None
        if known and not isinstance(token, int) and token[1] > 0:
            return bucket_of(token[1])[0] in self.distance_codes(token[0])
        return known

    def lane(self, tokens: list[Token]) -> str:
        """The bit string of a lane."""
        text, before = [], 10
        for token in tokens:
            symbol = self.symbol_of(token)
            text.append(self.code(before, symbol))
            if not isinstance(token, int):
                length, distance = token
                text.append(raw(*bucket_of(length - 2)[:0:-1]))
                if distance > 0:
                    bucket, value, bits = bucket_of(distance)
                    text += [self.distance_codes(length)[bucket], raw(bits, value)]
            before = symbol
        return "".join(text)


class Lasts:
    """The last distances of a lane."""

    def __init__(self):
        self.known: list[int] = []

    def use(self, distance: int) -> int:
        """The distance of a token, which becomes the last."""
        if distance < 0:
            distance = self.known.pop(-distance - 1)
        self.known = ([distance] + self.known)[:4]
        return distance


def expand(coder: Coder, tokens: list[Token], content: bytearray):
    """Appends what the tokens of a lane decode to."""
    lasts = Lasts()
    for token in tokens:
        if isinstance(token, int):
            content += coder.pieces[token]
        else:
            length, distance = token[0], lasts.use(token[1])
            for _ in range(length):
                content.append(content[len(content) - distance])


# ---- from content to tokens ----

class Parser:
    """Greedy tokens of a content: a match of 4 bytes or more, else the longest string, else a byte."""

    def __init__(self, coder: Coder, content: bytes):
        self.coder, self.content = coder, content
        self.seen: dict[bytes, int] = {}  # the last place of each 4 bytes
        self.strings: dict[bytes, int] = {}
        for symbol, piece in enumerate(coder.pieces):
            self.strings.setdefault(piece, symbol)
        self.sizes = sorted(set(map(len, self.strings)), reverse=True)

    def lane(self, at: int, end: int) -> list[Token]:
        tokens: list[Token] = []
        lasts, before = Lasts(), 10
        while at < end:
            token, size = next((token, size) for token, size in self.choices(at, end, lasts)
                               if self.coder.codes(before, token))
            if not isinstance(token, int):
                lasts.use(token[1])
            for place in range(at, at + size):
                self.seen[self.content[place:place + 4]] = place
            at += size
            before = self.coder.symbol_of(token)
            tokens.append(token)
        return tokens

    def choices(self, at: int, end: int, lasts: Lasts):
        """Tokens for the bytes at a place, and how many bytes each is for, the best first."""
        for k, distance in enumerate(lasts.known, 1):
            size = self.same(at, distance, end)
            if size >= 4:
                yield (size, -k), size
        place = self.seen.get(self.content[at:at + 4])
        if place is not None:
            size = self.same(at, at - place, end)
            if size >= 4:
                yield (size, at - place), size
        for size in self.sizes:
            piece = self.content[at:at + size]
            if at + size <= end and piece in self.strings:
                yield self.strings[piece], size
        yield self.content[at], 1  # a byte has a global code whatever string is the same

    def same(self, at: int, distance: int, end: int) -> int:
        size, limit = 0, min(end - at, 400)
        while size < limit and self.content[at + size] == self.content[at + size - distance]:
            size += 1
        return size


# ---- blocks and segments ----

def lane_ends(size: int) -> list[int]:
    share = -(-size // 512) * 16
    return [min((lane + 1) * share, size) for lane in range(32)]


def text_segment(coder: Coder, content: bytes, lanes: Callable[[int, int], list[Token]],
                 model: bytes, block_log2: int = 18) -> tuple[int, int, bytes, bytes]:
    """A part of an archive (see encoder.assemble) with the modes of section 2.4. `lanes` gives the tokens
    of the lane between two places of the content."""
    blocks = [content[i:i + (1 << block_log2)] for i in range(0, len(content), 1 << block_log2)]
    modes = []
    for number, block in enumerate(blocks):
        if block == block[:1] * len(block):
            modes.append((CONSTANT, block[:1]))
        elif block in blocks[:number]:
            modes.append((REPEAT, pack("<I", blocks.index(block))))
        else:
            start, ends = number << block_log2, lane_ends(len(block))
            coded = packed_lanes([coder.lane(lanes(start + at, start + end))
                                  for at, end in zip([0, *ends], ends)])
            modes.append((CODED, coded) if len(coded) < len(block) else (RAW, block))
    return segment_part(modes, blocks, model, block_log2)


def segment_part(modes: list[tuple[int, bytes]], blocks: list[bytes], model: bytes,
                 block_log2: int = 18) -> tuple[int, int, bytes, bytes]:
    """A segment of blocks (mode, coded bytes), which claim to decode to `blocks`."""
    size = sum(map(len, blocks))
    header = pack("<8BIIQQ16s16x", 3, 0, 1, block_log2, 0, 0, 0, 0, len(blocks), 0, size, 0,
                  hash_128(model))
    records = b"".join(pack("<B3xIQQ", mode, len(coded), xxh3_64(coded), xxh3_64(block))
                       for (mode, coded), block in zip(modes, blocks))
    return 2, size, header + records, b"".join(padded(coded, 32) for _, coded in modes)


def model_part(model: bytes) -> tuple[int, int, bytes, bytes]:
    return 4, 0, model, b""


def text_archive(parts: list[tuple[int, int, bytes, bytes]], content: bytes, features: int = 0) -> bytes:
    """An archive of one member, `text`."""
    return assemble([("text", 0o644, 0, content)], parts, content, features)
