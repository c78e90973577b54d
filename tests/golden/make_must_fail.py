#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes v1/must_fail: archives whose hashes fit and which break one rule that no later release will relax.

Each NAME.grz has a NAME.txt with the words that gramzip's error must hold. Run once; the archives are kept.
"""
import pathlib
import sys
from struct import pack

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "reference"))
from encoder import encode  # noqa: E402
from forge import Layout, edited  # noqa: E402

TEXT = b"the cat sat on the mat. " * 42


def main():
    whole = encode([("hi.txt", 0o644, 0, TEXT)])
    layout = Layout(whole)
    members, segment, index = (layout.find(kind) for kind in (1, 2, 3))
    record, data, size = layout.blocks[1, 0]
    cases = {
        "version-2": ("version 2", (8, b"\2")),
        "feature-31": ("31", (15, b"\x80")),
        "section-type-9": ("type", (segment[0] + 4, b"\x09")),
        "codec-255": ("codec", (segment[1], b"\xff")),
        "absolute-name": ("name", (members[1] + 16, b"/")),
        "block-mode-4": ("mode", (record, b"\4")),
        "bad-kraft-sum": ("table", (segment[1] + 64 + 4, b"\3")),
        "bad-stream": ("block 0", (data + size - 4, b"\xff\xff\xff\xff")),
        "bad-decoded-hash": ("block 0", (record + 16, b"\0")),
        "wrong-archive-size": ("trailer", (layout.trailer + 16, b"\0")),
        "wrong-member-size": ("index", (index[1] + 16 + 96 + 8, b"\1")),
        "no-segment-data": ("padding", (segment[0] + 24, pack("<Q", 0))),
    }
    folder = HERE / "v1" / "must_fail"
    folder.mkdir(exist_ok=True)
    for name, (words, *edits) in cases.items():
        (folder / f"{name}.grz").write_bytes(edited(whole, layout, *edits))
        (folder / f"{name}.txt").write_text(words + "\n")
    (folder / "truncated.grz").write_bytes(whole[:-1])
    (folder / "truncated.txt").write_text("truncated\n")


if __name__ == "__main__":
    main()
