# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of random weights, and a reader of safetensors that measures errors."""
import array
import json
import math
import random
import struct

SIZES = {"F32": 4, "BF16": 2, "F16": 2, "F64": 8}


def floats_to(dtype, values):
    """Bytes of a list of numbers."""
    if dtype == "F32":
        return array.array("f", values).tobytes()
    if dtype == "F64":
        return array.array("d", values).tobytes()
    if dtype == "F16":
        return struct.pack(f"<{len(values)}e", *values)
    raw = array.array("I", array.array("f", values).tobytes())
    # To nearest, ties to even; no NaN among them.
    return array.array("H", ((x + 0x7FFF + (x >> 16 & 1)) >> 16 for x in raw)).tobytes()


def floats_of(dtype, data):
    if dtype == "F32":
        return array.array("f", data)
    if dtype == "F64":
        return array.array("d", data)
    if dtype == "F16":
        return array.array("f", struct.unpack(f"<{len(data) // 2}e", data))
    halves = array.array("H", data)
    return array.array("f", array.array("I", (x << 16 for x in halves)).tobytes())


def gauss(count, seed, scale=0.02):
    rng = random.Random(seed)
    return [rng.gauss(0, scale) for _ in range(count)]


def laplace(count, seed, scale=0.02):
    rng = random.Random(seed)
    return [rng.expovariate(1 / scale) * rng.choice((-1, 1)) for _ in range(count)]


def read_safetensors(data):
    """name -> (dtype, shape, bytes)."""
    n, = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + n])
    header.pop("__metadata__", None)
    return {k: (v["dtype"], v["shape"], data[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]])
            for k, v in header.items()}


def sqnr(pairs):
    """dB over (original, other) lists of numbers."""
    signal = noise = 0.0
    for a, b in pairs:
        signal += math.fsum(x * x for x in a)
        noise += math.fsum((x - y) ** 2 for x, y in zip(a, b))
    return math.inf if noise == 0 else 10 * math.log10(signal / noise)
