# SPDX-License-Identifier: Apache-2.0
"""What the tests of the tool share. The binary is named by the environment variable GRAMZIP."""
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "reference"))

GRAMZIP = os.path.abspath(os.environ.get("GRAMZIP", "gramzip"))
MAGIC = b"\x89GRZ\r\n\x1a\n"


def text(size, seed=1):
    """Text-like bytes with lines, skewed so that they compress."""
    rng = random.Random(seed)
    words = ["".join(rng.choices("etaoinshrdlucmf", k=rng.randint(1, 9))) for _ in range(500)]
    out, length = [], 0
    while length < size:
        line = " ".join(rng.choices(words, k=rng.randint(0, 14))) + "\n"
        out.append(line)
        length += len(line)
    return "".join(out).encode()[:size]


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def bf16(count, seed=1):
    """bf16 values of a normal distribution, as bytes."""
    rng = random.Random(seed)
    return b"".join(struct.pack("<f", rng.gauss(0, 0.02))[2:] for _ in range(count))


def checkpoint(tensors, metadata=None):
    """A safetensors file of (name, dtype, shape, bytes)."""
    header, at = {}, 0
    if metadata:
        header["__metadata__"] = metadata
    for name, dtype, shape, data in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    return struct.pack("<Q", len(head)) + head + b"".join(t[3] for t in tensors)


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="grz-test-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.umask = os.umask(0o022)
        self.addCleanup(os.umask, self.umask)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, data, mode=None):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
        if mode is not None:
            os.chmod(path, mode)
        return path

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def names(self, folder="."):
        """Every file below a folder, hidden ones too."""
        root = os.path.join(self.dir, folder)
        return sorted(os.path.relpath(os.path.join(at, f), root) for at, _, fs in os.walk(root) for f in fs)

    def run_tool(self, *args, stdin=b"", code=0, says=None, **options):
        """Runs the tool in the test's folder; checks the exit code and, in stderr, a text."""
        result = subprocess.run([GRAMZIP, *args], input=stdin, capture_output=True, cwd=self.dir, timeout=120, **options)
        where = f"gramzip {' '.join(map(str, args))}: {result.stderr.decode(errors='replace')}"
        if code is not None:
            self.assertEqual(result.returncode, code, where)
        if says is not None:
            self.assertIn(says, result.stderr.decode(errors="replace"), where)
        if code == 1:
            self.assertTrue(result.stderr.startswith(b"gramzip: "), where)
        return result

    def pack(self, data, *args):
        return self.run_tool("-c", *args, stdin=data).stdout

    def unpack(self, archive, *args):
        return self.run_tool("-dc", *args, stdin=archive).stdout


def main():
    unittest.main(verbosity=1)
