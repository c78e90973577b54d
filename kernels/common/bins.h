// SPDX-License-Identifier: Apache-2.0
// Counts of up to 65,536 bins in the shared memory of a CTA, 16 bits each, which a large one hands
// on to global memory while it is counted.
//
//   bins:    | bin 0, bin 1 | bin 2, bin 3 | ...       two a word, 128 KiB
//
// The thread that brings a bin to 2^15 takes these away again and adds them to the bin's global
// count. Between two barriers a CTA counts at most 2^14 elements, and at a barrier no bin has 2^15:
// so none overflows into its neighbour. Sums of integers have no order.
#pragma once
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
inline constexpr uint32_t kBinsThreads = 512;
inline constexpr uint32_t kBinsElements = 1u << 14;  // between two barriers
inline constexpr uint32_t kBinLimit = 1u << 15;
inline constexpr uint32_t kMaxBins = 1u << 16;
using BinCount = unsigned long long;

__device__ inline void add_to_bin(uint32_t* bins, BinCount* counts, uint32_t bin) {
  const uint32_t shift = 16 * (bin % 2);
  const uint32_t before = atomicAdd(&bins[bin / 2], 1u << shift);
  if (((before >> shift) & 0xffff) != kBinLimit - 1) return;
  atomicSub(&bins[bin / 2], kBinLimit << shift);
  atomicAdd(&counts[bin], BinCount{kBinLimit});
}

// By a grid of CTAs of kBinsThreads threads: bin_of(x) of each of n elements is counted, unless it
// is kMaxBins or more. `elements` is aligned to 16 bytes; bin_count is even.
template <class Bits, class BinOf>
__device__ void count_bins(const Bits* elements, uint64_t n, uint32_t bin_count, BinCount* counts,
                           const BinOf& bin_of) {
  GRAMZIP_DYN_SHARED(uint32_t, bins);
  for (uint32_t i = threadIdx.x; i < bin_count / 2; i += blockDim.x) bins[i] = 0;
  __syncthreads();
  constexpr uint32_t vector = 16 / sizeof(Bits);
  for (uint64_t begin = uint64_t{blockIdx.x} * kBinsElements; begin < n;
       begin += uint64_t{gridDim.x} * kBinsElements) {
    const auto size = static_cast<uint32_t>(n - begin < kBinsElements ? n - begin : kBinsElements);
    const Bits* const from = elements + begin;
    for (uint32_t i = threadIdx.x; i < size / vector; i += blockDim.x) {
      union {
        uint4 all;
        Bits each[vector];
      } v;
      v.all = reinterpret_cast<const uint4*>(from)[i];
#pragma unroll
      for (uint32_t k = 0; k < vector; ++k)
        if (const uint32_t bin = bin_of(v.each[k]); bin < kMaxBins) add_to_bin(bins, counts, bin);
    }
    const uint32_t last = size / vector * vector + threadIdx.x;  // fewer than `vector`
    if (last < size)
      if (const uint32_t bin = bin_of(from[last]); bin < kMaxBins) add_to_bin(bins, counts, bin);
    __syncthreads();
  }
  for (uint32_t i = threadIdx.x; i < bin_count; i += blockDim.x)
    if (const uint32_t c = (bins[i / 2] >> (16 * (i % 2))) & 0xffff; c > 0)
      atomicAdd(&counts[i], BinCount{c});
}

inline Launch bins_launch(uint64_t n, uint32_t bin_count, uint32_t ctas, cudaStream_t stream) {
  const uint64_t most = ceil_div(n, kBinsElements);
  return {dim3(static_cast<uint32_t>(most < ctas ? most : ctas)), dim3(kBinsThreads),
          bin_count / 2 * sizeof(uint32_t), stream};
}
}  // namespace gramzip::kernels
