# SPDX-License-Identifier: Apache-2.0
"""The results of run_all.py as JSON, CSV and SVG.

GB/s are content bytes by the median and by the least time. of_copy: the share of what cudaMemcpy would reach copying
the same content, 1 being as fast as a copy.
"""
import csv
import json
from xml.sax.saxutils import escape

FIELDS = ("kind", "case", "step", "name", "content_bytes", "coded_bytes", "runs", "median_s", "min_s", "median_gbps",
          "best_gbps", "of_copy")
KINDS = {"kernel": "Kernels", "call": "Calls of the backend, host memory to host memory", "file": "Files",
         "peer": "nvCOMP, in device memory"}
COLOURS = {"encode": "#b5651d", "compress": "#b5651d", "decode": "#1d6fb5", "decompress": "#1d6fb5"}


def copy_seconds_a_byte(result):
    return result["copy"]["memcpy"]["median_s"] / result["copy"]["bytes"]


def complete(result):
    """The measurements with speeds and shares."""
    rows = []
    for m in result["measurements"]:
        gb = m["content_bytes"] / 1e9
        rows.append(dict(m, median_gbps=gb / m["median_s"], best_gbps=gb / m["min_s"],
                         of_copy=copy_seconds_a_byte(result) * m["content_bytes"] / m["median_s"]))
    return rows


def svg(title, rows):
    """A bar a row, the longest filling the width; figures beside the bars."""
    bar, left, width = 20, 430, 460
    most = max(r["median_gbps"] for r in rows)
    height = 50 + bar * len(rows)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 170}" height="{height}" '
             'font-family="sans-serif" font-size="12">', f'<text x="10" y="24" font-size="16">{escape(title)}, GB/s</text>']
    for i, r in enumerate(rows):
        y = 40 + bar * i
        label = f"{r['case']}, {r['content_bytes'] >> 20} MiB, {r['step']}: {r['name']}"
        length = width * r["median_gbps"] / most
        parts.append(f'<text x="{left - 6}" y="{y + 13}" text-anchor="end" font-size="10">{escape(label[-75:])}</text>')
        parts.append(f'<rect x="{left}" y="{y + 2}" width="{length:.1f}" height="{bar - 5}" '
                     f'fill="{COLOURS.get(r["step"], "#777")}"/>')
        parts.append(f'<text x="{left + length + 5:.1f}" y="{y + 13}">{r["median_gbps"]:.3g} '
                     f'({100 * r["of_copy"]:.3g} % of a copy)</text>')
    return "\n".join(parts) + "\n</svg>\n"


def write(result, stem):
    """Writes stem.json, stem.csv and stem-KIND.svg; returns their paths."""
    rows = complete(result)
    paths = [stem.with_name(stem.name + ".json"), stem.with_name(stem.name + ".csv")]
    paths[0].write_text(json.dumps(dict(result, measurements=rows), indent=1) + "\n", encoding="utf-8")
    with open(paths[1], "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for r in rows:
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in r.items()})
    for kind, title in KINDS.items():
        of_kind = [r for r in rows if r["kind"] == kind]
        if of_kind:
            paths.append(stem.with_name(f"{stem.name}-{kind}.svg"))
            paths[-1].write_text(svg(f"{title}, {result['device']['name']}", of_kind), encoding="utf-8")
    return paths
