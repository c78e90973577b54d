# SPDX-License-Identifier: Apache-2.0
"""quant_peers.py --selftest: the peers' formats against other programs' and published figures, the measures against known
answers, and each check against a quantizer that does just that wrong."""
import pathlib
import statistics
import tempfile

import numpy as np

import quant_formats as formats
import quant_goals as goals
import quant_tool as tool
from quant_inputs import read_safetensors, spread, write_safetensors

PUBLISHED = {  # medians over 14 real tensors, bits and dB: between a Gaussian's and a Laplace's, or near
    "Q8_0": (8.5, 44.4), "int8 row": (8.06, 41.0), "FP8 E4M3": (8, 31.5), "Q6_K": (6.56, 34.3), "Q4_K": (4.5, 22.6),
    "Q4_0": (4.5, 20.7), "NVFP4": (4.5, 20.5), "int4 g32": (4.5, 19.6), "IQ4_XS": (4.25, 21.9), "MXFP4": (4.25, 18.5),
    "NF4 dq": (4.13, 20.4), "Q3_K": (3.44, 16.2), "int3 g128": (3.13, 10.8), "IQ2_S": (2.56, 10.8),
}


def layouts(check):
    import gguf
    x = np.concatenate([goals.drawn("Gaussian", rows=64), goals.drawn("Laplace", rows=64), np.zeros((1, 1024), np.float32)])
    for name in formats.GGML:
        data = formats.ggml_quantize(name, x)
        theirs = gguf.quants.dequantize(data, gguf.GGMLQuantizationType[name])
        check(f"{name}: ggml's and gguf's dequantizers agree", np.array_equal(theirs, formats.ggml_dequantize(name, data, 1024)))
    for name in ("Q8_0", "Q4_0"):
        theirs = gguf.quants.quantize(x, gguf.GGMLQuantizationType[name])
        check(f"{name}: ggml's and gguf's bytes agree", np.array_equal(theirs.ravel(), formats.ggml_quantize(name, x).ravel()))
    short = goals.drawn("Gaussian", rows=3, columns=100)
    for name, peer in formats.PEERS.items():
        y, bits = peer(short)
        check(f"{name}: odd shapes", y.shape == short.shape and np.isfinite(y).all() and bits >= 2 * short.size)


def floats_by_blocks(check):
    """MXFP4 once more from the published layout, by ml_dtypes' element type; NVFP4 beside ggml's blocks of that name."""
    import ml_dtypes
    for kind in ("Gaussian", "Laplace"):
        x = goals.drawn(kind)
        blocks = x.reshape(-1, 32)
        scale = 2.0 ** (np.floor(np.log2(np.abs(blocks).max(axis=1, keepdims=True))) - 2)
        mine = ((blocks / scale).astype(ml_dtypes.float4_e2m1fn).astype(np.float32) * scale).reshape(x.shape)
        theirs = tool.sqnr(x, formats.PEERS["MXFP4"](x)[0])
        check(f"MXFP4 {kind}: ggml's {theirs:.2f} dB is OCP's {tool.sqnr(x, mine):.2f}", abs(theirs - tool.sqnr(x, mine)) < 0.2)
        whole = np.float32(np.abs(x).max() / (448 * 6))
        mine, theirs = tool.sqnr(x, formats.PEERS["NVFP4"](x)[0]), tool.sqnr(x, formats.ggml("NVFP4")(x / whole)[0] * whole)
        check(f"NVFP4 {kind}: {mine:.2f} dB, ggml's {theirs:.2f}", 0 < mine - theirs < 0.6)


def bitsandbytes(check):
    """NF4 beside the package's own code, if it and torch are installed."""
    try:
        import torch
        from bitsandbytes import functional
    except ImportError:
        print("# bitsandbytes and torch are not installed: NF4 is checked against published figures alone")
        return
    for kind in ("Gaussian", "Laplace"):
        x = goals.drawn(kind)
        packed, state = functional.quantize_4bit(torch.tensor(x), blocksize=64, compress_statistics=True, quant_type="nf4")
        theirs = tool.sqnr(x, functional.dequantize_4bit(packed, state).numpy())
        mine = tool.sqnr(x, formats.PEERS["NF4 dq"](x)[0])
        check(f"NF4 {kind}: {mine:.4f} dB, bitsandbytes' {theirs:.4f}", abs(mine - theirs) < 0.001)


