// SPDX-License-Identifier: Apache-2.0
// The class of each run: what its symbols cost in every class, summed (core/run_classes.h). Included
// by the encoder's loops of each instruction set.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>

#include "gramzip/core/run_classes.h"
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace gramzip::cpu {
namespace {
#if defined(__AVX2__)
constexpr uint32_t kClassesOfAVector = 16;

// The lowest place of the least of 8, 16, ... values.
template <uint32_t kVectors>
inline uint32_t place_of_least(const __m256i* sums) {
  __m256i least = sums[0];
  if constexpr (kVectors == 2) least = _mm256_min_epu16(least, sums[1]);
  const __m128i one = _mm_minpos_epu16(
      _mm_min_epu16(_mm256_castsi256_si128(least), _mm256_extracti128_si256(least, 1)));
  const __m256i value = _mm256_broadcastw_epi16(one);
  uint64_t equal = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi16(sums[0], value)));
  if constexpr (kVectors == 2)
    equal |= static_cast<uint64_t>(
                 static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi16(sums[1], value))))
             << 32;
  return static_cast<uint32_t>(std::countr_zero(equal)) / 2;
}

// Classes beyond those that there are have the highest costs, and the lowest of equals is taken.
template <uint32_t kVectors>
uint32_t choose(const uint16_t* symbols, uint32_t n, const ClassCost* costs) {
  __m256i sums[kVectors], more[kVectors];
  for (uint32_t v = 0; v < kVectors; ++v) sums[v] = more[v] = _mm256_setzero_si256();
  const auto row = [&](uint32_t j, uint32_t v) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(
        costs + size_t{symbols[j]} * kMaxTables + v * kClassesOfAVector));
  };
  uint32_t j = 0;
  for (; j + 2 <= n; j += 2)
    for (uint32_t v = 0; v < kVectors; ++v) {
      sums[v] = _mm256_add_epi16(sums[v], row(j, v));
      more[v] = _mm256_add_epi16(more[v], row(j + 1, v));
    }
  for (; j < n; ++j)
    for (uint32_t v = 0; v < kVectors; ++v) sums[v] = _mm256_add_epi16(sums[v], row(j, v));
  for (uint32_t v = 0; v < kVectors; ++v) sums[v] = _mm256_add_epi16(sums[v], more[v]);
  return place_of_least<kVectors>(sums);
}
#endif

void choose_classes(const uint16_t* symbols, uint32_t n, const ClassCost* costs, uint32_t classes,
                    uint8_t* class_ids) {
  for (uint32_t first = 0; first < n; first += kRunElements) {
    const uint32_t size = std::min(kRunElements, n - first);
#if defined(__AVX2__)
    const uint32_t id = classes <= kClassesOfAVector ? choose<1>(symbols + first, size, costs)
                                                     : choose<2>(symbols + first, size, costs);
#else
    const uint32_t id = choose_class(symbols + first, size, costs, classes);
#endif
    *class_ids++ = static_cast<uint8_t>(id);
  }
}
}  // namespace
}  // namespace gramzip::cpu
