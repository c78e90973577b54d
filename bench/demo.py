# SPDX-License-Identifier: Apache-2.0
"""README's first command: compress, test, decompress and compare real text and a real checkpoint.

Text: C and C++ headers, licences and package copyright files of this machine. Checkpoint: the acoustic model
of CMU Sphinx from Debian's pocketsphinx-en-us (a Gaussian mixture trained on speech, float32), written as
safetensors, and the same rounded to bfloat16. Then a table of ratios and speeds beside zstd and xz.
"""
import argparse
import filecmp
import glob
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

MODEL = "/usr/share/pocketsphinx/model/en-us/en-us"
TEXT_BYTES = 8_000_000


def gather_text(out):
    """Files that every Debian machine with a compiler has, whole, in order of name."""
    patterns = ("/usr/share/common-licenses/*", "/usr/share/doc/*/copyright", "/usr/include/**/*.h",
                "/usr/include/c++/*/**/*")
    size, files = 0, 0
    with open(out, "wb") as target:
        for pattern in patterns:
            for name in sorted(glob.glob(pattern, recursive=True)):
                path = pathlib.Path(name)
                if size >= TEXT_BYTES or path.is_symlink() or not path.is_file():
                    continue
                data = path.read_bytes()
                target.write(data)
                size, files = size + len(data), files + 1
    return f"{files} headers, licences and copyright files"


def read_sphinx(path):
    """The float32 values of a Sphinx parameter file: text header, byte-order word, shape, values."""
    raw = pathlib.Path(path).read_bytes()
    at = raw.index(b"endhdr\n") + 7
    order = "<" if raw[at:at + 4] == struct.pack("<I", 0x11223344) else ">"
    books, streams, density = struct.unpack_from(order + "3I", raw, at + 4)
    at += 16 + 4 * streams
    count = struct.unpack_from(order + "I", raw, at)[0]
    return struct.unpack_from(f"{order}{count}f", raw, at + 4), (books * streams, density, -1)


def write_checkpoint(out):
    header, data = {"__metadata__": {"source": "pocketsphinx-en-us"}}, b""
    for name in ("means", "variances"):
        values, shape = read_sphinx(f"{MODEL}/{name}")
        f32 = struct.pack(f"<{len(values)}f", *values)
        # bfloat16: the upper half, rounded to nearest even.
        words = struct.unpack(f"<{len(values)}I", f32)
        bf16 = struct.pack(f"<{len(values)}H", *((w + 0x7FFF + (w >> 16 & 1)) >> 16 for w in words))
        shape = [shape[0], shape[1], len(values) // (shape[0] * shape[1])]
        for dtype, raw in (("F32", f32), ("BF16", bf16)):
            header[f"{name}.{dtype.lower()}"] = {"dtype": dtype, "shape": shape,
                                                 "data_offsets": [len(data), len(data) + len(raw)]}
            data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(out).write_bytes(struct.pack("<Q", len(text)) + text + data)
    return "CMU Sphinx acoustic model, float32 and bfloat16"


def run(*command):
    print("$", " ".join(map(str, command)), flush=True)
    subprocess.run(command, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gramzip", required=True, help="the tool")
    tool = parser.parse_args().gramzip
    with tempfile.TemporaryDirectory(prefix="gramzip-demo-") as folder:
        inputs = {f"{folder}/text.txt": gather_text(f"{folder}/text.txt")}
        if pathlib.Path(f"{MODEL}/means").is_file():
            inputs[f"{folder}/model.safetensors"] = write_checkpoint(f"{folder}/model.safetensors")
        else:
            print(f"no checkpoint: {MODEL} is not there (Debian package pocketsphinx-en-us)", file=sys.stderr)
        for path, what in inputs.items():
            print(f"\n{what}: {pathlib.Path(path).stat().st_size:,} bytes")
            run(tool, "compress", path, "-o", f"{path}.grz")
            run(tool, "test", f"{path}.grz")
            run(tool, "list", f"{path}.grz")
            run(tool, "decompress", f"{path}.grz", "-o", f"{path}.back")
            if not filecmp.cmp(path, f"{path}.back", shallow=False):
                print("NOT THE SAME", file=sys.stderr)
                return 1
            print("decompressed and compared: the same bytes")
        print()
        run(tool, "bench", "--seconds", "8", *inputs)
        run(tool, "bench", "-7", "--seconds", "8", next(iter(inputs)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
