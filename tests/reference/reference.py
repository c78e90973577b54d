# SPDX-License-Identifier: Apache-2.0
"""Segments that stand for bytes elsewhere (section 15 of docs/format.md)."""
from collections import namedtuple
from struct import unpack

from check import need, need_zero
from segment import ELEMENTS, NGRAM_TEXT
from xxh3 import xxh3_128

REFERENCE = 6

Reference = namedtuple("Reference", "element size at of_base hash")
Earlier = namedtuple("Earlier", "start end codec element")


def read_reference(meta, place):
    """The segment header of codec 6, which is all of its meta."""
    need(len(meta) == 64, place, "size of meta")
    need(meta[1] == 0, place, f"word order {meta[1]}")
    need(meta[2] in ELEMENTS, place, f"unknown element type {meta[2]}")
    need_zero(meta[3:16], place, "segment header: blocks or tables of a reference")
    size, at = unpack("<QQ", meta[16:32])
    need(1 <= size <= 1 << 24, place, f"decoded_bytes {size}")
    need(size % (ELEMENTS[meta[2]][1] // 8) == 0, place, "decoded_bytes splits an element")
    need_zero(meta[48:51], place, "segment header: zero field")
    need(meta[51] <= 1, place, f"{meta[51]} at 51")
    need_zero(meta[52:64], place, "segment header: zero field")
    return Reference(meta[2], size, at, meta[51] == 1, meta[32:48])


def resolve(reference, content, segments, window, base, place):
    """The bytes. content and segments: those before; window: None without feature 3; base: None
    without feature 1."""
    start, end = reference.at, reference.at + reference.size
    if reference.of_base:
        need(base is not None, place, "a reference to the base without feature 1")
        need(end <= len(base), place, "a reference behind the end of the base")
        found = base[start:end]
    else:
        need(window is not None, place, "a reference without feature 3")
        need(end <= len(content), place, "a reference to what is not before it")
        need(len(content) - start <= window, place, "a reference beyond the window")
        whole = [e for e in segments if e.start <= start and end <= e.end]
        need(whole, place, "a reference to several segments")
        need(whole[0].codec != REFERENCE, place, "a reference to a reference")
        need(whole[0].codec != NGRAM_TEXT, place, "a reference to text with a model")
        need(whole[0].element == reference.element, place, "a reference to another element type")
        found = bytes(content[start:end])
    need(xxh3_128(found).to_bytes(16, "little") == reference.hash, place, "hash of a reference")
    return found
