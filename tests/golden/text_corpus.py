#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes archives of n-gram text, valid and malformed, with the outcome that the reference decoder gives.

    text_corpus.py DIR [--seed N] [--random COUNT] [--wide]

Each NAME.grz has a NAME.txt: lines of `key: value` (see Outcome), and NAME.0.grm and so on where it needs
models from outside. The same arguments give the same files. --wide adds models of the greatest size, which the
reference takes minutes for; their outcome is the one that their forger states.
"""
import argparse
import pathlib
import random
import re
import sys
from dataclasses import dataclass

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "reference"))
import forge_blocks  # noqa: E402
import forge_model  # noqa: E402
import forge_text  # noqa: E402
from check import FormatError  # noqa: E402
from decoder import decode  # noqa: E402
from model_writer import write_model  # noqa: E402
from text_random import random_archive  # noqa: E402
from xxh3 import xxh3_128  # noqa: E402


@dataclass
class Outcome:
    """What a reader makes of an archive. `section` and `block` are those of the first error."""
    result: str                # ok or fail
    content: str = ""          # XXH3-128 of the content
    section: str = ""          # its ordinal, or "trailer" or "model" (a .grm file)
    block: str = ""
    status: str = ""           # of the block
    blocks: str = ""           # the statuses of all blocks of the segment
    reason: str = ""           # the reference's words

    def text(self) -> str:
        return "".join(f"{key}: {value}\n" for key, value in vars(self).items() if value)


def read_outcome(path: pathlib.Path) -> Outcome:
    return Outcome(**dict(line.split(": ", 1) for line in path.read_text().splitlines()))


def outcome_of(archive: bytes, models: list[bytes]) -> Outcome:
    """The reference's outcome."""
    try:
        content = b"".join(member.content for member in decode(archive, models))
        return Outcome("ok", f"{xxh3_128(content):032x}")
    except FormatError as error:
        place = error.place
        section = re.search(r"section (\d+)", place) or re.match("(model)", place)
        block = re.search(r"block (\d+)", place)
        return Outcome("fail", "", section[1] if section else "", block[1] if block else "",
                       error.status or "", ", ".join(status or "ok" for status in error.blocks),
                       str(error))


class Corpus:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, archive: bytes, models: list[bytes], outcome: Outcome):
        (self.folder / f"{name}.grz").write_bytes(archive)
        for number, model in enumerate(models):
            (self.folder / f"{name}.{number}.grm").write_bytes(model)
        (self.folder / f"{name}.txt").write_text(outcome.text())

    def valid(self, name: str, archive: bytes, content: bytes, models: list[bytes]):
        outcome = outcome_of(archive, models)
        assert outcome.content == f"{xxh3_128(content):032x}", (name, outcome)
        self.add(name, archive, models, outcome)

    def malformed(self, case: forge_text.Case):
        outcome = outcome_of(case.archive, case.models)
        assert outcome.result == "fail" and re.search(case.words, outcome.reason), (case.name, outcome)
        self.add(case.name, case.archive, case.models, outcome)


def wide(corpus: Corpus):
    for case in forge_text.models(forge_model.wide_cases()):
        corpus.add(case.name, case.archive, [],
                   Outcome("fail", section="1", reason="the decoder's tables have more than 2^21 entries"))
    archive = forge_text.archive_of(forge_model.wide_tables(30))
    corpus.add("tables-of-30-classes-fit", archive, [], Outcome(
        "fail", section="2", block="0", status="bad stream", reason="a segment of another model"))


def write_corpus(folder: pathlib.Path, seed: int, count: int, with_wide: bool = False):
    corpus = Corpus(folder)
    for name, archive, content in forge_blocks.good_archives():
        corpus.valid(name, archive, content, [])
    corpus.valid("plain", forge_text.archive_of(forge_text.MODEL), forge_text.CONTENT, [])
    most = forge_text.archive_of(write_model(forge_model.many_strings(32757)))
    corpus.add("strings-of-as-many-bytes-as-allowed", most, [], outcome_of(most, []))
    for number in range(count):
        corpus.valid(f"random-{number:03}", *random_archive(random.Random(seed + number)))
    for cases in (*forge_text.ALL, *forge_blocks.ALL):
        for case in cases():
            corpus.malformed(case)
    if with_wide:
        wide(corpus)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--random", type=int, default=40)
    parser.add_argument("--wide", action="store_true")
    options = parser.parse_args()
    write_corpus(options.folder, options.seed, options.random, options.wide)


if __name__ == "__main__":
    main()
