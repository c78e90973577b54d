# SPDX-License-Identifier: Apache-2.0
"""The peers' formats of quantized weights: what quant_peers.py measures gramzip's beside.

Each peer takes a matrix of f32 (rows, columns) and gives (reconstruction, bits of the whole file's payload). The formats of
ggml are written by ggml itself, its default search without an importance matrix, by the shared library that the PyPI package
pywhispercpp carries; element types of FP8, MXFP4 and NVFP4 are ml_dtypes'. NF4 and integers with a scale a group are
written here from their published layout.

Blocks run along rows where the row is a multiple of the block, as the programs that use these formats ask for; else along
the flat tensor, its end padded with zeros that are not counted: to the peers' favour."""
import ctypes
import pathlib
import site
import sys

import numpy as np

GGML = {  # name: (number of the type in ggml and GGUF, weights a block, bytes a block)
    "Q8_0": (8, 32, 34), "Q6_K": (14, 256, 210), "Q5_K": (13, 256, 176), "Q4_K": (12, 256, 144), "Q4_0": (2, 32, 18),
    "IQ4_XS": (23, 256, 136), "Q3_K": (11, 256, 110), "IQ2_S": (22, 256, 82), "MXFP4": (39, 32, 17), "NVFP4": (40, 64, 36),
}
# 16 quantiles of the normal distribution, scaled to [-1, 1]: QLoRA's appendix E.
NF4 = np.array([
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0], np.float32)


def ggml_library():
    """ggml as the package pywhispercpp carries it; the newest of several copies."""
    if not hasattr(ggml_library, "loaded"):
        roots = [pathlib.Path(p) for p in site.getsitepackages() + [site.getusersitepackages()] + sys.path]
        found = sorted({f for r in roots for f in r.glob("pywhispercpp.libs/libggml-base*.so*")})
        if not found:
            raise SystemExit("no libggml-base: pip install pywhispercpp")
        library = ctypes.CDLL(str(found[-1]))
        library.ggml_quantize_chunk.restype = ctypes.c_size_t
        library.ggml_type_size.restype = ctypes.c_size_t
        library.ggml_blck_size.restype = ctypes.c_int64
        ggml_library.loaded = library
    return ggml_library.loaded


