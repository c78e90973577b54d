// SPDX-License-Identifier: Apache-2.0
// Rows of 32 words (word r of lane l at 128 r + 4 l) to contiguous lanes and back. Included by the
// loops of each instruction set; with AVX2, 8 x 8 words at a time.
#pragma once
#include <cstdint>
#include <cstring>

#include "gramzip/core/limits.h"
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace gramzip::cpu {
namespace {
constexpr size_t kRowBytes = kLanes * 4;

#if defined(__AVX2__)
// 8 x 8 words from `from` (rows `from_step` bytes apart) to `to`, transposed.
inline void transpose_8x8(const uint8_t* from, size_t from_step, uint8_t* to, size_t to_step) {
  __m256 r[8], s[8], t[8];
  for (size_t i = 0; i < 8; ++i)
    r[i] = _mm256_loadu_ps(reinterpret_cast<const float*>(from + i * from_step));
  for (size_t i = 0; i < 8; i += 2) {
    s[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    s[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (size_t i = 0; i < 8; i += 4) {
    t[i] = _mm256_shuffle_ps(s[i], s[i + 2], 0x44);
    t[i + 1] = _mm256_shuffle_ps(s[i], s[i + 2], 0xee);
    t[i + 2] = _mm256_shuffle_ps(s[i + 1], s[i + 3], 0x44);
    t[i + 3] = _mm256_shuffle_ps(s[i + 1], s[i + 3], 0xee);
  }
  for (size_t i = 0; i < 4; ++i) {
    _mm256_storeu_ps(reinterpret_cast<float*>(to + i * to_step),
                     _mm256_permute2f128_ps(t[i], t[i + 4], 0x20));
    _mm256_storeu_ps(reinterpret_cast<float*>(to + (i + 4) * to_step),
                     _mm256_permute2f128_ps(t[i], t[i + 4], 0x31));
  }
}
#endif

// Reads rows * 128 bytes of `row`; writes rows * 4 bytes of each lane.
[[maybe_unused]] void rows_to_lanes(const uint8_t* row, uint32_t rows, uint8_t* lanes,
                                    size_t stride) {
  uint32_t r = 0;
#if defined(__AVX2__)
  for (; r + 8 <= rows; r += 8)
    for (size_t l = 0; l < kLanes; l += 8)
      transpose_8x8(row + r * kRowBytes + 4 * l, kRowBytes, lanes + l * stride + size_t{4} * r,
                    stride);
#endif
  for (; r < rows; ++r)
    for (size_t l = 0; l < kLanes; ++l)
      std::memcpy(lanes + l * stride + size_t{4} * r, row + r * kRowBytes + 4 * l, 4);
}

[[maybe_unused]] void lanes_to_rows(const uint8_t* lanes, size_t stride, uint32_t rows,
                                    uint8_t* row) {
  uint32_t r = 0;
#if defined(__AVX2__)
  for (; r + 8 <= rows; r += 8)
    for (size_t l = 0; l < kLanes; l += 8)
      transpose_8x8(lanes + l * stride + size_t{4} * r, stride, row + r * kRowBytes + 4 * l,
                    kRowBytes);
#endif
  for (; r < rows; ++r)
    for (size_t l = 0; l < kLanes; ++l)
      std::memcpy(row + r * kRowBytes + 4 * l, lanes + l * stride + size_t{4} * r, 4);
}
}  // namespace
}  // namespace gramzip::cpu
