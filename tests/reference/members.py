# SPDX-License-Identifier: Apache-2.0
"""Members sections (section 2.3 of docs/format.md)."""
from collections import namedtuple
from struct import unpack

from check import need, need_zero, round_up, take

KINDS = {0: "plain", 1: "safetensors", 2: "npy", 3: "zip", 4: "gguf"}
MAX_MEMBERS_META = 1 << 20
MAX_NAME = 4096

Member = namedtuple("Member", "name mode kind content")
Announced = namedtuple("Announced", "start mode kind name place")


def read_members(section, first):
    """Yields the records of a members section, numbered from `first`."""
    meta = section.meta
    need(16 <= len(meta) <= MAX_MEMBERS_META, section.place, f"{len(meta)} bytes of meta")
    at, number = 0, first
    while at < len(meta):
        place = f"{section.place}, member {number}"
        start, mode, kind, zero, name_bytes = unpack("<QIBBH", take(meta, at, 16, place, "a record"))
        need(mode <= 0o7777, place, f"permission bits {mode:o}")
        need(kind in KINDS, place, f"unknown kind {kind}")
        need(zero == 0, place, "zero field")
        need(name_bytes <= MAX_NAME, place, f"name of {name_bytes} bytes")
        name = take(meta, at + 16, name_bytes, place, "the name")
        end = round_up(at + 16 + name_bytes, 8)
        padding = take(meta, at + 16 + name_bytes, end - at - 16 - name_bytes, place, "padding")
        need_zero(padding, place, "padding")
        yield Announced(start, mode, kind, name, place)
        at, number = end, number + 1


def check_announced(member, before, content_offset):
    """A member against the members before it and the content offset of its section."""
    last = before[-1].start if before else None
    need(last is not None or member.start == 0, member.place, "the first member starts behind 0")
    need(last is None or member.start >= last, member.place, "starts decrease")
    need(member.start >= content_offset, member.place, "starts before its section")
    if member.name:
        need(b"\0" not in member.name, member.place, "NUL in the name")
        for part in member.name.split(b"/"):
            need(part not in (b"", b".", b".."), member.place, "a part of the name is empty, . or ..")
    need(not before or (before[0].name and member.name), member.place,
         "empty name of one of several members")