def blocked(x, block):
    """Rows as they are if blocks fit them, else one row, padded."""
    if x.shape[1] % block == 0:
        return np.ascontiguousarray(x, np.float32)
    flat = np.zeros(-(-x.size // block) * block, np.float32)
    flat[:x.size] = x.ravel()
    return flat[None]


def ggml_quantize(name, rows):
    """The bytes of the blocks of a matrix whose rows are whole blocks: (rows, bytes a row)."""
    number, block, size = GGML[name]
    library = ggml_library()
    assert (library.ggml_blck_size(number), library.ggml_type_size(number)) == (block, size)
    out = np.empty((rows.shape[0], rows.shape[1] // block * size), np.uint8)
    wrote = library.ggml_quantize_chunk(ctypes.c_int(number), rows.ctypes.data_as(ctypes.c_void_p),
                                        out.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(0),
                                        ctypes.c_int64(rows.shape[0]), ctypes.c_int64(rows.shape[1]), None)
    assert wrote == out.nbytes
    return out


def ggml_dequantize(name, data, columns):
    """By the library's own to_float: a pointer in a table of {name, block, block interleaved, size, is quantized, to_float}."""
    class Traits(ctypes.Structure):
        _fields_ = [("name", ctypes.c_char_p), ("block", ctypes.c_int64), ("interleaved", ctypes.c_int64),
                    ("size", ctypes.c_size_t), ("quantized", ctypes.c_bool), ("to_float", ctypes.c_void_p)]
    library = ggml_library()
    library.ggml_get_type_traits.restype = ctypes.POINTER(Traits)
    traits = library.ggml_get_type_traits(ctypes.c_int(GGML[name][0])).contents
    assert (traits.block, traits.size) == GGML[name][1:]
    call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)(traits.to_float)
    out = np.empty((data.shape[0], columns), np.float32)
    call(data.ctypes.data, out.ctypes.data, out.size)
    return out


def ggml(name):
    def quantize(x):
        number, block, size = GGML[name]
        rows = blocked(x, block)
        data = ggml_quantize(name, rows)
        return ggml_dequantize(name, data, rows.shape[1]).ravel()[:x.size].reshape(x.shape), x.size * size * 8 / block
    return quantize


def nvfp4(x):
    """NVIDIA's layout: E2M1, a scale in E4M3 for 16, one f32 for the tensor. ggml's type of that name has no scale of the
    tensor and, given one from outside, reaches 0.3 to 0.5 dB less."""
    import ml_dtypes
    whole = np.float32(np.abs(x).max() / (448 * 6) or 1)
    rows = blocked(x, 16).reshape(-1, 16) / whole
    scale = (np.abs(rows).max(axis=1, keepdims=True) / 6).astype(ml_dtypes.float8_e4m3fn).astype(np.float32)
    y = (rows / np.where(scale == 0, 1, scale)).astype(ml_dtypes.float4_e2m1fn).astype(np.float32) * scale * whole
    return y.ravel()[:x.size].reshape(x.shape), x.size * 4.5 + 32


def dynamic_code():
    """The signed 8-bit map of block-wise quantized scales: 7 decades, each with twice the fractions of the one below."""
    values = [0.0, 1.0]
    for decade in range(7):
        bounds = np.linspace(0.1, 1, 2 ** decade + 1, dtype=np.float32)
        means = (bounds[:-1] + bounds[1:]) / 2 * 10.0 ** (decade - 6)
        values += [*means, *-means]
    return np.sort(np.array(values, np.float32))


def nearest(code, x):
    return code[np.searchsorted((code[1:] + code[:-1]) / 2, x)]


def absmax_of(rows):
    """Of each row, 1 where it is 0: a divisor."""
    peak = np.abs(rows).max(axis=1, keepdims=True)
    return np.where(peak == 0, np.float32(1), peak)


def nf4(x):
    """Blocks of 64 with an absmax; the absmaxes less their mean in 8 bits, an f32 scale for 256 of them: 4.127 bits."""
    flat = blocked(x.reshape(1, -1), 64).reshape(-1, 64)
    peak = absmax_of(flat)[:, 0]
    mean = peak.mean(dtype=np.float32)
    centred = blocked((peak - mean).reshape(1, -1), 256).reshape(-1, 256)
    scale = absmax_of(centred)
    restored = (nearest(dynamic_code(), centred / scale) * scale).ravel()[:len(peak)] + mean
    y = nearest(NF4, flat / peak[:, None]) * restored[:, None]
    return y.ravel()[:x.size].reshape(x.shape), 4 * x.size + 8 * len(peak) + 32 * len(scale) + 32


def integer(bits, group):
    """Symmetric: round(x / scale), scale = absmax / (2^(bits - 1) - 1) in f16; a group of None is a row."""
    def quantize(x):
        rows = blocked(x, group or x.shape[1]).reshape(-1, group or x.shape[1])
        top = 2 ** (bits - 1) - 1
        scale = (absmax_of(rows) / top).astype(np.float16).astype(np.float32)
        scale[scale == 0] = np.finfo(np.float16).tiny
        y = np.clip(np.rint(rows / scale), -top - 1, top) * scale
        return y.ravel()[:x.size].reshape(x.shape), bits * x.size + 16 * (x.size / (group or x.shape[1]))
    return quantize


def fp8(x):
    import ml_dtypes
    scale = np.float32(np.abs(x).max() / 448 or 1)
    return (x / scale).astype(ml_dtypes.float8_e4m3fn).astype(np.float32) * scale, 8 * x.size + 32


PEERS = {  # in the order of the table
    "Q8_0": ggml("Q8_0"), "int8 row": integer(8, None), "FP8 E4M3": fp8, "Q6_K": ggml("Q6_K"), "Q5_K": ggml("Q5_K"),
    "Q4_K": ggml("Q4_K"), "Q4_0": ggml("Q4_0"), "NVFP4": nvfp4, "int4 g32": integer(4, 32), "IQ4_XS": ggml("IQ4_XS"),
    "MXFP4": ggml("MXFP4"), "NF4 dq": nf4, "int4 g128": integer(4, 128), "Q3_K": ggml("Q3_K"), "int3 g128": integer(3, 128),
    "IQ2_S": ggml("IQ2_S"),
}
