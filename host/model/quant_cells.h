// SPDX-License-Identifier: Apache-2.0
// A distribution as the design of quantizers reads it: cells on a line.
#pragma once
#include <cstddef>
#include <vector>

#include "host/model/distribution.h"

namespace gramzip::quant {
inline constexpr size_t kNoCell = ~size_t{0};

// Weights next to each other on the line, by cell, ascending. Cell i holds buckets begin[i] to
// begin[i + 1] - 1, if it was merged from others.
struct Cells {
  ElementType type = ElementType::bf16;
  std::vector<double> count, mean;
  std::vector<double> spread;  // sum of the squared distances from the mean
  std::vector<size_t> begin;
  double least = 0, most = 0;
  double total = 0;       // finite weights
  size_t zero = kNoCell;  // the cell of weights that are exactly 0, if they are to remain so

  size_t size() const { return count.size(); }
};

// A cell for each bucket; equal values share one. Zeros are to remain zeros if they are one weight
// of 16 or more.
Cells cells_of(const Distribution& d);
// Cells as wide as `width`, at most.
Cells merge_cells(const Cells& fine, double width);

// Where the weights of a cell of buckets are: one place if it is known, else its bucket.
struct Interval {
  double low = 0, high = 0;
};
Interval range_of(const Cells& c, size_t i);

// The threshold between two cells of buckets that are neighbours, by their means: weights of
// `above`'s bucket, and no others of these two, are at or above it.
double split_between(ElementType type, double below, double above);
// The greatest and least double below and above x, which is finite.
double next_below(double x);
double next_above(double x);
}  // namespace gramzip::quant
