// SPDX-License-Identifier: Apache-2.0
// What every core header needs: the host+device marker. Core code neither allocates nor does I/O,
// throws nothing and knows nothing of the CUDA runtime.
#pragma once
#include <cstddef>
#include <cstdint>

#if defined(__CUDACC__)
#define GRAMZIP_HD __host__ __device__
#else
#define GRAMZIP_HD
#endif

namespace gramzip {
// Rounds n up to a multiple of a, a power of two. The caller keeps n below 2^64 - a.
GRAMZIP_HD constexpr uint64_t round_up(uint64_t n, uint64_t a) { return (n + a - 1) & ~(a - 1); }
GRAMZIP_HD constexpr uint64_t ceil_div(uint64_t n, uint64_t d) { return (n + d - 1) / d; }
// Bits needed to tell n values apart: 0 for n <= 1.
GRAMZIP_HD constexpr uint32_t ceil_log2(uint32_t n) {
  uint32_t bits = 0;
  while ((uint64_t{1} << bits) < n) ++bits;
  return bits;
}
}  // namespace gramzip
