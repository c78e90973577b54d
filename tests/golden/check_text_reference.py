#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tool and the reference decoder agree on a corpus of n-gram text: check_text_reference.py GRAMZIP [--corpus DIR].

An archive that the reference decodes gives the same content; one that it refuses is refused, at the same section and
block and with the same status. Exit code 77 (skipped) while the tool does not know codec 3.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import text_corpus
from text_corpus import Outcome, read_outcome
from xxh3 import xxh3_128

SKIPPED = 77
TIMEOUT = 60
STATUS_TEXT = {
    "bad coded hash": "the hash of its coded bytes does not match",
    "bad block": "(its layout contradicts its size|its padding is not zero)",
    "bad stream": "a code stream does not end where it should",
    "bad decoded hash": "the hash of its decoded bytes does not match"}


def run(tool: str, archive: pathlib.Path, models: list[pathlib.Path]) -> subprocess.CompletedProcess:
    given = [argument for model in models for argument in ("-D", str(model))]
    return subprocess.run([tool, "cat", str(archive), *given], capture_output=True, timeout=TIMEOUT)


def difference(outcome: Outcome, done: subprocess.CompletedProcess) -> str:
    """What the tool did otherwise than the reference; empty if nothing."""
    message = done.stderr.decode(errors="replace").strip()
    if done.returncode not in (0, 1) or "runtime error" in message or "Sanitizer" in message:
        return f"exit code {done.returncode}: {message[-2000:]}"
    if outcome.result == "ok":
        if done.returncode:
            return f"refused: {message}"
        return "" if f"{xxh3_128(done.stdout):032x}" == outcome.content else "other content"
    if not done.returncode:
        return "accepted"
    if outcome.section.isdigit() and not re.search(rf"section {outcome.section}\b", message):
        return f"not at section {outcome.section}: {message}"
    if outcome.block and not re.search(rf"block {outcome.block}\b", message):
        return f"not at block {outcome.block}: {message}"
    if outcome.status and not re.search(STATUS_TEXT[outcome.status], message):
        return f"another status: {message}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool")
    parser.add_argument("--corpus", type=pathlib.Path, help="a corpus that text_corpus.py wrote")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.corpus or pathlib.Path(temporary)
        if not options.corpus:
            text_corpus.write_corpus(folder, seed=1, count=20)
        return check(options.tool, folder)


def check(tool: str, folder: pathlib.Path) -> int:
    plain = run(tool, folder / "plain.grz", [])
    if plain.returncode and b"does not know" in plain.stderr:
        print(f"skipped: {plain.stderr.decode().strip()}")
        return SKIPPED
    checked = skipped = wrong = 0
    for path in sorted(folder.glob("*.grz")):
        outcome = read_outcome(path.with_suffix(".txt"))
        models = sorted(folder.glob(f"{path.stem}.*.grm"))
        try:
            done = run(tool, path, models)
            if models and done.returncode not in (0, 1) and b"-D" in done.stderr:
                skipped += 1
                continue
            what = difference(outcome, done)
        except subprocess.TimeoutExpired:
            what = f"no end within {TIMEOUT} s"
        checked += 1
        if what:
            wrong += 1
            print(f"{path.name}: {what}\n  reference: {outcome.reason or outcome.result}")
    print(f"{checked} archives: {wrong} differ" + (f"; {skipped} skipped: no option -D" if skipped else ""))
    return 1 if wrong or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
