# SPDX-License-Identifier: Apache-2.0
"""Quantizing by the gramzip command and measuring what comes out: by decoding the real file, every byte of it counted."""
import collections
import json
import pathlib
import subprocess
import time

import numpy as np

from quant_inputs import read_safetensors, write_safetensors

NAME = "layers.0.mlp.weight"  # of a file's only tensor
Result = collections.namedtuple("Result", "tensors bits weights seconds")  # tensors: name: f32 array as decoded


class Refused(Exception):
    """The command gave an error; its text."""


class Gramzip:
    def __init__(self, program, scratch, options=()):
        self.program, self.scratch, self.options = program, pathlib.Path(scratch), list(options)
        self.archive = self.scratch / "out.grz"

    def command(self, *arguments):
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode:
            raise Refused((done.stderr.strip() or f"exit {done.returncode}").splitlines()[-1])
        return done.stdout

    def quantize(self, tensors, *options):
        """tensors: (name, dtype, array) of one file. None is kept lossless by a rule on names or shapes."""
        source, decoded = self.scratch / "in.safetensors", self.scratch / "decoded.safetensors"
        for old in (self.archive, decoded):
            old.unlink(missing_ok=True)
        write_safetensors(source, tensors)
        begin = time.monotonic()
        self.command("quantize", source, "-o", self.archive, "--keep", "none", *self.options, *options)
        seconds = time.monotonic() - begin
        self.command("decompress", self.archive, "-o", decoded)
        found = {name: (dtype, x) for name, dtype, x in read_safetensors(decoded.read_bytes())}
        for name, dtype, x in tensors:
            if name not in found or (found[name][0], found[name][1].shape) != (dtype, x.shape):
                raise Refused(f"{name}: decoded as {found.get(name, (None, None))[0]}")
        return Result({name: x for name, (_, x) in found.items()}, 8 * self.archive.stat().st_size,
                      sum(x.size for _, _, x in tensors), seconds)

    def one(self, x, dtype, *options):
        """Of one tensor: (decoded, bits a weight)."""
        result = self.quantize([(NAME, dtype, x)], *options)
        return result.tensors[NAME], result.bits / result.weights

    def at_rate(self, x, dtype, rate, *options):
        """Of one tensor at a rate of its own: (decoded, bits a weight of its sections, with their headers, tables and hashes).
        What a file takes beside its tensors is left out, as it is of the other formats."""
        y, _ = self.one(x, dtype, "--set", f"{NAME}={rate}", *options)
        listed = json.loads(self.command("list", "--tensors", "--json", self.archive))
        return y, listed["archives"][0]["members"][0]["tensors"][0]["bits_per_weight"]


def sqnr(x, y):
    """10 log10(sum w^2 / sum err^2), in f64; infinite without an error."""
    signal = np.square(x.astype(np.float64)).sum()
    noise = np.square(x.astype(np.float64) - y.astype(np.float64)).sum()
    return float("inf") if noise == 0 else 10 * np.log10(signal / noise) if signal else float("-inf")


def matrix(x):
    """As quantizers see it: the first axis by the rest; a vector is one row."""
    return x.reshape(1, -1) if x.ndim < 2 else x.reshape(x.shape[0], -1)


def entropy(y):
    """Order-0 entropy of the values of an array, bits."""
    counts = np.unique(y, return_counts=True)[1] / y.size
    return float(-(counts * np.log2(counts)).sum())


def step_of(y):
    """The median distance of neighbours among the values that 99 % of the weights have: the step of a uniform quantizer."""
    values, counts = np.unique(y.astype(np.float64), return_counts=True)
    common = np.sort(np.argsort(-counts, kind="stable")[:max(2, int(np.searchsorted(np.cumsum(np.sort(counts)[::-1]),
                                                                                    0.99 * y.size)) + 1)])
    return float(np.median(np.diff(values[common]))) if len(values) > 1 else 0.0


def row_mean_error(x, y):
    """The largest |mean of a row - mean of the decoded row|."""
    return float(np.abs((matrix(x).astype(np.float64) - matrix(y)).mean(axis=1)).max())


class Ideal:
    """A stand-in for the command in --selftest: a uniform quantizer at its entropy, without RDOQ, classes or containers."""
    def __init__(self, fault=None):
        self.fault = fault  # what it does wrong: each check must notice its own

    def quantize(self, tensors, *options):
        options = dict(zip(options[::2], options[1::2])) if len(options) % 2 == 0 else {}
        decoded, bits = {}, 0.0
        for name, dtype, x in tensors:
            decoded[name], rate = self.uniform(x, options)
            bits += rate * x.size
        return Result(decoded, bits, sum(x.size for _, _, x in tensors), 0.0)

    def one(self, x, dtype, *options):
        result = self.quantize([(NAME, dtype, x)], *options)
        return result.tensors[NAME], result.bits / result.weights

    def at_rate(self, x, dtype, rate, *_):
        return self.one(x, dtype, "--target-bpw", rate)

    def uniform(self, x, options):
        if "--max-error" in options:
            step = 2 * float(options["--max-error"]) * (1.01 if self.fault == "max-error" else 0.9999)
            y = np.rint(x / step) * step
            return y.astype(np.float32), entropy(y)
        low, high = 1e-6 * x.std(), 100.0 * x.std()
        for _ in range(40):
            step = np.sqrt(low * high)
            index = np.rint(x / step).astype(np.int64)
            if "--target-sqnr" in options:
                reached = sqnr(x, self.centroids(x, index)) < float(options["--target-sqnr"])
            else:
                reached = entropy(index) * (1.03 if self.fault == "entropy" else 1.0) < float(options["--target-bpw"])
            low, high = (low, step) if reached else (step, high)
        step = high if "--target-bpw" in options else low
        index = np.rint(x / step).astype(np.int64)
        y = self.centroids(x, index)
        return y, entropy(index) * (1.03 if self.fault == "entropy" else 1.02 if self.fault == "window" else 1.0)

    @staticmethod
    def centroids(x, index):
        _, place = np.unique(index, return_inverse=True)
        place = place.ravel()
        return (np.bincount(place, x.ravel().astype(np.float64)) / np.bincount(place))[place].reshape(x.shape).astype(np.float32)
