# SPDX-License-Identifier: Apache-2.0
"""Small tensor files of every format, written with the standard library alone."""
import collections
import io
import pickle
import struct
import sys
import types
import zipfile


def npy(descr, shape, data, fortran=False):
    text = str({"descr": descr, "fortran_order": fortran, "shape": tuple(shape)}).encode()
    text += b" " * (-(10 + len(text) + 1) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def npz(arrays, method=zipfile.ZIP_STORED):
    """A numpy archive of {name: npy bytes}, as numpy.savez writes it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, data in arrays.items():
            with z.open(name + ".npy", "w", force_zip64=True) as f:
                f.write(data)
    return out.getvalue()


class Storage:
    def __init__(self, kind, key, elements):
        self.kind, self.key, self.elements = kind, key, elements


class Tensor:
    """Pickles as a torch.Tensor does, to names that exist in torch alone."""

    def __init__(self, storage, shape, offset=0):
        self.storage, self.shape, self.offset = storage, shape, offset

    def __reduce__(self):
        stride, step = [], 1
        for d in reversed(self.shape):
            stride.insert(0, step)
            step *= d
        function = sys.modules["torch._utils"]._rebuild_tensor_v2
        return function, (self.storage, self.offset, tuple(self.shape), tuple(stride), False, collections.OrderedDict())


def torch_module(kinds):
    """Modules under torch's names, as far as a pickle refers to them."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def rebuild(*_):
        raise AssertionError("called")

    rebuild.__module__, rebuild.__qualname__, rebuild.__name__ = "torch._utils", "_rebuild_tensor_v2", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = rebuild
    for kind in kinds:
        setattr(torch, kind, type(kind, (), {"__module__": "torch"}))
    sys.modules.update({"torch": torch, "torch._utils": utils})
    return torch


def pt(state, storages, protocol=2):
    """A PyTorch archive of a state that CPython itself pickles; storages: {key: bytes}."""
    torch = torch_module(["FloatStorage", "HalfStorage", "BFloat16Storage", "LongStorage"])

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            if isinstance(obj, Storage):
                return "storage", getattr(torch, obj.kind), obj.key, "cpu", obj.elements
            return None

    out, text = io.BytesIO(), io.BytesIO()
    Pickler(text, protocol=protocol).dump(state)
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("archive/data.pkl", text.getvalue())
        z.writestr("archive/byteorder", "little")
        for key, data in storages.items():
            z.writestr("archive/data/" + key, data)
        z.writestr("archive/version", "3\n")
    for name in ("torch", "torch._utils"):
        del sys.modules[name]
    return out.getvalue()


def gguf(tensors, alignment=32):
    """A GGUF file of (name, dimensions fastest first, type, bytes)."""
    def string(s):
        return struct.pack("<Q", len(s)) + s.encode()

    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 1) + string("general.name") + struct.pack("<I", 8) + string("test")
    data = b""
    for name, dims, kind, content in tensors:
        head += string(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, len(data))
        data += content + b"\0" * (-len(content) % alignment)
    return head + b"\0" * (-len(head) % alignment) + data
