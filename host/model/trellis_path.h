// SPDX-License-Identifier: Apache-2.0
// The cheapest path of a run of weights through the trellis of codec 5 (docs/format.md, 16):
// squared error and what codes take, by Viterbi's algorithm.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "host/model/quantizer.h"

namespace gramzip::quant {
inline constexpr uint32_t kLeastSearched =
    4;  // log2 of the states of the smallest trellis searched

// What the search needs of a quantizer, in units in which prices are about 1. Level i stands at
// at[i + kFront].
struct TrellisLevels {
  static constexpr uint32_t kFront = 3, kBehind = 5;

  TrellisLevels() = default;
  // q.levels.trellis is 4 to 8. Throws Error(internal) if it is not, or if prices and levels are
  // not as many.
  explicit TrellisLevels(const Quantizer& q);

  uint32_t count = 0, states_log2 = 0;
  double per_unit = 1;  // units of a weight of 1
  float escape = 0;     // its price
  std::vector<float> at, price;
};

//   x: of n weights, 1 to 256, in units.
//   below: number of the greatest level not above each, 0 if there is none, t.count for weights
//   that are kept as they are. path: the number of the level of each; t.count likewise.
void find_path(const TrellisLevels& t, const float* x, const uint16_t* below, uint32_t n,
               uint16_t* path);
// By instruction set; all find the same paths.
using FindPath = void (*)(const TrellisLevels& t, const float* x, const uint16_t* below, uint32_t n,
                          uint16_t* path);
void find_path_baseline(const TrellisLevels& t, const float* x, const uint16_t* below, uint32_t n,
                        uint16_t* path);
#if defined(GRAMZIP_HAVE_AVX2)
void find_path_avx2(const TrellisLevels& t, const float* x, const uint16_t* below, uint32_t n,
                    uint16_t* path);
#endif
#if defined(GRAMZIP_HAVE_AVX512)
void find_path_avx512(const TrellisLevels& t, const float* x, const uint16_t* below, uint32_t n,
                      uint16_t* path);
#endif
}  // namespace gramzip::quant
