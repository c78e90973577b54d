// SPDX-License-Identifier: Apache-2.0
// choose_class() of core/run_classes.h by vectors of the compiler, as wide as the including file's
// instruction set has them.
#pragma once
#include <cstdint>
#include <cstring>

#include "gramzip/core/run_classes.h"

namespace gramzip {
namespace {
#if defined(__GNUC__)
#if defined(__AVX512BW__)
constexpr uint32_t kSumBytes = 64;
#elif defined(__AVX2__)
constexpr uint32_t kSumBytes = 32;
#else
constexpr uint32_t kSumBytes = 16;
#endif
using ClassSums [[gnu::vector_size(kSumBytes)]] = uint16_t;
constexpr uint32_t kSumLanes = kSumBytes / sizeof(uint16_t);

// Vectors of classes side by side; two sums each, since an addition waits for the one before.
template <uint32_t kVectors>
inline void add_costs(const uint16_t* symbols, uint32_t shift, uint32_t n, const ClassCost* costs,
                      uint16_t* out) {
  ClassSums a[kVectors] = {}, b[kVectors] = {};
  const auto add = [&](ClassSums* to, uint32_t j) {
    const ClassCost* row = costs + size_t{static_cast<uint32_t>(symbols[j]) >> shift} * kMaxTables;
    for (uint32_t v = 0; v < kVectors; ++v) {
      ClassSums x;
      std::memcpy(&x, row + v * kSumLanes, sizeof(x));
      to[v] += x;
    }
  };
  uint32_t j = 0;
  for (; j + 2 <= n; j += 2) {
    add(a, j);
    add(b, j + 1);
  }
  if (j < n) add(a, j);
  for (uint32_t v = 0; v < kVectors; ++v) {
    a[v] += b[v];
    std::memcpy(out + v * kSumLanes, &a[v], sizeof(a[v]));
  }
}
#endif

// The class of symbols[0..n), each shifted down.
inline uint32_t class_of_run(const uint16_t* symbols, uint32_t shift, uint32_t n,
                             const ClassCost* costs, uint32_t classes) {
  uint16_t sums[kMaxTables];
#if defined(__GNUC__)
  constexpr uint32_t all = kMaxTables / kSumLanes;
  if (classes <= kSumLanes)
    add_costs<1>(symbols, shift, n, costs, sums);
  else if (classes <= 2 * kSumLanes || all <= 2)
    add_costs < all<2 ? all : 2>(symbols, shift, n, costs, sums);
  else
    add_costs<all>(symbols, shift, n, costs, sums);
#else
  for (uint16_t& s : sums) s = 0;
  for (uint32_t j = 0; j < n; ++j)
    for (uint32_t c = 0; c < classes; ++c)
      sums[c] = static_cast<uint16_t>(sums[c] + costs[(symbols[j] >> shift) * kMaxTables + c]);
#endif
  return least_class(sums, classes);
}
}  // namespace
}  // namespace gramzip
