#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of n-gram text and models: python3 -m unittest test_text (in tests/reference)."""
import os
import random
import sys
import unittest
from collections import Counter
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import forge_blocks  # noqa: E402
import forge_text  # noqa: E402
import ngram  # noqa: E402
from check import FormatError  # noqa: E402
from decoder import decode  # noqa: E402
from forge import Layout, reseal  # noqa: E402
from forge_model import BASE, many_strings  # noqa: E402
from model_parts import Model  # noqa: E402
from model_random import random_spec  # noqa: E402
from model_writer import write_model  # noqa: E402
from text_random import random_archive, random_model, text_of  # noqa: E402
from text_writer import Coder, Parser, model_part, text_archive, text_segment  # noqa: E402


class Models(unittest.TestCase):
    def test_random(self):
        for seed in range(60):
            rng = random.Random(seed)
            spec = random_spec(rng, rng.choice((0, 1, 2, 40, 200)), rng.randint(1, 8), seed % 2 == 1)
            model = Model(write_model(spec, rng if seed % 3 else None), f"seed {seed}")
            self.assertEqual(model.pieces, spec.pieces())
            self.assertEqual(model.popularity, spec.popularity)
            self.assertEqual(model.class_of, spec.class_of)
            self.assertEqual([code.lengths for code in model.classes], spec.classes)
            self.assertEqual(model.global_code.lengths, dict(filter(
                lambda item: item[1], enumerate(spec.global_lengths))))

    def test_as_many_bytes_of_strings_as_allowed(self):
        Model(write_model(many_strings(32757)), "model")


class RoundTrip(unittest.TestCase):
    def test_random_archives(self):
        """Archives of random tokens; all kinds of tokens are met in the end."""
        met: Counter[str] = Counter()
        match = ngram.Lane.match

        def counting(lane, symbol, content, end):
            before = len(content)
            match(lane, symbol, content, end)
            met[f"place {symbol // 28}"] += 1
            met["overlapping"] += lane.last[0] < len(content) - before
            met["over 65536 back"] += lane.last[0] > 65536

        with mock.patch.object(ngram.Lane, "match", counting):
            for seed in range(30):
                archive, content, models = random_archive(random.Random(seed))
                member, = decode(archive, models)
                self.assertEqual(member.content, content, f"seed {seed}")
        for kind in ("place 0", "place 1", "place 2", "place 3", "place 4", "overlapping",
                     "over 65536 back"):
            self.assertGreater(met[kind], 10, kind)

    def test_parser(self):
        """Content of words by the greedy parser, with block sizes and lanes of every kind."""
        for seed, size in enumerate((1, 15, 16, 17, 511, 512, 513, 3000, 20000, 70000)):
            rng = random.Random(seed)
            spec, model = random_model(rng)
            content = text_of(rng, size)
            coder = Coder(spec)
            part = text_segment(coder, content, Parser(coder, content).lane, model, 16 + seed % 3)
            member, = decode(text_archive([model_part(model), part], content))
            self.assertEqual(member.content, content)

    def test_by_hand(self):
        for name, archive, content in forge_blocks.good_archives():
            member, = decode(archive)
            self.assertEqual(member.content, content, name)


class Refused(unittest.TestCase):
    def check(self, case):
        with self.assertRaisesRegex(FormatError, case.words, msg=case.name) as caught:
            decode(case.archive, case.models)
        self.assertEqual(caught.exception.status, case.status, case.name)
        if isinstance(case, forge_blocks.Blocks):
            self.assertEqual(caught.exception.blocks, case.blocks, case.name)

    def test_cases(self):
        decode(forge_text.archive_of(forge_text.MODEL))
        for cases in (*forge_text.ALL, *forge_blocks.ALL):
            for case in cases():
                with self.subTest(case.name):
                    self.check(case)

    def test_names_differ(self):
        names = Counter(case.name for cases in (*forge_text.ALL, *forge_blocks.ALL) for case in cases())
        self.assertEqual(max(names.values()), 1, names.most_common(3))


class Damage(unittest.TestCase):
    def test_every_bit_of_a_segment(self):
        """Behind the hashes no bit of a segment is free: another coding of the same bytes is the only
        change that is no error (here, a distance that is a multiple, and block_log2 of an only block)."""
        archive = forge_text.archive_of(forge_text.MODEL)
        layout = Layout(archive)
        _, meta, _, data = layout.find(2)
        refused = 0
        for at in [*range(meta, meta + 64 + 24), *range(data, layout.find(3)[0])]:
            for bit in range(8):
                forged = bytearray(archive)
                forged[at] ^= 1 << bit
                resealed = reseal(bytes(forged), layout)
                try:
                    member, = decode(resealed)
                    self.assertEqual(member.content, forge_text.CONTENT)
                    self.assertTrue(resealed == archive or at >= data or at == meta + 3, f"byte {at}")
                except FormatError:
                    refused += 1
        self.assertGreater(refused, 2000)

    def test_every_truncation_of_a_model(self):
        model = write_model(BASE)
        for size in range(len(model)):
            with self.assertRaises(FormatError):
                Model(model[:size], "model")

    def test_random_bits_of_a_model(self):
        """A damaged model is refused or read, but never a crash."""
        outcomes: Counter[bool] = Counter()
        for seed in range(300):
            rng = random.Random(seed)
            model = bytearray(write_model(BASE, rng))
            for _ in range(rng.choice((1, 1, 3))):
                model[rng.randrange(64, len(model))] ^= 1 << rng.randrange(8)
            try:
                Model(bytes(model), "model")
                outcomes[True] += 1
            except FormatError:
                outcomes[False] += 1
        self.assertGreater(outcomes[False], 100)


if __name__ == "__main__":
    unittest.main()
