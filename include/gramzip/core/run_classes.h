// SPDX-License-Identifier: Apache-2.0
// Which code table a run of 256 elements takes, and the order in which elements with a period are
// coded (docs/format.md, 4 and 12): what an encoder decides run by run, in integers.
#pragma once
#include "gramzip/core/limits.h"

namespace gramzip {
// Costs of symbols, a row of kMaxTables classes each, in 1/16 bit. At most kMaxClassCost, so that
// the sum over a run fits 16 bits.
using ClassCost = uint16_t;
inline constexpr uint32_t kClassCostLog2 = 4;
inline constexpr uint32_t kMaxClassCost = 255;
static_assert(kMaxClassCost * kRunElements < 1u << 16);

// The class, of the first `classes`, whose sum is least; the lowest of equals.
GRAMZIP_HD inline uint32_t least_class(const uint16_t* sums, uint32_t classes) {
  uint32_t best = 0;
  for (uint32_t c = 1; c < classes; ++c)
    if (sums[c] < sums[best]) best = c;
  return best;
}

// The definition that every backend's loops compute: symbols[0..n) with the costs of `costs`.
template <class Symbol>
GRAMZIP_HD inline uint32_t choose_class(const Symbol* symbols, uint32_t n, const ClassCost* costs,
                                        uint32_t classes) {
  uint16_t sums[kMaxTables] = {};
  for (uint32_t j = 0; j < n; ++j) {
    const ClassCost* row = costs + uint32_t{symbols[j]} * kMaxTables;
    for (uint32_t c = 0; c < kMaxTables; ++c) sums[c] = static_cast<uint16_t>(sums[c] + row[c]);
  }
  return least_class(sums, classes);
}

// ---- With a period: element i of a block of n, in the order of coding, is the one at position
// ---- plane_position(i). The first n mod period planes have an element more than the others.
struct Planes {
  uint32_t n, period;
  uint32_t whole;   // bytes of a short plane
  uint32_t longer;  // planes with one more
};
GRAMZIP_HD inline Planes make_planes(uint32_t n, uint32_t period) {
  return {n, period, n / period, n % period};
}
// Where plane p begins in the order of elements.
GRAMZIP_HD inline uint32_t plane_begin(const Planes& s, uint32_t p) {
  return p * s.whole + (p < s.longer ? p : s.longer);
}
GRAMZIP_HD inline uint32_t plane_of(const Planes& s, uint32_t i) {
  const uint32_t in_longer = s.longer * (s.whole + 1);
  return i < in_longer ? i / (s.whole + 1) : s.longer + (i - in_longer) / s.whole;
}
GRAMZIP_HD inline uint32_t plane_position(const Planes& s, uint32_t i) {
  const uint32_t p = plane_of(s, i);
  return p + (i - plane_begin(s, p)) * s.period;
}
// The place in the order of coding of the element at `position`.
GRAMZIP_HD inline uint32_t plane_element(const Planes& s, uint32_t position) {
  return plane_begin(s, position % s.period) + position / s.period;
}
}  // namespace gramzip
