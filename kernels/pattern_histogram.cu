// SPDX-License-Identifier: Apache-2.0
// Counts elements of 16 bits by pattern: what quantizers of BF16 and F16 are designed from.
//
//   elements:  | 2^14 | 2^14 | ...         a CTA takes every gridDim-th piece, 16 bytes a thread
//   shared:    counts [65536] of 16 bits   kernels/common/bins.h
//   counts:    [65536] u64
//
// Reads each element once. Sums of integers, so no order matters.
#include "kernels/pattern_histogram.h"

namespace gramzip::kernels {
namespace {
struct Pattern {
  __device__ uint32_t operator()(uint16_t x) const { return x; }
};

__global__ void __launch_bounds__(kBinsThreads)
    pattern_kernel(const uint16_t* elements, uint64_t n, BinCount* counts) {
  count_bins(elements, n, kMaxBins, counts, Pattern{});
}
}  // namespace

cudaError_t pattern_histogram(const uint8_t* elements, uint64_t n, BinCount* counts,
                              const PatternHistogramTuning& tuning, cudaStream_t stream) {
  if (n == 0) return cudaSuccess;
  return launch(bins_launch(n, kMaxBins, tuning.ctas, stream), pattern_kernel,
                reinterpret_cast<const uint16_t*>(elements), n, counts);
}
}  // namespace gramzip::kernels
