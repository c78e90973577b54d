# SPDX-License-Identifier: Apache-2.0
"""Predicts the speed of every kernel of bench/kernels.csv on the devices of bench/devices.csv, without a device.

    roofline.py [--device NAME] [--csv FILE]

Bounds, in bytes of content a second: issue (4 instructions a clock and SM), the slowest pipe, passes of the load and
store unit, HBM, L2, and latency (what the resident warps have in flight). The least of them is the prediction: what
the kernel cannot exceed, not what it will reach.
"""
import argparse
import csv
import math
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
# Warp instructions a clock and SM by pipe; fp64 is the device's own.
PIPE_RATE = {"alu": 2.0, "imad": 2.0, "xu": 0.5, "shfl": 1.0, "vote": 1.0, "uniform": 2.0, "branch": 2.0}
ISSUE_RATE = 4.0
ARITHMETIC_CLOCKS = 5  # of one dependent instruction
SHARED_CLOCKS = 29
WARP = 32
CTA_SHARED = 1024  # bytes that the system takes of each CTA
FIELDS = ("name", "device", "registers", "warps", "issue", "pipe", "pipe_name", "passes", "hbm", "l2", "latency",
          "gbps", "bound", "of_copy")


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def resident_warps(threads, registers, shared, device):
    """Warps of a kernel that one SM holds."""
    warps = math.ceil(threads / WARP)
    by_warp = math.ceil(registers * WARP / 256) * 256  # registers are given out 256 at a time
    ctas = min(int(device["ctas"]), int(device["threads"]) // (warps * WARP), int(device["registers"]) // (by_warp * warps),
               int(float(device["shared_kib"]) * 1024) // (shared + CTA_SHARED))
    return ctas * warps


def clocks_of_waits(waits, device):
    """'l1:8 l2:0.5': loads of an iteration that wait for each other, by where they end."""
    clocks = {"shared": SHARED_CLOCKS, "l1": float(device["l1_clocks"]), "l2": float(device["l2_clocks"]),
              "hbm": float(device["hbm_clocks"])}
    return sum(float(n) * clocks[place] for place, n in (w.split(":") for w in waits.split()))


def predict(kernel, sass, resources, device):
    """A row of FIELDS; speeds in GB/s of content."""
    content, hz = float(sass["content"]) * WARP, float(device["sms"]) * float(device["ghz"])
    instructions = int(sass["instructions"])
    per_pipe = {p: int(sass[p]) / rate for p, rate in PIPE_RATE.items()}
    per_pipe["fp64"] = int(sass["fp64"]) * WARP / float(device["fp64_lanes"])
    slowest = max(per_pipe, key=per_pipe.get)
    passes = int(sass["passes"]) + float(kernel["extra_passes"])
    moved = float(kernel["moved"]) + float(kernel["moved_coded"]) / float(kernel["ratio"])
    shared = int(resources["shared"]) + int(kernel["dynamic_shared"])
    warps = resident_warps(int(kernel["threads"]), int(resources["registers"]), shared, device)
    # Waits hide nothing of their own warp; the arithmetic between them is as long as the chain, a third of all.
    chain = clocks_of_waits(kernel["waits"], device) + instructions / 3 * ARITHMETIC_CLOCKS
    bounds = {
        "issue": hz * ISSUE_RATE * content / instructions,
        "pipe": hz * content / per_pipe[slowest],
        "passes": hz * content / passes if passes else math.inf,
        "hbm": float(device["hbm_gbps"]) / moved,
        "l2": float(device["l2_gbps"]) / float(kernel["l2"]) if float(kernel["l2"]) else math.inf,
        "latency": hz * warps * content / chain,
    }
    bound = min(bounds, key=bounds.get)
    return {"name": kernel["name"], "device": device["device"], "registers": int(resources["registers"]), "warps": warps,
            "pipe_name": slowest, "gbps": bounds[bound], "bound": slowest if bound == "pipe" else bound,
            "of_copy": bounds[bound] / (float(device["hbm_gbps"]) / 2), **bounds}


def predict_all(root=ROOT):
    kernels, devices = read(root / "bench" / "kernels.csv"), read(root / "bench" / "devices.csv")
    sass = {(r["name"], r["arch"]): r for r in read(root / "docs" / "kernels" / "sass.csv")}
    resources = {(r["source"], r["kernel"], r["arch"]): r for r in read(root / "docs" / "kernels" / "resources.csv")}
    rows = []
    for device in devices:
        for k in kernels:
            counted = sass.get((k["name"], device["arch"]))
            used = resources.get((k["source"], k["kernel"], device["arch"]))
            if counted and used:
                rows.append(predict(k, counted, used, device))
            else:
                print(f"{k['name']}: not counted for {device['arch']}", file=sys.stderr)
    return rows


def rounded(row):
    return {f: (f"{row[f]:.3g}" if isinstance(row[f], float) else row[f]) for f in FIELDS}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", help="only this one")
    parser.add_argument("--csv", help="write all figures there")
    args = parser.parse_args()
    rows = [r for r in predict_all() if args.device in (None, r["device"])]
    if not rows:
        sys.exit(f"no device {args.device} in bench/devices.csv")
    print("| kernel | device | warps an SM | GB/s of content | bound | share of a copy |\n|---|---|---|---|---|---|")
    for r in rows:
        print(f"| {r['name']} | {r['device']} | {r['warps']} | {r['gbps']:.0f} | {r['bound']} | {r['of_copy']:.2f} |")
    if args.csv:
        with open(args.csv, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(map(rounded, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
