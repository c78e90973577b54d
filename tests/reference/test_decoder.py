# SPDX-License-Identifier: Apache-2.0
"""Tests of the reference decoder: python3 -m unittest discover -s tests/reference"""
import os
import random
import subprocess
import sys
import tempfile
import unittest
from struct import pack

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from check import FormatError  # noqa: E402
from decoder import decode  # noqa: E402
from encoder import BF16, BYTES, F16, F32, F64, F8_E4M3, F8_E5M2, I16, I32, I64, TEXT, encode, package_merge  # noqa: E402
from forge import Layout, reseal  # noqa: E402
from test_forged import Forged  # noqa: E402, F401 (so that this module runs all tests)
from xxh3 import xxh3_64, xxh3_128  # noqa: E402

WORKED_EXAMPLE = os.path.join(HERE, "..", "golden", "v1", "must_decode", "worked_example.grz")
WORKED_MEMBERS = [("hi.txt", 0o644, 0, b"the cat sat on the mat. " * 42)]

# Length, XXH3-64, XXH3-128 of the first bytes of the buffer of xxHash's own sanity checks.
VECTORS = """
    0 2d06800538d394c2 99aa06d3014798d86001c324468d497f
    1 c44bdff4074eecdb a6cd5e9392000f6ac44bdff4074eecdb
    3 54247382a8d6b94d 20efc49ff02422ea54247382a8d6b94d
    6 27b56a84cd2d7325 082afe0b8162d12a3e7039bdda43cfc6
    8 24ccc9acaa9f65e4 47a7f080d82bb45664c69cab4bb21dc5
    9 14d5001c15dd3f2b 564ef6078950d457ed7ccbc501eb7501
    12 a713daf0dfbb77e7 6e3efd8fc7802b18061a192713f69ad9
    16 981b17d36c7498c9 c68c368ecf8a9c05562980258a998629
    17 796f5acd3a60f862 955fa78643ed3669abbc12d11973d7db
    24 a3fe70bf9d3510eb 0ce966e4678d37611e7044d28b1b901d
    48 397da259ecba1f11 a002ac4e5478227ef942219aed80f67b
    80 bcdefbbb2c47c90a fdf2cefde9eaac8a454ae6bf7a8a532d
    128 fcff24126754d861 39992220e045260aebb15e34a7fb5ab1
    129 98f1b0a679a2ca29 03815fc91f1b30b686c9e3bc8f0a3b5c
    195 cd94217ee362ec3a 7729543a26b207ee3fb593c086a66075
    240 81c3c2b67f568ccf aa4202daa2769dc85c9aae94c8ebe5a0
    241 c5a639ecd2030e5e 99a80ecf0ecfc647c5a639ecd2030e5e
    403 cdeb804d65c6dea4 1b6de21e332dd73dcdeb804d65c6dea4
    512 617e49599013cb6b 18d2d110dcc9bca1617e49599013cb6b
    1024 dd85c9b5c1109c5c 0d30d24071c64c57dd85c9b5c1109c5c
    1025 d870c0fa13211c6a fd3ee4fe7f2954c6d870c0fa13211c6a
    2048 dd59e2c3a5f038e0 f736557fd47073a5dd59e2c3a5f038e0
    2240 6e73a90539cf2948 ccb134fbfa7ce49d6e73a90539cf2948
    2367 cb37aeb9e5d361ed e89c0f6ff369b427cb37aeb9e5d361ed
"""


def skewed(rng, size, scale=12):
    """Bytes that a code makes smaller."""
    return bytes(min(255, int(rng.expovariate(1 / scale))) for _ in range(size))


class XXH3(unittest.TestCase):
    def test_vectors(self):
        data, state = bytearray(), 2654435761
        for _ in range(2367):
            data.append(state >> 56)
            state = state * 11400714785074694797 & (1 << 64) - 1
        for line in VECTORS.split("\n")[1:-1]:
            size, short, long = line.split()
            piece = bytes(data[:int(size)])
            self.assertEqual(f"{xxh3_64(piece):016x}", short, size)
            self.assertEqual(f"{xxh3_128(piece):032x}", long, size)


