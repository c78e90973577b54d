# SPDX-License-Identifier: Apache-2.0
"""The goals of quantization, each measured by decoding real files: (goal, what was wanted, what was measured, met).

Generated tensors have 2^20 weights, 1024 by 1024, of a fixed seed, with a standard deviation of 0.02. A check that the
command refuses counts as missed, with its message."""
import collections

import numpy as np

from quant_inputs import READ, WRITE
from quant_tool import NAME, Refused, entropy, matrix, row_mean_error, sqnr, step_of

Row = collections.namedtuple("Row", "goal case wanted measured met")
SQNR = {  # bits a weight: dB wanted of iid Gaussian and Laplace weights
    2: (9.9, 11.6), 3: (16.0, 17.8), 4: (22.2, 23.8), 4.25: (23.7, 25.3), 4.5: (25.3, 26.8), 6: (34.2, 35.6), 8: (46.0, 47.0),
}
RATES = [0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 3.5, 4, 4.25, 4.5, 5, 6, 6.5625, 7, 8, 8.5]
WINDOW = 0.01


def drawn(kind, dtype="F32", rows=1024, columns=1024, seed=5):
    """Weights as a file of this type holds them."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((rows, columns)) if kind == "Gaussian" else generator.laplace(size=(rows, columns)) / 2 ** 0.5
    return READ[dtype](WRITE[dtype]((0.02 * x).astype(np.float32))).reshape(rows, columns)


def attempt(goal, case, wanted, check):
    """check() gives (what was measured, whether it is met)."""
    try:
        measured, met = check()
    except Refused as e:
        measured, met = str(e), False
    return Row(goal, case, wanted, measured, bool(met))


def in_window(target, bpw):
    return target - WINDOW - 1e-9 <= bpw <= target + 1e-9


def rates(tool, targets=RATES, rows=1024):
    """Goals 1 (window), of whole files; 2 and 4, of the tensor alone."""
    for column, kind in enumerate(("Gaussian", "Laplace")):
        for dtype in ("F32", "BF16"):
            x = drawn(kind, dtype, rows)
            for target in targets:
                case = f"{kind} {dtype} {target:g} bpw"
                try:
                    _, of_file = tool.one(x, dtype, "--target-bpw", target)
                    y, bpw = tool.at_rate(x, dtype, target)
                except Refused as e:
                    yield Row("1 --target-bpw", case, "a file", str(e), False)
                    continue
                yield Row("1 --target-bpw", case, f"{target - WINDOW:g} to {target:g}", f"{of_file:.4f}",
                          in_window(target, of_file))
                if target in SQNR:
                    db, wanted = sqnr(x, y), SQNR[target][column]
                    yield Row("2 SQNR", case, f">= {wanted}", f"{db:.2f}", db >= wanted - 0.005)
                if dtype == "F32":
                    # A trellis codes its levels in fewer bits than their entropy: what the coder wastes shows without it.
                    y, bpw = tool.at_rate(x, dtype, target, "--method", "uniform")
                    most, share = 1.02 if target <= 2 else 1.025, bpw / max(entropy(y), 1e-9)
                    yield Row("4 size / entropy", case, f"<= {most}", f"{share:.4f}", share <= most)


def errors(tool, tensors):
    """Goal 1: --target-sqnr and --max-error; tensors: (case, dtype, array), real ones beside those generated."""
    for case, dtype, x in tensors:
        for target in (10, 20, 30, 40):
            def meets():
                y, bpw = tool.one(x, dtype, "--target-sqnr", target)
                db = sqnr(x, y)
                return f"{db:.3f} ({bpw:.3f} bpw)", target <= db <= target + 0.05
            yield attempt("1 --target-sqnr", f"{case} {target} dB", f"{target} to {target + 0.05:g}", meets)
        for share in (0.02, 0.1, 0.5):
            limit = float(f"{share * x.std():.3g}")

            def keeps():
                y, bpw = tool.one(x, dtype, "--max-error", repr(limit))
                worst = float(np.abs(x.astype(np.float64) - y.astype(np.float64)).max())
                return f"{worst / limit:.4f} of it ({bpw:.3f} bpw)", worst <= limit
            yield attempt("1 --max-error", f"{case} {share:g} sigma", "<= 1 of it", keeps)


def means(tool, tensors):
    """Goal 5: the largest error of a row's mean in steps / columns, and what that costs beside the same levels without it, which
    are those of one uniform quantizer."""
    for case, dtype, x in tensors:
        for target in (4, 4.5, 6):
            def constrained():
                plain, before = tool.one(x, dtype, "--target-bpw", target, "--method", "uniform")
                y, bpw = tool.one(x, dtype, "--target-bpw", target, "--mean-constrained")
                unit = step_of(plain) / matrix(x).shape[1]
                worst, loss = row_mean_error(x, y) / unit, sqnr(x, plain) - sqnr(x, y)
                text = f"{worst:.3f} (was {row_mean_error(x, plain) / unit:.1f}), -{loss:.3f} dB, {bpw - before:+.4f} bpw"
                return text, worst <= 1 and loss <= 0.03 and bpw <= target + 1e-9
            yield attempt("5 mean constraint", f"{case} {target:g} bpw", "<= 1 step / columns, 0.03 dB, no bits", constrained)


def pruned_error(x, y, kind, sparsity):
    """Of one group of weights that is pruned as one (a list of matrices): what is wrong, or None."""
    zero = [m == 0 for m in y]
    if kind == "2:4":
        for a, z in zip(x, zero):
            whole = a.shape[1] // 4 * 4
            quads = np.abs(a[:, :whole]).reshape(-1, 4)
            gone = z[:, :whole].reshape(-1, 4)
            smallest = np.sort(quads, axis=1)[:, 1:2]
            if (gone.sum(axis=1) != 2).any() or (quads > smallest)[gone].any():
                return f"{int((gone.sum(axis=1) != 2).sum())} quads without two zeros, {int((quads > smallest)[gone].sum())} wrong"
        return None
    if kind == "node":
        size = np.concatenate([np.square(a.astype(np.float64)).sum(axis=1) for a in x])
        gone = np.concatenate([z.all(axis=1) for z in zero])
        weights = np.concatenate([np.full(len(a), a.shape[1]) for a in x])
    else:
        size = np.concatenate([np.abs(a).ravel() for a in x])
        gone = np.concatenate([z.ravel() for z in zero])
        weights = np.ones(len(gone))
    if abs(weights[gone].sum() - sparsity * weights.sum()) >= weights.max():  # sparsity is a share of weights: to one row of them
        return f"{int(weights[gone].sum())} weights pruned, {sparsity * weights.sum():.1f} asked for"
    if gone.any() and not gone.all() and size[gone].max() > size[~gone].min():
        return f"{int((size[gone] > size[~gone].min()).sum())} pruned that are larger than one kept"
    return None


def prunings(tool):
    """Goal 6. Three tensors of unlike scale and odd sizes, no weight within 0.1 deviations of 0: with 8.5 bits for each weight
    that is kept none of these rounds to 0, so that the zeros are what was pruned."""
    x = [(f"layers.{i}.mlp.weight", "F32", s * drawn("Gaussian", rows=r, columns=c, seed=i))
         for i, (s, r, c) in enumerate([(1, 517, 1030), (3, 800, 700), (0.4, 640, 1000)])]
    x = [(n, d, a + np.where(a < 0, -0.1, 0.1).astype(np.float32) * a.std()) for n, d, a in x]
    for kind in ("edge", "node", "2:4"):
        for scope in ("global", "local"):
            for sparsity in [0.5] if kind == "2:4" else [0.3, 0.503, 0.9]:
                def exact():
                    where = 0 if kind == "node" else -sparsity * np.log2(sparsity) - (1 - sparsity) * np.log2(1 - sparsity)
                    target = (1 - sparsity) * 8.5 + where
                    options = [] if kind == "2:4" else ["--scope", scope, "--sparsity", sparsity]
                    result = tool.quantize(x, "--prune", kind, *options, "--target-bpw", f"{target:.3f}")
                    pairs = [(matrix(a), matrix(result.tensors[n])) for n, _, a in x]
                    groups = [pairs] if scope == "global" else [[p] for p in pairs]
                    wrong = [pruned_error([a for a, _ in g], [b for _, b in g], kind, sparsity) for g in groups]
                    wrong = [w for w in wrong if w]
                    return "; ".join(wrong) or f"exact, {result.bits / result.weights:.3f} bpw", not wrong
                if kind != "2:4" or scope == "global":  # 2:4 knows no scope
                    yield attempt("6 pruning", f"{kind} {scope} {sparsity:g}", "exact to one weight", exact)
    for kind in ("Gaussian", "Laplace"):
        for group in ("row", "tensor"):
            def small():
                y, bpw = tool.one(drawn(kind), "F32", "--prune", "edge", "--sparsity", 0.9, "--method", "linear", "--bits", 4,
                                  "--group", group)
                return f"{bpw:.4f} bpw, {100 * float((y == 0).mean()):.2f} % zeros", bpw <= 0.9 and (y == 0).mean() >= 0.9 - 1e-6
            yield attempt("6 90 % pruned, 4 bits", f"{kind}, a scale a {group}", "<= 0.9 bpw", small)


def same_bytes(tool):
    """Goal 7 as far as one machine without a device shows it: threads. Kernels have their parity tests."""
    x = [(NAME, "BF16", drawn("Laplace", "BF16"))]

    def same():
        archives = []
        for threads in (1, 2, 5):
            tool.quantize(x, "--target-bpw", 4.5, "--threads", threads)
            archives.append(tool.archive.read_bytes())
        return f"{len(set(archives))} different of {len(archives)}", len(set(archives)) == 1
    yield attempt("7 same bytes", "1, 2 and 5 threads", "1 different", same)


def all_goals(tool, real):
    """real: (case, dtype, array) of the real tensors that errors and means are also measured on."""
    generated = [(f"{kind} {dtype}", dtype, drawn(kind, dtype)) for kind in ("Gaussian", "Laplace") for dtype in ("F32", "BF16")]
    yield from same_bytes(tool)
    yield from prunings(tool)
    yield from means(tool, generated[:2] + real)
    yield from errors(tool, generated + real)
    yield from rates(tool)
