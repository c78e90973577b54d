# SPDX-License-Identifier: Apache-2.0
"""Repairs the hashes of an edited archive, so that a test reaches the checks behind the hashes.

The hashes of the content (decoded bytes, members, content) stay as they are.
"""
from struct import pack_into, unpack_from

from xxh3 import xxh3_64, xxh3_128

MEMBERS, SEGMENT, INDEX = 1, 2, 3


class Layout:
    """Where things are in an archive of one content, as its encoder wrote it."""

    def __init__(self, archive):
        self.sections = []  # (type, offset, offset of meta, its end, offset of data)
        at = 128
        while archive[at:at + 4] == b"GZS\x01":
            kind, = unpack_from("<B", archive, at + 4)
            meta_bytes, data_bytes = unpack_from("<QQ", archive, at + 16)
            data_at = (at + 64 + meta_bytes + 31) // 32 * 32
            self.sections.append((kind, at, at + 64, at + 64 + meta_bytes, data_at))
            at = (data_at + data_bytes + 127) // 128 * 128
        self.trailer = at
        self.blocks = {}  # (section, block): (offset of its record, offset of its data, coded_bytes)
        for number, (kind, _, meta, _, data_at) in enumerate(self.sections):
            if kind == SEGMENT:
                self.find_blocks(archive, number, meta, data_at)

    def find_blocks(self, archive, number, meta, at):
        count, table_bytes = unpack_from("<II", archive, meta + 8)
        record = meta + 64 + (table_bytes + 7) // 8 * 8
        for block in range(count):
            size, = unpack_from("<I", archive, record + 4)
            self.blocks[number, block] = record, at, size
            record += 24
            at += (size + 31) // 32 * 32

    def find(self, kind):
        """(offset, offset of meta, its end, offset of data) of the first section of a type."""
        return next(section[1:] for section in self.sections if section[0] == kind)


def reseal(archive, layout):
    """The archive with the hashes of coded bytes, metas, headers and trailer made to fit."""
    out = bytearray(archive)
    seal(out, 0, 120)
    for record, at, size in layout.blocks.values():
        pack_into("<Q", out, record + 8, xxh3_64(bytes(out[at:at + size])))
    index = layout.find(INDEX)
    for number, (kind, at, meta, end, _) in enumerate(layout.sections):
        pack_into("<Q", out, at + 40, xxh3_64(bytes(out[meta:end])))
        seal(out, at, 56)
        if kind != INDEX:
            entry = index[1] + 16 + 48 * number + 32
            out[entry:entry + 8] = out[at + 56:at + 64]
    # The index is last, so its meta is hashed once more with the new entries.
    pack_into("<Q", out, index[0] + 40, xxh3_64(bytes(out[index[1]:index[2]])))
    seal(out, index[0], 56)
    digest = xxh3_128(bytes(out[index[1]:index[2]]))
    out[layout.trailer + 48:layout.trailer + 64] = digest.to_bytes(16, "little")
    seal(out, layout.trailer, 120)
    return bytes(out)


def seal(out, at, size):
    pack_into("<Q", out, at + size, xxh3_64(bytes(out[at:at + size])))


def edited(archive, layout, *edits):
    """The archive with (offset, bytes) written over it, resealed."""
    out = bytearray(archive)
    for at, data in edits:
        out[at:at + len(data)] = data
    return reseal(bytes(out), layout)