def published(check):
    quantile = statistics.NormalDist().inv_cdf
    above = [quantile(p) for p in np.linspace(0.9677083, 0.5, 9)[:-1]]
    below = [-quantile(p) for p in np.linspace(0.9677083, 0.5, 8)[:-1]]
    levels = np.sort(np.array([*above, 0.0, *below])) / max(above)
    check("NF4: quantiles of the normal distribution", np.abs(levels - formats.NF4).max() < 1e-5)
    check("NF4: 256 values for scales", len(set(formats.dynamic_code())) == 256)
    for name, (bpw, db) in PUBLISHED.items():
        found = []
        for kind in ("Gaussian", "Laplace"):
            x = goals.drawn(kind, columns=256, rows=2048)
            y, bits = formats.PEERS[name](x)
            found.append(tool.sqnr(x, y))
        check(f"{name}: published {db} dB, {found[0]:.2f} Gaussian and {found[1]:.2f} Laplace",
              min(found) - 0.3 <= db <= max(found) + 0.3)
        check(f"{name}: {bits / x.size:.4f} bits", abs(bits / x.size - bpw) < 0.006)


def measures(check):
    check("SQNR of a tenth", abs(tool.sqnr(np.ones(10, np.float32), np.full(10, 0.9, np.float32)) - 20) < 1e-5)
    check("entropy of 1, 1, 2, 3", tool.entropy(np.array([1, 1, 2, 3])) == 1.5)
    check("step", abs(tool.step_of(np.rint(np.random.default_rng(1).standard_normal(10000) * 4) * 0.25) - 0.25) < 1e-12)
    x = np.zeros((2, 4), np.float32)
    check("row means", tool.row_mean_error(x, x + np.array([[0.5], [-1]], np.float32)) == 1)
    check("spread", spread(list(range(10)), 4) == [0, 2, 5, 7] and spread([1, 2], 4) == [1, 2])
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "a.safetensors"
        write_safetensors(file, [("a", "BF16", np.array([[1.00390625, -2]], np.float32)), ("b", "F16", np.array([0.5], np.float32))])
        back = {n: (d, x.tolist()) for n, d, x in read_safetensors(file.read_bytes())}
        check("safetensors, bf16 to even", back == {"a": ("BF16", [[1.0, -2.0]]), "b": ("F16", [0.5])})


def pruning(check):
    x = np.arange(1, 41, dtype=np.float32).reshape(4, 10) * np.where(np.arange(40).reshape(4, 10) % 3, 1, -1).astype(np.float32)
    edge, node = np.where(np.abs(x) <= 12, 0, x), np.where(np.arange(4)[:, None] < 1, 0, x)
    quads = x.copy()
    quads[:, [0, 1, 4, 5, 8]] = 0
    moved, extra, one = edge.copy(), edge.copy(), quads.copy()
    moved[3, 9], moved[0, 0] = 0, x[0, 0]
    extra[3, 9] = 0
    one[1, 0] = x[1, 0]
    swapped = quads.copy()
    swapped[2, 1], swapped[2, 3] = x[2, 1], 0
    wrong = goals.pruned_error
    check("edge", wrong([x], [edge], "edge", 0.3) is None)
    check("edge: a larger one", wrong([x], [moved], "edge", 0.3) is not None)
    check("edge: one too many", wrong([x], [extra], "edge", 0.3) is not None)
    check("edge: a fraction", wrong([x], [edge], "edge", 0.31) is None and wrong([x], [edge], "edge", 0.33) is not None)
    check("node", wrong([x], [node], "node", 0.25) is None and wrong([x], [node[::-1]], "node", 0.25) is not None)
    check("2:4", wrong([x], [quads], "2:4", 0.5) is None)
    check("2:4: a quad with one", wrong([x], [one], "2:4", 0.5) is not None)
    check("2:4: a larger one", wrong([x], [swapped], "2:4", 0.5) is not None)


def faults(check):
    """The checks of rates and errors on an ideal quantizer, and on ones with a fault."""
    def missed(fault):
        ideal = tool.Ideal(fault)
        rows = list(goals.rates(ideal, [3, 6], 256)) + list(goals.errors(ideal, [("Gaussian", "F32", goals.drawn("Gaussian", rows=256))]))
        return {r.goal for r in rows if not r.met}, rows
    right, rows = missed(None)
    check(f"an ideal quantizer meets them: {[r for r in rows if not r.met]}", right <= {"2 SQNR"})
    high = {"Gaussian": -1.53, "Laplace": -0.91}  # SQNR = 6.02 rate + this at high rates: log2 of the differential entropy
    check("and has the entropy's SQNR at high rates",
          all(abs(float(r.measured) - 6.0206 * 6 - high[r.case.split()[0]]) < 0.06 for r in rows
              if r.goal == "2 SQNR" and r.case.split()[2] == "6"))
    for fault, goal in (("window", "1 --target-bpw"), ("entropy", "4 size / entropy"), ("max-error", "1 --max-error")):
        check(f"a fault is noticed: {fault}", goal in missed(fault)[0])
    check("window", goals.in_window(4.5, 4.4901) and not goals.in_window(4.5, 4.489) and not goals.in_window(4.5, 4.5001))


def main():
    results = []

    def check(name, good):
        results.append(bool(good))
        if not good:
            print(f"FAILED {name}")
    for part in (layouts, floats_by_blocks, bitsandbytes, published, measures, pruning, faults):
        part(check)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1
