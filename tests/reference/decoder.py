#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reference decoder of the gramzip archive format, written from docs/format.md alone.

    decoder.py ARCHIVE [MODEL.grm ...]          one line of JSON for each member
    decoder.py ARCHIVE [MODEL.grm ...] -o DIR   the same, and writes the members under DIR
    decoder.py ARCHIVE --base FILE              of a delta; FILE is what it is against, as it is

It reads a whole archive into memory, checks all that the format demands, and is made to be read,
not to be fast. decode(data) returns the members or raises FormatError, which names the place.
"""
import argparse
import json
import os
import sys
from collections import namedtuple
from pathlib import Path
from struct import pack, unpack

from check import FormatError, need, need_zero, round_up, take
from members import KINDS, Member, check_announced, read_members
from model import split_grm
from model_parts import Model
from reference import REFERENCE, Earlier, read_reference, resolve
from segment import Segment, decode_segment
from xxh3 import xxh3_64, xxh3_128

HEADER_MAGIC = b"\x89GRZ\r\n\x1a\n"
SECTION_MAGIC = b"GZS\x01"
TRAILER_MAGIC = b"GRZEND\r\n"
FEATURES = {0: "lossy", 1: "delta", 2: "model", 3: "reference"}
DELTA_FEATURE, MODEL_FEATURE, REFERENCE_FEATURE = 1, 2, 3
MEMBERS, SEGMENT, INDEX, MODEL, NOTE = 1, 2, 3, 4, 6
TYPES = {MEMBERS: "members", SEGMENT: "segment", INDEX: "index", MODEL: "model", NOTE: "note"}
RESERVED_TYPES = {5: "tensor directory"}
LAST_MODELS = 8

Section = namedtuple("Section", "type meta data content_offset hash size place")
Entry = namedtuple("Entry", "offset size content_offset carried hash type")


def decode(data, models=(), base=None):
    """The members of a file, which is one archive or more. Names are text, kinds are 0 to 4.
    `models` are files .grm, for archives that do not hold their models; `base` is what deltas are
    against."""
    data = bytes(data)
    need(data, "byte 0", "the file is empty")
    own_models = {}
    for number, grm in enumerate(models):
        model, name = split_grm(grm, f"model {number}")
        own_models[name] = Model(model, f"model {number}")
    members = []
    at = number = 0
    while at < len(data):
        size, more = Archive(data[at:], f"archive {number}", own_models, base).decode()
        members += more
        at += size
        number += 1
    return members


class Archive:
    """One archive at the start of `data`."""

    def __init__(self, data, place, own_models, base):
        self.data, self.place, self.own_models, self.base = data, place, own_models, base
        self.content = bytearray()
        self.announced = []
        self.models = []  # (name, model), the last ones
        self.entries = []
        self.segments = []

    def decode(self):
        """(size of the archive, its members)"""
        self.check_header()
        at = 128
        while True:
            section = self.read_section(at)
            if section.type == INDEX:
                break
            before = len(self.content)
            {MEMBERS: self.read_members, MODEL: self.read_model,
             SEGMENT: self.read_segment, NOTE: self.read_note}[section.type](section)
            self.entries.append(Entry(at, section.size, before, len(self.content) - before,
                                      section.hash, section.type))
            at += section.size
        members = self.split_content()
        self.check_index(section, members)
        self.check_trailer(section, at)
        return at + section.size + 128, members

    # ---- header ----

    def check_header(self):
        place = f"{self.place}, header"
        head = take(self.data, 0, 128, place, "the header")
        need(head[:8] == HEADER_MAGIC, place, "not a gramzip archive (magic)")
        version, zero, features, window, zero64 = unpack("<HHIQQ", head[8:32])
        need(version == 1, place, f"version {version}")
        check_hash(head, 120, place)
        need(zero == 0 and zero64 == 0, place, "zero field")
        for bit in range(32):
            need(not features >> bit & 1 or bit in FEATURES, place, f"feature {bit} is unknown")
        self.features = features
        need(window == 0 or self.has(REFERENCE_FEATURE), place, "reference window without the feature")
        self.window = window if self.has(REFERENCE_FEATURE) else None
        need_zero(head[56:120], place, "zero field")
        if not self.has(DELTA_FEATURE):
            self.base = None
            need_zero(head[32:56], place, "base without the feature")
            return
        size, = unpack("<Q", head[48:56])
        need(self.base is not None, place, f"needs a base of {size} bytes")
        need(len(self.base) == size, place, f"the base has {len(self.base)} bytes, not {size}")
        need(stored_128(self.base) == head[32:48], place, "hash of the base")

    def has(self, feature):
        return self.features >> feature & 1

    # ---- sections ----

    def read_section(self, at):
        """The section at `at`, its hashes checked."""
        place = f"{self.place}, section {len(self.entries)} at {at}"
        need(self.data[at:at + 8] != TRAILER_MAGIC, place, "trailer without an index")
        head = take(self.data, at, 64, place, "a section header")
        need(head[:4] == SECTION_MAGIC, place, "magic of a section")
        kind, ordinal, meta_bytes, data_bytes, offset, meta_hash, zero, head_hash = unpack(
            "<4xB3xQQQQQQQ", head)
        check_hash(head, 56, place)
        need_zero(head[5:8], place, "zero field")
        need(zero == 0, place, "zero field")
        need(kind not in RESERVED_TYPES, place, f"type {kind} ({RESERVED_TYPES.get(kind)}) is reserved")
        need(kind in TYPES, place, f"unknown type {kind}")
        place += f" ({TYPES[kind]})"
        need(ordinal == len(self.entries), place, f"ordinal {ordinal}")
        need(offset == len(self.content), place, f"content offset {offset}")
        need(data_bytes % 32 == 0, place, "data_bytes is not a multiple of 32")
        need(kind == SEGMENT or data_bytes == 0, place, "only segments have data")

        meta_end = at + 64 + meta_bytes
        data_at = round_up(meta_end, 32)
        end = round_up(data_at + data_bytes, 128)
        take(self.data, at, end - at, place, "the section")
        meta = self.data[at + 64:meta_end]
        need(xxh3_64(meta) == meta_hash, place, "hash of meta")
        need_zero(self.data[meta_end:data_at], place, "padding behind meta")
        need_zero(self.data[data_at + data_bytes:end], place, "padding behind data")
        return Section(kind, meta, self.data[data_at:data_at + data_bytes], offset, head_hash,
                       end - at, place)

    def read_members(self, section):
        for member in read_members(section, len(self.announced)):
            check_announced(member, self.announced, section.content_offset)
            self.announced.append(member)

    def read_model(self, section):
        model = Model(section.meta, section.place)
        self.models = self.models[1 - LAST_MODELS:] + [(stored_128(section.meta), model)]

    def read_note(self, section):
        need(1 <= len(section.meta) <= 16 << 20, section.place, f"a note of {len(section.meta)} bytes")

    def read_segment(self, section):
        need(self.announced, section.place, "content without a member")
        before = len(self.content)
        if section.meta[:1] == bytes([REFERENCE]):
            need(not section.data, section.place, "data of a reference")
            segment = read_reference(section.meta, section.place)
            self.content += resolve(segment, self.content, self.segments, self.window, self.base,
                                    section.place)
        else:
            segment = Segment(section.meta, section.place)
            self.decode_blocks(segment, section)
        self.segments.append(Earlier(before, len(self.content), section.meta[0], segment.element))

    def decode_blocks(self, segment, section):
        model = self.find_model(segment.model_name, section.place) if segment.model_name else None
        self.content += decode_segment(segment, section.data, model, section.place)

    def find_model(self, name, place):
        """One of the last models of the archive, or with feature 2 one of the reader's own."""
        known = (self.own_models if self.has(MODEL_FEATURE) else {}) | dict(self.models)
        need(name in known, place, f"there is no model {name.hex()}")
        return known[name]

    def split_content(self):
        """The members, cut out of the content."""
        starts = [member.start for member in self.announced] + [len(self.content)]
        members = []
        for member, end in zip(self.announced, starts[1:]):
            need(member.start <= end, member.place, "starts behind the end of the content")
            members.append(Member(member.name.decode("utf-8", "surrogateescape"), member.mode,
                                  member.kind, bytes(self.content[member.start:end])))
        return members

    # ---- index and trailer ----

    def check_index(self, section, members):
        meta, place = section.meta, section.place
        sections, count = unpack("<QQ", take(meta, 0, 16, place, "the counts"))
        need(sections == len(self.entries), place, f"section_count {sections}")
        need(count == len(members), place, f"member_count {count}")
        need(len(meta) == 16 + 48 * sections + 32 * count, place, "size of meta")
        at = 16
        for number, entry in enumerate(self.entries):
            need(meta[at:at + 48] == pack("<QQQQQB7x", *entry), place, f"entry of section {number}")
            at += 48
        for number, (member, known) in enumerate(zip(members, self.announced)):
            entry = pack("<QQ", known.start, len(member.content)) + stored_128(member.content)
            need(meta[at:at + 32] == entry, place, f"entry of member {number}")
            at += 32

    def check_trailer(self, index, index_at):
        at = index_at + index.size
        place = f"{self.place}, trailer at {at}"
        tail = take(self.data, at, 128, place, "the trailer")
        need(tail[:8] == TRAILER_MAGIC, place, "magic (or a section behind the index)")
        check_hash(tail, 120, place)
        offset, size, content = unpack("<QQQ", tail[8:32])
        need(offset == index_at, place, "offset of the index")
        need(size == at + 128, place, f"size of the archive {size}")
        need(content == len(self.content), place, f"size of the content {content}")
        need(tail[32:48] == stored_128(bytes(self.content)), place, "hash of the content")
        need(tail[48:64] == stored_128(index.meta), place, "hash of the index")
        need_zero(tail[64:120], place, "zero field")


