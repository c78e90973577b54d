# SPDX-License-Identifier: Apache-2.0
"""Segments of n-gram text with several blocks, some of which are not ok: what later blocks make of them."""
from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import pack

from encoder import CODED, CONSTANT, RAW, REPEAT, padded
from forge_bytes import written
from forge_text import CONTENT, HEAD, MODEL, Case, coded, decoded, plain_segment
from text_writer import Token, model_part, segment_part, text_archive

SIZE = 1 << 16
SHARE = SIZE // 32
FIRST: list[list[Token]] = [[*HEAD, (SHARE - 16, 16)]] + [[(SHARE, SHARE)]] * 31
FIRST_BYTES = decoded(FIRST)
COPY: list[list[Token]] = [[(SHARE, SIZE)]] * 32  # the block before
ALONE: list[list[Token]] = [[98, *HEAD, (SHARE - 17, 17)]] + [[(SHARE, SHARE)]] * 31  # only itself
ZEROS = bytes(SIZE)
BAD_HASH, BAD_BLOCK, BAD_STREAM, BAD_DECODED = (
    "bad coded hash", "bad block", "bad stream", "bad decoded hash")


@dataclass
class Block:
    """A block of a forged segment: what it claims to decode to, and its fault."""
    mode: int
    data: bytes
    claims: bytes
    bad_hash: bool = False      # the coded bytes are not what the record says
    bad_padding: bool = False   # a byte behind the block is set


@dataclass
class Blocks(Case):
    """`blocks` are the statuses of the segment's blocks."""
    blocks: list[str | None] = field(default_factory=list)


def block(lanes: list[list[Token]], claims: bytes, **faults: bool) -> Block:
    return Block(CODED, coded(lanes), claims, **faults)


def repeat(number: int, claims: bytes) -> Block:
    return Block(REPEAT, pack("<I", number), claims)


def segment(blocks: list[Block]):
    """A part of an archive."""
    kind, size, meta, _ = segment_part([(b.mode, b.data) for b in blocks],
                                       [b.claims for b in blocks], MODEL, 16)
    data = b""
    for number, b in enumerate(blocks):
        if b.bad_hash:
            meta = written(meta, (64 + 24 * number + 8, bytes(8)))
        packed = padded(b.data, 32)
        assert not b.bad_padding or len(packed) > len(b.data)
        data += packed[:-1] + b"\1" if b.bad_padding else packed
    return kind, size, meta, data


def case(name: str, blocks: list[Block], statuses: list[str | None]) -> Blocks:
    first = next(i for i, status in enumerate(statuses) if status)
    return Blocks(f"blocks-{name}", rf"section 2 .*block {first}\b", text_archive(
        [model_part(MODEL), segment(blocks)], b"".join(b.claims for b in blocks)),
        statuses[first], blocks=statuses)


def statuses() -> Iterator[Blocks]:
    wrong = written(FIRST_BYTES, (5, b"x"))
    faults = {
        "coded-hash": (block(FIRST, FIRST_BYTES, bad_hash=True), BAD_HASH),
        "raw-coded-hash": (Block(RAW, FIRST_BYTES, FIRST_BYTES, bad_hash=True), BAD_HASH),
        "constant-coded-hash": (Block(CONSTANT, b"a", b"a" * SIZE, bad_hash=True), BAD_HASH),
        "padding": (Block(CONSTANT, b"a", b"a" * SIZE, bad_padding=True), BAD_BLOCK),
        "lane-header": (Block(CODED, b"\0\0\0\x10" + coded(FIRST)[4:], FIRST_BYTES), BAD_BLOCK),
        "stream": (block([[(SHARE, 1)]] + FIRST[1:], FIRST_BYTES), BAD_STREAM),
        "last-lane": (block(FIRST[:31] + [[(SHARE, -1)]], FIRST_BYTES), BAD_STREAM),
        "decoded-hash": (block(FIRST, wrong), BAD_DECODED),
        "constant-decoded-hash": (Block(CONSTANT, b"a", wrong), BAD_DECODED),
        "repeat-of-itself": (repeat(0, FIRST_BYTES), BAD_BLOCK)}
    for name, (bad, status) in faults.items():
        yield case(f"{name}-then-a-copy", [bad, block(COPY, FIRST_BYTES), block(ALONE, decoded(ALONE))],
                   [status, BAD_DECODED, None])
        yield case(f"{name}-then-a-copy-of-zeros", [bad, block(COPY, ZEROS), block(COPY, ZEROS)],
                   [status, None, None])
        if bad.mode != REPEAT:
            yield case(f"{name}-then-repeats", [bad, repeat(0, bad.claims), repeat(0, ZEROS)],
                       [status, BAD_DECODED, None])


