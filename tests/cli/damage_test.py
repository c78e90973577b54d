# SPDX-License-Identifier: Apache-2.0
"""Damaged and truncated archives: every flip is noticed, and the message names segment and block."""
import random
import re

from grz import Case, bf16, checkpoint, main, noise, text

import forge  # found by grz


class Flips(Case):
    def test_messages_name_segment_and_block(self):
        archive = self.pack(text(3_000_000))
        layout = forge.Layout(archive)
        rng = random.Random(7)
        for (section, block), (_, at, size) in layout.blocks.items():
            damaged = bytearray(archive)
            damaged[at + rng.randrange(size)] ^= 1 << rng.randrange(8)
            says = f"segment section {section} (archive offset {layout.sections[section][1]}, content offset "
            result = self.run_tool("-t", stdin=bytes(damaged), code=1, says=says)
            self.assertIn(f"), block {block}: the hash of its coded bytes does not match; ", result.stderr.decode())
            self.assertEqual(result.stderr.count(b"\n"), 1)

    def test_every_flip_is_noticed(self):
        content = checkpoint([("w", "BF16", [3000], bf16(3000)), ("n", "U8", [500], noise(500))])
        archive = self.pack(content)
        self.write("x.grz", archive)
        rng = random.Random(3)
        places = set(range(0, 256)) | set(range(len(archive) - 128, len(archive)))
        places |= set(rng.sample(range(len(archive)), 300))
        for at in sorted(places):
            damaged = bytearray(archive)
            damaged[at] ^= 1 << rng.randrange(8)
            result = self.run_tool("-dc", stdin=bytes(damaged), code=1)
            self.assertEqual(result.stderr.count(b"\n"), 1, at)
            self.assertTrue(content.startswith(result.stdout), at)

    def test_no_output_of_a_damaged_archive(self):
        archive = bytearray(self.pack(text(2_500_000)))
        archive[len(archive) - 300_000] ^= 1
        self.write("x.grz", bytes(archive))
        self.run_tool("-d", "x.grz", code=1, says="block")
        self.assertEqual(self.names(), ["x.grz"])

    def test_members_before_the_damage_are_kept(self):
        for n in ("a", "b", "c"):
            self.write("d/" + n, noise(2_000_000, seed=ord(n)))
        self.run_tool("-r", "d", "-o", "x.grz", "--rm")
        archive = bytearray(self.read("x.grz"))
        archive[5_000_000] ^= 1
        self.write("x.grz", bytes(archive))
        self.run_tool("-d", "x.grz", code=1, says="block")
        self.assertEqual(self.names(), ["d/a", "d/b", "x.grz"])
        self.assertEqual(self.read("d/b"), noise(2_000_000, seed=ord("b")))

    def test_random_access_notices_damage_only_where_it_reads(self):
        data = text(3_000_000)
        archive = self.pack(data)
        layout = forge.Layout(archive)
        last = max(layout.blocks)
        damaged = bytearray(archive)
        damaged[layout.blocks[last][1]] ^= 1
        self.write("x.grz", bytes(damaged))
        self.assertEqual(self.run_tool("get", "x.grz", "--bytes", "10:5000").stdout, data[10:5000])
        self.run_tool("get", "x.grz", "--bytes", "2999990:3000000", code=1, says=f"block {last[1]}")


class Truncations(Case):
    def test_every_truncation_is_noticed(self):
        data = text(400_000)
        archive = self.pack(data)
        rng = random.Random(5)
        cuts = list(range(1, 140)) + rng.sample(range(len(archive)), 60) + [len(archive) - n for n in (1, 64, 127, 128, 129)]
        for cut in cuts:
            result = self.run_tool("-dc", stdin=archive[:cut], code=1)
            if cut >= 8:
                self.assertRegex(result.stderr.decode(), "truncated", cut)
            self.assertTrue(data.startswith(result.stdout))

    def test_truncated_files_leave_nothing(self):
        archive = self.pack(text(2_000_000))
        for cut in (200, len(archive) // 2, len(archive) - 1):
            self.write("x.grz", archive[:cut])
            for args in (["-d"], ["-t"], ["-l"], ["get", "--bytes", "0:9"]):
                result = self.run_tool(*args, "x.grz", code=1)
                self.assertTrue(re.match(rb"gramzip: x.grz: .*truncated", result.stderr), result.stderr)
            self.assertEqual(self.names(), ["x.grz"])

    def test_bytes_behind_the_archive(self):
        archive = self.pack(b"abc" * 100)
        for tail in (b"x", bytes(128), noise(500)):
            result = self.run_tool("-dc", stdin=archive + tail, code=1, says="bytes after the archive")
            self.assertEqual(result.stdout, b"abc" * 100)


if __name__ == "__main__":
    main()