class RoundTrip(unittest.TestCase):
    def setUp(self):
        self.rng = random.Random(1)

    def check(self, members, segments=None):
        archive = encode(members, segments)
        self.assertEqual([tuple(member) for member in decode(archive)], members)
        return archive

    def one(self, content, **options):
        return self.check([("a", 0o600, 0, content)], [(len(content), options)])

    def modes(self, archive):
        return [archive[record] for record, _, _ in Layout(archive).blocks.values()]

    def test_package_merge(self):
        self.assertEqual(package_merge({7: 5}, 11), {7: 0})
        self.assertEqual(package_merge({0: 1, 1: 1, 2: 2, 3: 4}, 11), {0: 3, 1: 3, 2: 2, 3: 1})
        self.assertEqual(package_merge({0: 1, 1: 1, 2: 2, 3: 4}, 2), {0: 2, 1: 2, 2: 2, 3: 2})
        fibonacci = [1, 1]
        while len(fibonacci) < 40:
            fibonacci.append(sum(fibonacci[-2:]))
        lengths = package_merge(dict(enumerate(fibonacci)), 11).values()
        self.assertEqual((max(lengths), sum(2048 >> n for n in lengths)), (11, 2048))

    def test_sizes(self):
        for size in (1, 2, 15, 16, 17, 511, 512, 513, 600, 1023, 1024, 5000):
            self.one(skewed(self.rng, size, 3))

    def test_raw_constant_repeat_coded(self):
        noise, text = self.rng.randbytes(65536), skewed(self.rng, 65536)
        content = b"\0" * 65536 + noise + text + noise + text + b"\7" * 65536 + b"end"
        self.assertEqual(self.modes(self.one(content)), [2, 0, 1, 3, 3, 2, 0])

    def test_only_symbol(self):
        content = b"a" * 256 + b"b" * 256
        archive = self.one(content, element_type=F8_E4M3, tables=2, table_of=lambda block, run: run)
        self.assertEqual(self.modes(archive), [1])
        # Signs, class ids and a lane header: no words.
        self.assertEqual(Layout(archive).blocks[1, 0][2], 128)

    def test_classes(self):
        content = b"".join(bytes([b + 40 * (run % 5) for b in skewed(self.rng, 256, 4)])
                           for run in range(700))
        for tables in (2, 3, 5, 32):
            self.one(content, element_type=F8_E4M3, tables=tables,
                     table_of=lambda block, run: (block + run) % tables)

    def test_planes(self):
        records = b"".join(bytes([k % 251, 7, self.rng.randrange(4), 0, 250 + k % 5, k >> 8 & 255, 1, 0])
                           for k in range(9000))
        for element_type in (I16, I32, I64):
            for tables in (1, 3, 32):
                self.one(records, element_type=element_type, tables=tables,
                         table_of=lambda block, run: (block + run) % tables)
        for period in (2, 3, 34, 210, 512):
            for size in (1, period - 1, 300, 65536 + 5):
                self.one(records[:size], period=period, tables=2, table_of=lambda block, run: run % 2)
        constant = b"\1\2\3\4\5\6\7\0" * 16384
        self.assertEqual(self.modes(self.one(constant + records[:8000], element_type=I64)), [2, 1])

    def test_block_log2(self):
        for log2 in (16, 17, 18):
            self.one(skewed(self.rng, (1 << log2) + 100), block_log2=log2)

    def test_floats(self):
        floats = [self.rng.gauss(0, .02) for _ in range(9001)]
        f32 = pack("<9001f", *floats)
        contents = {BF16: b"".join(f32[i + 2:i + 4] for i in range(0, len(f32), 4)),
                    F16: pack("<9001e", *floats), F32: f32, F64: pack("<9001d", *floats),
                    F8_E4M3: skewed(self.rng, 9001), F8_E5M2: skewed(self.rng, 9001)}
        for element_type, content in contents.items():
            for tables in (1, 4):
                archive = self.one(content, element_type=element_type, tables=tables,
                                   table_of=lambda block, run: run % tables)
                self.assertIn(1, self.modes(archive))

    def test_floats_with_a_period(self):
        for element_type, size in ((BF16, 2), (F16, 2), (F32, 4), (F64, 8), (F8_E4M3, 1), (F8_E5M2, 1)):
            floats = b"".join(bytes([self.rng.randrange(256)] * (size - 1) + [60 + min(k % 7, self.rng.randrange(9))])
                              for k in range(3001))
            for period in (2, 7, 64, 512):
                for count in (1, period - 1, 3001):
                    content = floats[:count * size]
                    archive = self.one(content, element_type=element_type, period=period, tables=2,
                                       table_of=lambda block, run: run % 2)
                    if count == 3001:
                        self.assertEqual(self.modes(archive), [1])

    def test_exact_floats(self):
        for element_type, size in ((BF16, 2), (F16, 2), (F32, 4), (F64, 8), (F8_E4M3, 1), (F8_E5M2, 1)):
            top = 1 << 8 * size - 1
            values = [0, 1, 3, 0x71, top, top + 1, 2 * top - 1]  # zeros, denormals, a NaN
            content = b"".join(
                (values[i] if i < len(values) else self.rng.getrandbits(8 * size)).to_bytes(size, "little")
                for i in (int(self.rng.expovariate(.3)) for _ in range(5003)))
            for tables in (1, 3):
                for bits in (None, 11 if size > 1 else 6):
                    for exact in (values[:1], values, list(range(16)), [2 * top - 2]):
                        archive = self.one(content, element_type=element_type, tables=tables, exact=exact,
                                           symbol_bits=bits, table_of=lambda block, run: run % tables)
                        if values[0] in exact and size > 1:
                            self.assertIn(1, self.modes(archive))
        # The values are there even if no block is coded.
        self.assertEqual(self.modes(self.one(bytes(65536), element_type=F32, exact=[0, 7])), [2])

    def test_members_and_segments(self):
        members = [("a/b.txt", 0o644, 0, skewed(self.rng, 3000)), ("empty", 0o7777, 0, b""),
                   ("w\u00e9ights", 0o400, 1, skewed(self.rng, 5000)), ("z", 0, 0, b"")]
        archive = self.check(members, [(1000, {}), (1, {}), (6998, {"element_type": BF16}), (1, {})])
        self.assertEqual(len(decode(archive + archive)), 8)
        self.check([("", 0o600, 0, b"pipe")])
        self.check([("", 0o600, 0, b"")])
        self.check([])


