#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the golden archives of n-gram text, text-*.grz, out of the corpus of text_corpus.py. Run once; they are kept.

In must_decode each has a .txt with the XXH3-128 of its content, in must_fail one with words of gramzip's error.
"""
import pathlib
import random

import text_corpus
import forge_blocks
import forge_text
from text_random import random_archive

HERE = pathlib.Path(__file__).resolve().parent
LIMIT = 4096
RANDOM = 8  # random archives of at most LIMIT bytes, the first that need no model from outside
MUST_FAIL = """
    string-in-itself strings-in-a-ring-of-12 string-of-33-parts string-doubled-40-times children-beyond-n
    children-of-a-string-to-come kraft-parts-over kraft-global-under kraft-class-over kraft-escape-under
    kraft-distance-over global-no-code-for-a-byte global-length-19 class-2-of-2 class-without-symbols popularity-21
    gap-beyond-the-last-rank-by-one gap-beyond-the-last-rank-by-2-31 distance-bucket-0 distance-length-11
    body-1-bit-left body-unused-bit-set model-stream-bytes-4-more stream-I-kraft-over stream-B-group-2-of-2
    stream-A-empty-table model-missing lane-match-at-the-start lane-match-longer-than-the-rest
    lane-repeat-4-empty
    """.split()


def main():
    cases = {case.name: case for group in (*forge_text.ALL, *forge_blocks.ALL) for case in group()}
    for name in MUST_FAIL:
        archive = cases[name].archive
        outcome = text_corpus.outcome_of(archive, [])
        assert outcome.result == "fail" and len(archive) <= LIMIT, (name, outcome, len(archive))
        write("must_fail", name, archive, f"block {outcome.block}" if outcome.block else "model")
    decodable = {name.removeprefix("text-"): (archive, content)
                 for name, archive, content in forge_blocks.good_archives()}
    seed = 0
    while len(decodable) < 3 + RANDOM:
        seed += 1
        archive, content, models = random_archive(random.Random(seed))
        if len(archive) <= LIMIT and not models:
            decodable[f"random-{seed}"] = archive, content
    for name, (archive, content) in decodable.items():
        outcome = text_corpus.outcome_of(archive, [])
        assert outcome.content == f"{text_corpus.xxh3_128(content):032x}" and len(archive) <= LIMIT
        write("must_decode", name, archive, outcome.content)


def write(drawer: str, name: str, archive: bytes, words: str):
    path = HERE / "v1" / drawer / f"text-{name}.grz"
    path.write_bytes(archive)
    path.with_suffix(".txt").write_text(words + "\n")


if __name__ == "__main__":
    main()
