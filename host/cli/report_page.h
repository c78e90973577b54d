// SPDX-License-Identifier: Apache-2.0
// The style sheet and the script of an error report's page.
#pragma once

namespace gramzip::cli {
inline constexpr char kReportStyle[] = R"css(
:root { color-scheme: light dark; --page: #fbfbfa; --ink: #1d2329; --soft: #5d6670; --line: #dcdfe2;
  --tensor: #2468b4; --total: #c2410c; --peer: #7a6a9c; --exact: #1d7f5f; --before: #cfd8e3; }
@media (prefers-color-scheme: dark) { :root { --page: #15181c; --ink: #e6e8ea; --soft: #9aa4ae;
  --line: #30363d; --tensor: #6ba6e8; --total: #fb923c; --peer: #b3a3d6; --exact: #4cc38a;
  --before: #36414d; } }
body { background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
  margin: 0 auto; max-width: 1080px; padding: 24px 20px 64px; }
h1 { font-size: 22px; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 36px 0 8px; }
p, li { color: var(--soft); overflow-wrap: anywhere; }
dl { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0; }
dl div { border: 1px solid var(--line); border-radius: 8px; min-width: 110px; padding: 8px 14px; }
dt { color: var(--soft); font-size: 12px; }
dd { font-size: 19px; font-variant-numeric: tabular-nums; margin: 0; }
svg { display: block; height: auto; max-width: 820px; width: 100%; }
svg text { fill: var(--ink); font: 11px system-ui, sans-serif; }
svg .tick, svg .axis, .legend { fill: var(--soft); }
svg .grid { stroke: var(--line); }
svg .bound { stroke: var(--soft); stroke-dasharray: 5 4; }
svg .peer { fill: var(--peer); }
svg .tensor { fill: var(--tensor); fill-opacity: .55; }
svg .exact { fill: var(--exact); }
svg .total { fill: var(--total); }
svg .bin, svg .after { fill: var(--tensor); }
svg .before { fill: var(--before); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: 4px 8px; text-align: right; white-space: nowrap; }
th { position: sticky; top: 0; background: var(--page); }
th button { all: unset; cursor: pointer; font-weight: 600; }
th button:focus-visible { outline: 2px solid var(--tensor); }
th[aria-sort=ascending] button::after { content: " \2191"; }
th[aria-sort=descending] button::after { content: " \2193"; }
td.text, th.text { text-align: left; }
tr[data-h] { cursor: pointer; }
tr.sum td { font-weight: 600; }
)css";

// The page allows this script alone, by its SHA-256.
inline constexpr char kReportScriptHash[] = "sha256-uXGH3AxXtwUVkJrcgnnI5XsVWv2QQnpJAI2uxXhqW4Q=";
inline constexpr char kReportScript[] = R"js(
"use strict";
(() => {
  const table = document.getElementById("tensors");
  const value = (row, i) => {
    const cell = row.cells[i], v = cell.dataset.v;
    return v === undefined ? cell.textContent : v === "NaN" ? -Infinity : Number(v);
  };
  table.tHead.addEventListener("click", (e) => {
    const th = e.target.closest("th");
    if (!th) return;
    const up = th.getAttribute("aria-sort") === "descending" ? 1 : -1, i = th.cellIndex;
    for (const other of th.parentNode.cells) other.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", up > 0 ? "ascending" : "descending");
    const rows = Array.from(table.tBodies[0].rows);
    rows.sort((a, b) => {
      const x = value(a, i), y = value(b, i);
      return up * (x < y ? -1 : x > y ? 1 : 0);
    });
    table.tBodies[0].append(...rows);
  });
  const bins = document.querySelectorAll("#histogram rect.bin");
  const title = document.getElementById("histogram-of");
  document.addEventListener("click", (e) => {
    const row = e.target.closest("tr[data-h]");
    if (!row) return;
    const counts = row.dataset.h.split(" ").map(Number), most = Math.max(1, ...counts);
    bins.forEach((bin, i) => {
      const high = 160 * counts[i] / most;
      bin.setAttribute("y", 180 - high);
      bin.setAttribute("height", high);
    });
    title.textContent = row.dataset.name;
  });
})();
)js";
}  // namespace gramzip::cli
