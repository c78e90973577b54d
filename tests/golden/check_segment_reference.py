# SPDX-License-Identifier: Apache-2.0
"""The reference decoder agrees on segments that a program writes, of quantized weights or against a base:

    check_segment_reference.py PROGRAM
"""
import pathlib
import subprocess
import sys
import tempfile
from struct import unpack_from

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "reference"))
from check import FormatError  # noqa: E402
from segment import Segment, decode_segment  # noqa: E402


def segments(data):
    """(name, meta, data, base, content) of each segment."""
    at = 0
    while at < len(data):
        sizes = unpack_from("<5I", data, at)
        at += 20
        parts = []
        for size in sizes:
            parts.append(data[at:at + size])
            at += size
        yield parts


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "segments"
        subprocess.run([sys.argv[1], path], check=True)
        written = path.read_bytes()
    checked = 0
    for name, meta, data, base, content in segments(written):
        checked += 1
        place = name.decode()
        try:
            segment = Segment(meta, place)
            decoded = decode_segment(segment, data, None, place, base)
        except FormatError as error:
            print(error)
            return 1
        if decoded != content:
            print(f"{place}: not the content")
            return 1
        # Another base does not go unnoticed where blocks depend on it.
        if segment.of_base and checked % 16 == 0 and any(r.mode in (1, 4) for r in segment.records):
            other = bytes(b ^ 0x55 for b in base)
            try:
                decode_segment(segment, data, None, place, other)
            except FormatError as error:
                if error.status in ("bad stream", "bad decoded hash"):
                    continue
            print(f"{place}: another base was accepted")
            return 1
    print(f"{checked} segments: the reference decoder agrees")
    return 0 if checked else 1


if __name__ == "__main__":
    sys.exit(main())
