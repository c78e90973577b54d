# SPDX-License-Identifier: Apache-2.0
"""Random tokens for lanes, and random archives of n-gram text that keep all rules."""
import random

from model_random import random_spec
from model_writer import Spec, bucket_of, grm, write_model
from text_writer import (Coder, Lasts, Parser, Token, expand, lane_ends, model_part, text_archive,
                         text_segment)

EXTERNAL = 1 << 2  # feature 2


def random_length(rng: random.Random, room: int) -> int:
    """A match length from 2 to 8193 that has room."""
    return min(room, 2 + rng.choice((rng.randrange(8), rng.randrange(64), rng.randrange(8192))))


def random_distance(rng: random.Random, buckets: dict[int, str], reach: int, near: int) -> int | None:
    """A distance of a bucket with a code, up to reach; half of the time below near, else far if it can."""
    limit = min(reach, near) if rng.random() < 0.5 else reach
    for _ in range(8):
        distance = rng.choice((1, limit, rng.randint(1, limit), max(1, limit - rng.randrange(40))))
        if bucket_of(distance)[0] in buckets:
            return distance
    return None


def random_lane(rng: random.Random, coder: Coder, content: bytearray, end: int) -> list[Token]:
    """Tokens of every kind that the model codes, up to the end of a lane; appends what they decode to."""
    spec, lasts, before = coder.spec, Lasts(), 10
    tokens: list[Token] = []
    bytes_share = rng.choice((0.1, 0.3, 0.9))
    while len(content) < end:
        room = end - len(content)
        kind = rng.random()
        token: Token | None = None
        if kind < bytes_share or room < 2:
            token = rng.randrange(256)
        elif kind < bytes_share + 0.2 and spec.parts:
            token = rng.randrange(256, spec.v)
            token = token if len(coder.pieces[token]) <= room else None
        else:
            length = random_length(rng, room)
            if lasts.known and rng.random() < 0.5:
                token = length, -rng.randint(1, len(lasts.known))
            elif content:
                distance = random_distance(rng, coder.distance_codes(length), len(content), length)
                token = (length, distance) if distance else None
        if token is None or not coder.codes(before, token):
            token = rng.randrange(256)
        expand_one(coder, token, lasts, content)
        tokens.append(token)
        before = coder.symbol_of(token)
    return tokens


def expand_one(coder: Coder, token: Token, lasts: Lasts, content: bytearray):
    if isinstance(token, int):
        content += coder.pieces[token]
    else:
        length, distance = token[0], lasts.use(token[1])
        expand(coder, [(length, distance)], content)


def random_segment(rng: random.Random, spec: Spec, model: bytes):
    """(part, content) of a segment with blocks of every mode."""
    coder, block_log2 = Coder(spec), rng.choice((16, 16, 17, 18))
    size = rng.choice((1, 15, 16, 17, 100, 511, 512, 513, 5000, 20000))
    whole = 1 << block_log2
    content, tokens = bytearray(), {}
    for _ in range(rng.choice((0, 0, 1, 4)) if block_log2 == 16 else rng.choice((0, 1))):
        start, kind = len(content), rng.random()
        if kind < 0.2:
            content += bytes([rng.randrange(256)]) * whole
        elif kind < 0.4 and start:
            content += content[start - whole:start]
        elif kind < 0.5:
            content += rng.randbytes(whole)
        else:
            add_block(rng, coder, content, whole, tokens)
    add_block(rng, coder, content, size, tokens)
    data = bytes(content)
    parser = Parser(coder, data)

    def lanes(at: int, end: int) -> list[Token]:
        return tokens[at, end] if (at, end) in tokens else parser.lane(at, end)

    return text_segment(coder, data, lanes, model, block_log2), data


def add_block(rng: random.Random, coder: Coder, content: bytearray, size: int, tokens: dict):
    start = at = len(content)
    for end in lane_ends(size):
        tokens[at, start + end] = random_lane(rng, coder, content, start + end)
        at = start + end


def random_model(rng: random.Random) -> tuple[Spec, bytes]:
    spec = random_spec(rng, rng.choice((0, 1, 5, 40, 200)), rng.choice((1, 2, 4, 8)), rng.random() < 0.5)
    return spec, write_model(spec, rng if rng.random() < 0.8 else None)


def random_archive(rng: random.Random) -> tuple[bytes, bytes, list[bytes]]:
    """(archive, content, .grm files it needs)"""
    external = rng.random() < 0.2
    parts, content, known, files = [], b"", [], []
    for _ in range(rng.choice((1, 1, 2, 3))):
        for _ in range(rng.choice((1, 1, 2, 9))):
            spec, model = random_model(rng)
            known.append((spec, model, external and rng.random() < 0.6))
            if known[-1][2]:
                files.append(grm(model))
            else:
                parts.append(model_part(model))
        held = [entry for entry in known if not entry[2]][-8:]
        spec, model, _ = rng.choice(held + [entry for entry in known if entry[2]])
        part, piece = random_segment(rng, spec, model)
        parts.append(part)
        content += piece
    return text_archive(parts, content, EXTERNAL if external else 0), content, files


def text_of(rng: random.Random, size: int) -> bytes:
    """Content of words, for the parser."""
    words = [bytes(rng.choice(b"etaoinshrdlu") for _ in range(rng.randint(1, 9))) for _ in range(60)]
    out = bytearray()
    while len(out) < size:
        out += rng.choice(words) + rng.choice((b" ", b" ", b", ", b".\n"))
    return bytes(out[:size])
