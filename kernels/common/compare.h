// SPDX-License-Identifier: Apache-2.0
// Comparing whole blocks, 16 bytes a thread.
#pragma once
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
// True for every thread if chunk(i) and byte(i) hold for all chunks of 16 bytes of a block and for
// the bytes behind the last. Ends early, 16 KiB of 256 threads at a time.
template <class Chunk, class Byte>
__device__ inline bool all_of(uint32_t size, Chunk chunk, Byte byte) {
  constexpr uint32_t kPerThread = 4;
  const uint32_t chunks = size / 16, rest = size % 16;
  bool good = threadIdx.x >= rest || byte(chunks * 16 + threadIdx.x);
  for (uint32_t base = 0; base < chunks; base += blockDim.x * kPerThread) {
#pragma unroll
    for (uint32_t k = 0; k < kPerThread; ++k) {
      const uint32_t i = base + k * blockDim.x + threadIdx.x;
      if (i < chunks) good = good && chunk(i);
    }
    if (!__syncthreads_and(good)) return false;
  }
  return __syncthreads_and(good);
}

__device__ inline bool same(const uint4& a, const uint4& b) {
  return ((a.x ^ b.x) | (a.y ^ b.y) | (a.z ^ b.z) | (a.w ^ b.w)) == 0;
}
}  // namespace gramzip::kernels