class WorkedExample(unittest.TestCase):
    def test_encoder_writes_it(self):
        with open(WORKED_EXAMPLE, "rb") as file:
            self.assertEqual(file.read(), encode(WORKED_MEMBERS))

    def test_command_line(self):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, os.path.join(HERE, "decoder.py"), WORKED_EXAMPLE, "-o", folder]
            line = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            self.assertEqual(line, '{"name": "hi.txt", "size": 1008, "kind": "plain", "xxh3_128": '
                             f'"{xxh3_128(WORKED_MEMBERS[0][3]):032x}"}}\n')
            with open(os.path.join(folder, "hi.txt"), "rb") as file:
                self.assertEqual(file.read(), WORKED_MEMBERS[0][3])


class Damage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.archive = encode(WORKED_MEMBERS)
        cls.layout = Layout(cls.archive)

    def flipped(self, bit):
        out = bytearray(self.archive)
        out[bit // 8] ^= 1 << bit % 8
        return bytes(out)

    def test_every_bit(self):
        for bit in range(8 * len(self.archive)):
            with self.assertRaises(FormatError, msg=f"bit {bit}"):
                decode(self.flipped(bit))

    def test_every_truncation(self):
        for size in range(len(self.archive)):
            with self.assertRaises(FormatError, msg=f"{size} bytes"):
                decode(self.archive[:size])
            if size % 32 == 1:
                with self.assertRaises(FormatError, msg=f"{size} bytes behind the end"):
                    decode(self.archive + self.archive[:size])

    def test_no_bit_is_free(self):
        """Behind the hashes: only these fields may change without an error."""
        members, segment = self.layout.find(1)[1], self.layout.find(2)[1]
        free = {members + 8, members + 9, members + 12}          # mode, kind
        free.update(range(members + 16, members + 16 + 6))       # name
        free.update({segment + 2, segment + 3})                  # bytes or text, block_log2
        for at in range(len(self.archive)):
            for bit in range(8) if at < self.layout.blocks[1, 0][1] else [at % 8]:
                forged = reseal(self.flipped(8 * at + bit), self.layout)
                if forged == self.archive or at in free or (at, bit) in ((12, 0), (12, 2), (12, 3)):
                    continue
                with self.assertRaises(FormatError, msg=f"byte {at} bit {bit}"):
                    decode(forged)


if __name__ == "__main__":
    unittest.main()