def repeats() -> Iterator[Blocks]:
    good = block(FIRST, FIRST_BYTES)
    short = coded([[*HEAD]] + [[(16, 16)]] * 31)
    yield case("repeat-of-a-repeat", [good, repeat(0, FIRST_BYTES), repeat(1, FIRST_BYTES)],
               [None, None, BAD_BLOCK])
    yield case("repeat-of-a-later-block", [good, repeat(2, FIRST_BYTES), good],
               [None, BAD_BLOCK, None])
    yield case("repeat-of-block-2-32", [good, repeat((1 << 32) - 1, FIRST_BYTES)], [None, BAD_BLOCK])
    yield case("repeat-of-another-size", [good, repeat(0, CONTENT)], [None, BAD_BLOCK])
    yield case("match-in-block-1-before-the-segment",
               [good, block([[(SHARE, SIZE + 1)]] + COPY[1:], FIRST_BYTES)], [None, BAD_STREAM])
    yield case("last-distances-of-block-0-forgotten",
               [good, block([[(SHARE, -1)]] + COPY[1:], FIRST_BYTES)], [None, BAD_STREAM])
    yield case("short-last-block", [good, Block(CODED, short[:-4], CONTENT)], [None, BAD_BLOCK])


def segments() -> Iterator[Case]:
    """A match must not reach into the segment before."""
    reaching = coded([[(16, 512)]] + [[(16, 16)]] * 31)
    part = segment_part([(CODED, reaching)], [CONTENT], MODEL)
    yield Case("match-into-the-segment-before", r"section 3 .*block 0, lane 0: .*before the segment",
               text_archive([model_part(MODEL), plain_segment(), part], CONTENT * 2), BAD_STREAM)


def good_archives() -> Iterator[tuple[str, bytes, bytes]]:
    """(name, archive, content) of hand-made archives that keep all rules."""
    blocks = [block(FIRST, FIRST_BYTES), block(COPY, FIRST_BYTES), Block(CONSTANT, b"a", b"a" * SIZE),
              repeat(0, FIRST_BYTES), repeat(2, b"a" * SIZE),
              block([[(SHARE, 5 * SIZE)]] * 32, FIRST_BYTES)]
    yield "text-blocks", *whole([segment(blocks)], b"".join(b.claims for b in blocks))
    yield "text-two-segments", *whole([plain_segment(), plain_segment()], CONTENT * 2)
    copies = [(4, 1), (4, 2), (3, 5), (2, 7), (3, -4), (2, -4), (2, -3), (2, -2), (2, -1), (976, -4)]
    lanes: list[list[Token]] = [[97, 98, 99, 120, 121, 122, 10, 0, *copies]] + [[(1008, 1008)]] * 31
    content = decoded(lanes)
    yield "text-repeats-and-overlaps", *whole(
        [segment_part([(CODED, coded(lanes))], [content], MODEL)], content)


def whole(parts: list, content: bytes) -> tuple[bytes, bytes]:
    return text_archive([model_part(MODEL), *parts], content), content


ALL = (statuses, repeats, segments)
