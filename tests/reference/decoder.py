#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reference decoder of the gramzip archive format, written from docs/format.md alone.

    decoder.py ARCHIVE          one line of JSON for each member
    decoder.py ARCHIVE -o DIR   the same, and writes the members under DIR

It reads a whole archive into memory, checks all that the format demands, and is made to be read,
not to be fast. decode(data) returns the members or raises FormatError, which names the place.
"""
import argparse
import json
import os
import sys
from collections import namedtuple
from struct import pack, unpack

from check import FormatError, need, need_zero, round_up, take
from segment import Segment, decode_segment
from xxh3 import xxh3_64, xxh3_128

HEADER_MAGIC = b"\x89GRZ\r\n\x1a\n"
SECTION_MAGIC = b"GZS\x01"
TRAILER_MAGIC = b"GRZEND\r\n"
FEATURES = {0: "lossy", 1: "delta", 2: "model", 3: "reference"}
MEMBERS, SEGMENT, INDEX = 1, 2, 3
TYPES = {MEMBERS: "members", SEGMENT: "segment", INDEX: "index"}
RESERVED_TYPES = {4: "model", 5: "tensor directory"}
KINDS = {0: "plain", 1: "safetensors"}
MAX_MEMBERS_META = 1 << 20
MAX_NAME = 4096

Member = namedtuple("Member", "name mode kind content")
Announced = namedtuple("Announced", "start mode kind name place")
Section = namedtuple("Section", "type meta data content_offset hash size place")
Entry = namedtuple("Entry", "offset size content_offset carried hash type")


def decode(data):
    """The members of a file, which is one archive or more. Names are text, kinds are 0 or 1."""
    data = bytes(data)
    need(data, "byte 0", "the file is empty")
    members = []
    at = number = 0
    while at < len(data):
        size, more = Archive(data[at:], f"archive {number}").decode()
        members += more
        at += size
        number += 1
    return members


class Archive:
    """One archive at the start of `data`."""

    def __init__(self, data, place):
        self.data, self.place = data, place
        self.content = bytearray()
        self.announced = []
        self.entries = []

    def decode(self):
        """(size of the archive, its members)"""
        self.check_header()
        at = 128
        while True:
            section = self.read_section(at)
            if section.type == INDEX:
                break
            before = len(self.content)
            if section.type == MEMBERS:
                self.read_members(section)
            else:
                self.read_segment(section)
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
            if features >> bit & 1:
                name = FEATURES.get(bit)
                raise FormatError(place, f"feature {bit} " + (f"({name}) is not supported" if name
                                                             else "is unknown"))
        need(window == 0, place, "reference window without the feature")
        need_zero(head[32:120], place, "base or zero field")

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
        meta = section.meta
        need(16 <= len(meta) <= MAX_MEMBERS_META, section.place, f"{len(meta)} bytes of meta")
        at = 0
        while at < len(meta):
            place = f"{section.place}, member {len(self.announced)}"
            start, mode, kind, zero, name_bytes = unpack("<QIBBH", take(meta, at, 16, place, "a record"))
            need(mode <= 0o7777, place, f"permission bits {mode:o}")
            need(kind in KINDS, place, f"unknown kind {kind}")
            need(zero == 0, place, "zero field")
            need(name_bytes <= MAX_NAME, place, f"name of {name_bytes} bytes")
            name = take(meta, at + 16, name_bytes, place, "the name")
            end = round_up(at + 16 + name_bytes, 8)
            padding = take(meta, at + 16 + name_bytes, end - at - 16 - name_bytes, place, "padding")
            need_zero(padding, place, "padding")
            self.announce(Announced(start, mode, kind, name, place), section.content_offset)
            at = end

    def announce(self, member, content_offset):
        last = self.announced[-1].start if self.announced else None
        need(last is not None or member.start == 0, member.place, "the first member starts behind 0")
        need(last is None or member.start >= last, member.place, "starts decrease")
        need(member.start >= content_offset, member.place, "starts before its section")
        if member.name:
            need(b"\0" not in member.name, member.place, "NUL in the name")
            for part in member.name.split(b"/"):
                need(part not in (b"", b".", b".."), member.place, "a part of the name is empty, . or ..")
        self.announced.append(member)
        need(len(self.announced) == 1 or (self.announced[0].name and member.name), member.place,
             "empty name of one of several members")

    def read_segment(self, section):
        need(self.announced, section.place, "content without a member")
        segment = Segment(section.meta, section.place)
        self.content += decode_segment(segment, section.data, section.place)

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
    parser.add_argument("-o", metavar="DIR", help="write the members under DIR")
    options = parser.parse_args()
    try:
        with open(options.archive, "rb") as file:
            members = decode(file.read())
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
