# SPDX-License-Identifier: Apache-2.0
"""Archives of n-gram text that break one rule each of sections 2 and 9 of docs/format.md."""
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from struct import pack

import forge_bytes
import forge_model
from encoder import CODED, RAW, packed_lanes, segment_section
from forge import Layout, reseal
from forge_bytes import written
from forge_model import BASE
from model_writer import grm, write_model
from text_random import EXTERNAL
from text_writer import Coder, Token, expand, model_part, segment_part, text_archive

MODEL = write_model(BASE)
CODER = Coder(BASE)
HEAD: list[Token] = [258, 259, 97, 98, 256, 32, 46, 10]  # 16 bytes: abbac baca a b ab ...
LANES: list[list[Token]] = [HEAD] + [[(16, 16)]] * 31
SHARE = 16


@dataclass
class Case:
    name: str
    words: str  # an expression that the reference's error matches
    archive: bytes
    status: str | None = None  # of the first block that fails
    models: list[bytes] = field(default_factory=list)  # files .grm


def decoded(lanes: list[list[Token]]) -> bytes:
    content = bytearray()
    for tokens in lanes:
        expand(CODER, tokens, content)
    return bytes(content)


CONTENT = decoded(LANES)
assert len(CONTENT) == 32 * SHARE


def coded(lanes: list[list[Token]]) -> bytes:
    return packed_lanes(list(map(CODER.lane, lanes)))


def archive_of(model: bytes, features: int = 0, parts: list | None = None) -> bytes:
    """The plain segment with any model in front of it."""
    parts = [model_part(model)] if parts is None else parts
    return text_archive(parts + [plain_segment(model)], CONTENT, features)


def plain_segment(model: bytes = MODEL):
    return segment_part([(CODED, coded(LANES))], [CONTENT], model)


def models(all_cases: Iterator[forge_model.Case] | None = None) -> Iterator[Case]:
    """The models that break a rule, in an archive each."""
    for case in all_cases or chain(forge_model.all_cases(), forge_bytes.all_cases()):
        yield Case(case.name, r"section 1 at 256 \(model\).*" + case.words, archive_of(case.model))


# ---- which model ----

def names() -> Iterator[Case]:
    missing = r"section \d+ at \d+ \(segment\): there is no model"
    good = archive_of(MODEL)
    layout = Layout(good)
    name_at = layout.find(2)[1] + 32
    others = [model_part(written(MODEL, (16, pack("<Q", i)))) for i in range(8)]
    yield Case("model-missing", missing, archive_of(MODEL, parts=[]))
    yield Case("model-hash-mismatch", missing, reseal(written(good, (name_at + 15, b"\xee")), layout))
    yield Case("model-name-zero", missing, reseal(written(good, (name_at, bytes(16))), layout))
    yield Case("model-9th-last", missing, archive_of(MODEL, parts=[model_part(MODEL)] + others))
    yield Case("model-9th-last-by-twins", missing,
               archive_of(MODEL, parts=[model_part(MODEL)] + others[:1] * 8))
    yield Case("model-behind-its-segment", missing, text_archive(
        [plain_segment(), model_part(MODEL)], CONTENT))
    yield Case("model-external-without-feature", missing, archive_of(MODEL, parts=[]), None, [grm(MODEL)])
    yield Case("model-external-not-given", missing, archive_of(MODEL, EXTERNAL, parts=[]))
    yield Case("model-missing-without-coded-blocks", missing, text_archive(
        [segment_part([(RAW, CONTENT)], [CONTENT], MODEL)], CONTENT))
    for name, words, file in (
            ("hash", "hash of the model", grm(MODEL)[:-1] + b"\0"),
            ("truncated", "hash of the model", grm(MODEL)[:-1]),
            ("15-bytes", "truncated", grm(MODEL)[:15]),
            ("zero-field", "zero field", grm(written(MODEL, (28, b"\1"))))):
        yield Case(f"grm-{name}", f"model 0.*{words}", archive_of(MODEL, EXTERNAL, parts=[]), None, [file])
    meta, data = segment_section(CONTENT, 1)
    yield Case("model-of-codec-1", "model of a codec without models", text_archive(
        [model_part(MODEL), (2, 512, written(meta, (32, b"\1")), data)], CONTENT))
    yield Case("model-section-with-data", "only segments have data", text_archive(
        [(4, 0, MODEL, bytes(32)), plain_segment()], CONTENT))
    yield Case("model-section-carries-content", r"index.*entry of section 1",
               reseal(written(good, (layout.find(3)[1] + 16 + 48 + 24, b"\1")), layout))


# ---- the segment header ----

