// SPDX-License-Identifier: Apache-2.0
// The best division of a distribution into bins, each of which becomes one level.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "host/model/quant_cells.h"

namespace gramzip::quant {
// The longest code (docs/format.md, 16), and the share of code space that it takes.
inline constexpr double kLongestCode = 12;
inline constexpr double kLeastShare = 1.0 / 4096;

// What a division costs: squared error + slope * bits.
struct Price {
  double slope = 1;        // lambda
  double total = 0;        // weights
  double escape_bits = 0;  // of a weight kept as it is, behind its escape
  double level_bits = 0;   // of each level in the tables
  double segments = 1;     // that have tables

  // Of n weights that share a code: an ideal one, that is no longer than 12 bits. A rarer code
  // takes away code space from the others, which costs each of these a little.
  double bits(double n) const;
};

// Bin i is cells begin[i] to begin[i + 1] - 1. Weights of other cells are kept as they are.
struct Bins {
  std::vector<size_t> begin{0};

  size_t size() const { return begin.size() - 1; }
};

// The element nearest to the mean of a bin, as a double; 0 if the bin holds zeros to be kept.
double level_of(const Cells& c, size_t begin, size_t end);

// Of all divisions the cheapest one, by dynamic programming over the ends of bins; but for bins
// wider than `reach` (of more than 24 cells). Cells are not divided.
Bins best_bins(const Cells& c, const Price& price, double reach);
// Moves the ends of bins to where the levels on both sides cost the same, and levels to the middles
// of bins, in turns. bits: what a weight of each bin takes, for the first turn; ideal codes
// otherwise.
void refine(const Cells& c, const Price& price, uint32_t rounds, Bins& bins,
            std::span<const double> bits = {});
}  // namespace gramzip::quant