def check_hash(data, at, place):
    """The u64 at `at` is the hash of the bytes before it."""
    need(unpack("<Q", data[at:at + 8])[0] == xxh3_64(data[:at]), place, "hash of the header")


def stored_128(data):
    """XXH3-128 as archives store it: low 64 bits first."""
    return xxh3_128(data).to_bytes(16, "little")


# ---- command line ----

def describe(member):
    return {"name": member.name, "size": len(member.content), "kind": KINDS[member.kind],
            "xxh3_128": f"{xxh3_128(member.content):032x}"}


def write(member, folder):
    """Writes a member; a file that exists is an error. The member without a name is "content"."""
    path = os.path.join(folder, *(member.name or "content").split("/"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "xb") as file:
        file.write(member.content)
    os.chmod(path, member.mode & 0o777)  # never set-user-id and the like


def main():
    parser = argparse.ArgumentParser(description="Reference decoder of the gramzip archive format")
    parser.add_argument("archive")
    parser.add_argument("models", nargs="*", help="models (.grm) that the archive does not hold")
    parser.add_argument("--base", metavar="FILE", help="what a delta is against")
    parser.add_argument("-o", metavar="DIR", help="write the members under DIR")
    options = parser.parse_args()
    try:
        archive, *models = (Path(name).read_bytes() for name in [options.archive, *options.models])
        base = Path(options.base).read_bytes() if options.base else None
        members = decode(archive, models, base)
        for member in members:
            print(json.dumps(describe(member)))
            if options.o is not None:
                write(member, options.o)
    except (FormatError, OSError) as error:
        print(f"decoder: {options.archive}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