def segment_headers() -> Iterator[Case]:
    good = archive_of(MODEL)
    layout = Layout(good)
    at = layout.find(2)[1]
    for offset, value, words in (
            (1, 1, "demand order"), (2, 0, "elements of type bytes"), (2, 2, "elements of type BF16"),
            (3, 15, "block_log2"), (3, 19, "block_log2"), (4, 8, "symbol_bits 8"),
            (5, 11, "longest code length 11"), (6, 1, "1 tables"), (7, 8, "run_log2 8"),
            (8, 2, "block_count 2"), (12, 8, "size of meta"), (24, 1, "zero field"),
            (48, 1, "period of a codec without planes"), (63, 0x80, "zero field")):
        yield Case(f"text-header-at-{offset}-{value}", rf"section 2 .*{words}",
                   reseal(written(good, (at + offset, bytes([value]))), layout))


# ---- a coded block ----

def one_block(name: str, words: str, block: bytes, status: str) -> Case:
    """The model, and a segment whose only block claims to decode to CONTENT."""
    return Case(name, rf"section 2 .*block 0.*{words}", text_archive(
        [model_part(MODEL), segment_part([(CODED, block)], [CONTENT], MODEL)], CONTENT), status)


def lanes() -> Iterator[Case]:
    before = "starts before the segment"
    beyond = "beyond the end of the lane"
    for name, words, lane, tokens in (
            ("match-at-the-start", before, 0, [(16, 1)]),
            ("match-before-the-start", before, 0, [97, (15, 2)]),
            ("match-before-the-start-lane-5", before, 5, [97, 98, (14, 5 * SHARE + 3)]),
            ("match-of-distance-2-24", before, 31, [(16, (1 << 24) - 1)]),
            ("match-longer-than-the-lane", beyond, 1, [(17, 16)]),
            ("match-longer-than-the-rest", beyond, 1, [97, (16, 16)]),
            ("match-of-8193", beyond, 3, [(8193, 1)]),
            ("match-beyond-the-last-lane", beyond, 31, [(18, 16)]),
            ("string-beyond-the-lane", beyond, 2, [97] * 15 + [256]),
            ("string-beyond-the-last-lane", beyond, 31, [(12, 16), 258]),
            ("repeat-beyond-the-lane", beyond, 2, [(8, 16), (9, -1)]),
            ("repeat-1-empty", "no last distance 1", 4, [(16, -1)]),
            ("repeat-2-empty", "no last distance 2", 4, [(8, 3), (8, -2)]),
            ("repeat-3-empty", "no last distance 3", 4, [(4, 3), (4, 3), (8, -3)]),
            ("repeat-4-empty", "no last distance 4", 4, [(4, 3), (4, 4), (4, 5), (4, -4)])):
        block = coded([tokens if i == lane else LANES[i] for i in range(32)])
        yield one_block(f"lane-{name}", f"lane {lane}: .*{words}", block, "bad stream")


def words_and_padding() -> Iterator[Case]:
    texts = list(map(CODER.lane, LANES))

    def block(lane: int, text: str) -> bytes:
        return packed_lanes([text if i == lane else texts[i] for i in range(32)])

    for lane in (0, 7, 31):
        text = texts[lane]
        full = text + "0" * (-len(text) % 32)
        yield one_block(f"lane-{lane}-a-word-too-many", rf"lane {lane}: .*bits in", block(
            lane, full + "0" * 32), "bad stream")
        yield one_block(f"lane-{lane}-set-padding", rf"lane {lane}: .*not zero", block(
            lane, full[:-1] + "1"), "bad stream")
    yield one_block("lane-0-a-word-too-few", "lane 0: ", block(0, texts[0][:32 * 2]), "bad stream")
    yield one_block("lane-0-ones", "lane 0: ", block(0, "1" * 128), "bad stream")
    yield one_block("lane-9-no-words", "lane ", block(9, ""), "bad stream")
    yield one_block("lane-9-zeros", "lane |decoded", block(9, "0" * 32), "bad stream")
    good = coded(LANES)
    for name, words, data in (
            ("bytes-behind", "bytes behind the last tail", good + bytes(4)),
            ("cut-by-a-word", "tails needs|rows needs", good[:-4]),
            ("empty", "lane header", b""),
            ("header-padding", "padding", written(good, (31, b"\1"))),
            ("rows-2-24", "rows needs", written(good, (0, b"\xff\xff\xff"))),
            ("16-extra-bits", "more than 15", written(good, (3, b"\x10")))):
        yield one_block(f"block-{name}", words, data, "bad block")
    wrong = coded([LANES[0], [98, (15, 16)]] + LANES[2:])
    yield one_block("block-of-other-content", "decoded bytes", wrong, "bad decoded hash")


ALL = (models, names, segment_headers, lanes, words_and_padding)
