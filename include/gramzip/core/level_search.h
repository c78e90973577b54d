// SPDX-License-Identifier: Apache-2.0
// The number of thresholds that are <= x: a cell of a uniform grid says which few can be, and a
// branchless binary search ends it. Exact for every x that is no NaN, whatever the grid.
//
//   thresholds   |    |  |  |   |     |           ascending; padded with infinities
//   cells       [   |   |   |   |   |   ]         cell of x: a monotone function of x
//   first        0   1    2   4   5   5           thresholds in the cells before
//
// Thresholds of earlier cells are below x and those of later cells above it, as the function is
// monotone. So the count is first[cell] and what the at most 2^steps - 1 of x's own cell add.
#pragma once
#include "gramzip/core/config.h"

namespace gramzip::quant {
struct LevelSearch {
  const double* thresholds;  // count + 2^steps of them, the last 2^steps infinite
  const uint16_t* first;     // one a cell
  uint32_t count;            // of thresholds
  int32_t cells;
  uint32_t steps;
  double origin, inverse_width;
  double lowest, highest;  // outside: kept

  GRAMZIP_HD int32_t cell(double x) const {
    double c = (x - origin) * inverse_width;
    c = c > 0 ? c : 0;  // also if c is a NaN: infinity times 0
    const double last = cells - 1;
    return static_cast<int32_t>(c < last ? c : last);
  }
  // `few`: 1 if steps is at most that, as it is with evenly spaced thresholds; else 0.
  template <uint32_t few = 0>
  GRAMZIP_HD uint32_t below(double x) const {
    uint32_t i = first[cell(x)];
    if constexpr (few == 1)
      i += thresholds[i] <= x ? 1u : 0u;
    else
      for (uint32_t s = steps; s-- > 0;) i += thresholds[i + (1u << s) - 1] <= x ? 1u << s : 0u;
    return i < count ? i : count;
  }
  // The level of x, or count + 1, the number of levels, for what is kept.
  template <uint32_t few = 0>
  GRAMZIP_HD uint32_t level(double x, bool finite) const {
    const uint32_t i = below<few>(x);
    return finite & (x >= lowest) & (x <= highest) ? i : count + 1;
  }
};
}  // namespace gramzip::quant
