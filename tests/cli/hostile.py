# SPDX-License-Identifier: Apache-2.0
"""What the tests of hostile checkpoints share: commands under a limit of time and memory, and zip archives that lie."""
import os
import pathlib
import struct
import subprocess
import sys
import zlib

import encoder  # found by grz
from grz import GRAMZIP, Case

MIB = 1 << 20
SECONDS = 1.0  # of processor time: others may be at work on the machine
MEMORY = 64 * MIB
MEASURE = [sys.executable, "-I", "-S", str(pathlib.Path(__file__).resolve().parent / "measure.py"), GRAMZIP]
KINDS = {".safetensors": 1, ".npy": 2, ".npz": 3, ".pt": 3, ".gguf": 4}  # of members, docs/format.md 2.3


class Hostile(Case):
    def measured(self, *args, code=0, stdin=None):
        """Runs the tool; standard output, lines of standard error, processor seconds, peak of resident bytes."""
        result = subprocess.run([*MEASURE, *args], stdin=stdin or subprocess.DEVNULL, capture_output=True, cwd=self.dir,
                                timeout=120)
        *errors, figures = result.stderr.decode().splitlines()
        errors = [e for e in errors if e]
        self.assertEqual(result.returncode, code, f"gramzip {' '.join(args)}: {errors}")
        seconds, peak = figures.split()
        if os.environ.get("GRAMZIP_SHOW"):
            print(f"{float(seconds):.3f} s {int(peak) / MIB:6.1f} MiB  {' '.join(args)}: {errors}")
        return result.stdout, errors, float(seconds), int(peak)

    def setUp(self):
        super().setUp()
        _, _, _, self.idle = self.measured("--version")

    def cheap(self, seconds, peak, seconds_before=0.0, peak_before=None):
        self.assertLess(seconds - seconds_before, SECONDS)
        self.assertLess(peak - (peak_before or self.idle), MEMORY, "bytes of memory above an idle gramzip")

    def make(self, name, *pieces, size=None):
        """A file of pieces, each bytes or (bytes, how often), then zeros up to a size that takes no room on disk."""
        with open(self.path(name), "wb") as f:
            for piece in pieces:
                data, times = piece if isinstance(piece, tuple) else (piece, 1)
                at_once = max(1, MIB // max(1, len(data)))
                for _ in range(times // at_once):
                    f.write(data * at_once)
                f.write(data * (times % at_once))
            if size is not None:
                f.truncate(size)

    def spoil_magic(self, name):
        """Twice gives the file back."""
        at = 8 if name.endswith(".safetensors") else 0
        with open(self.path(name), "r+b") as f:
            f.seek(at)
            byte = f.read(1)[0] ^ 1
            f.seek(at)
            f.write(bytes([byte]))

    def one_error(self, args, says, stdin=None):
        out, errors, seconds, peak = self.measured(*args, code=1, stdin=stdin)
        self.assertEqual(len(errors), 1, errors)
        self.assertTrue(out == b"" or args[0] == "list")
        self.assertTrue(errors[0].startswith("gramzip: "), errors)
        self.assertIn(says, errors[0])
        self.assertLess(len(errors[0]), 600)
        self.cheap(seconds, peak)

    def refused(self, name, says):
        """No checkpoint: an error where one is asked for, else a warning and the bytes of the file."""
        self.one_error(["compress", "--as", "weights", "-T1", name, "-o", "out.grz"], says)
        self.assertNotIn("out.grz", self.names())
        if os.path.getsize(self.path(name)) > MIB:
            return
        _, errors, seconds, peak = self.measured("compress", "-T1", "-f", name, "-o", "bytes.grz", code=2)
        self.assertEqual(len(errors), 1, errors)
        self.assertIn("compressed as bytes, since what describes its tensors is bad", errors[0])
        self.assertIn(says, errors[0])
        self.cheap(seconds, peak)
        out, _, seconds, peak = self.measured("cat", "bytes.grz")
        self.assertEqual(out, self.read(name))
        self.cheap(seconds, peak)
        # An archive that says this were one, and a base that is none.
        self.write("forged.grz", encoder.encode([(name, 0o644, KINDS[os.path.splitext(name)[1]], out)]))
        self.one_error(["list", "--tensors", "forged.grz"], says)
        self.one_error(["get", "forged.grz", "--tensor", "w"], says)
        self.write("plain", b"plain bytes")
        self.measured("compress", "-T1", "-f", "plain", "--base", name, "-o", "delta.grz")

    def taken(self, name, tensors=None):
        """Compressed as what it is, without a word, at the cost of a file of almost the same bytes that is no checkpoint
        and what is allowed; comes back."""
        self.spoil_magic(name)
        _, _, seconds_before, peak_before = self.measured("compress", "-T1", "-f", name, "-o", "plain.grz")
        self.spoil_magic(name)
        _, errors, seconds, peak = self.measured("compress", "-T1", "-f", name, "-o", "out.grz")
        self.assertEqual(errors, [])
        self.cheap(seconds, peak, seconds_before, peak_before)
        self.run_tool("decompress", "-f", "out.grz", "-o", "back")
        with open(self.path(name), "rb") as a, open(self.path("back"), "rb") as b:
            while piece := a.read(MIB):
                self.assertEqual(piece, b.read(MIB))
            self.assertEqual(b.read(1), b"")
        if tensors is not None:
            out, _, seconds, peak = self.measured("list", "--tensors", "out.grz")
            self.cheap(seconds, peak, 0, self.idle + 32 * MIB)  # of decoded blocks, docs/cli.md
            listed = [line.split()[-1] for line in out.decode().splitlines() if "[" in line]
            self.assertEqual(sorted(listed), sorted(tensors), out)


def local_header(name, stored, method=0, size=None, crc=0, extra=b"", flags=0):
    name = name.encode()
    return struct.pack("<4sHHHIIIIHH", b"PK\3\4", 20, flags, method, 0, crc, stored,
                       stored if size is None else size, len(name), len(extra)) + name + extra


def central_header(name, at, stored, method=0, size=None, crc=0, extra=b"", flags=0):
    name = name.encode()
    return struct.pack("<4sHHHHIIIIHHHHHII", b"PK\1\2", 20, 20, flags, method, 0, crc, stored,
                       stored if size is None else size, len(name), len(extra), 0, 0, 0, 0, at) + name + extra


def end_record(count, size, at, comment=b""):
    return struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, min(count, 0xffff), min(count, 0xffff), size, at, len(comment)) + comment


def end_record64(count, size, at, place):
    return struct.pack("<4sQHHIIQQQQ4sIQI", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, at, b"PK\6\7", 0, place, 1)


def zip_of(entries, change=lambda directory, at: (directory, at)):
    """entries: (name, data, fields of both headers). change: of the directory, and where the end says that it is."""
    out, directory = b"", b""
    for name, data, fields in entries:
        fields = {"crc": zlib.crc32(data), **fields}
        directory += central_header(name, fields.pop("at", len(out)), len(data), **fields)
        out += local_header(name, len(data), **fields) + data
    directory, at = change(directory, len(out))
    return out + directory + end_record(len(entries), len(directory), at)
