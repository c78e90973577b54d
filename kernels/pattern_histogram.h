// SPDX-License-Identifier: Apache-2.0
// Counts of elements of 16 bits by pattern. Does not allocate, does not synchronise.
#pragma once
#include "kernels/common/bins.h"

namespace gramzip::kernels {
struct PatternHistogramTuning {
  uint32_t ctas = 132;  // at most; each has the shared memory of a multiprocessor
};
// Adds to counts[65536]. elements: n of them, aligned to 16 bytes.
cudaError_t pattern_histogram(const uint8_t* elements, uint64_t n, BinCount* counts,
                              const PatternHistogramTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
