// SPDX-License-Identifier: Apache-2.0
// Computes XXH3-128 of long ranges in two steps.
//
//   range:  | 1024 bytes | 1024 bytes | ...      a warp each -> sums of 8 accumulators, 64 bytes
//   sums:   | 8 sums | 8 sums | ...              a warp a range: add, scramble, add, scramble, ...
//
// A block's sums do not depend on the accumulators before it (core/checksum.h), so all of a range's
// are made at once, and only the chain of scrambles is serial: 8 lanes, one accumulator each, a
// dozen instructions a KiB. Integer sums have no order. Moves 1.13 bytes a byte hashed.
#include "kernels/content_hash.h"

#include "kernels/common/xxh3_lanes.h"

namespace gramzip::kernels {
namespace {
constexpr uint32_t kMostRanges = 65535;  // of a grid's second dimension

__global__ void sums_kernel(const uint8_t* bytes, const HashRange* ranges, const uint32_t* sums_at,
                            BlockSums* sums) {
  const uint32_t lane = threadIdx.x % kWarp;
  const uint32_t block = blockIdx.x * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  const HashRange r = ranges[blockIdx.y];
  if (r.bytes <= xxh3::kLongInput || block >= whole_blocks(r.bytes)) return;  // a whole warp leaves
  const uint8_t* p = bytes + r.at;
  const Xxh3Lane x(p, lane);
  const uint64_t sum = x.block_sum(p + uint64_t{block} * xxh3::kBlock);
  if (lane < xxh3::kAccumulators) sums[sums_at[blockIdx.y] + block].of[lane] = sum;
}

__global__ void chain_kernel(const uint8_t* bytes, const HashRange* ranges, const uint32_t* sums_at,
                             const BlockSums* sums, xxh3::Pair* hashes) {
  const uint32_t lane = threadIdx.x;
  const HashRange r = ranges[blockIdx.x];
  const uint8_t* p = bytes + r.at;
  xxh3::Pair hash;
  if (r.bytes <= xxh3::kLongInput) {
    hash = xxh3::hash128_short(p, r.bytes);
  } else {
    const Xxh3Lane x(p, lane);
    const BlockSums* mine = sums + sums_at[blockIdx.x];
    const uint32_t blocks = whole_blocks(r.bytes);
    uint64_t acc = xxh3::initial(x.i);
    // Loads do not wait for the chain.
#pragma unroll 8
    for (uint32_t b = 0; b < blocks; ++b) acc = x.scramble(acc + mine[b].of[x.i]);
    acc += x.rest_sum(p, r.bytes);
    uint64_t all[xxh3::kAccumulators];
    for (uint32_t k = 0; k < xxh3::kAccumulators; ++k) all[k] = __shfl_sync(kAllLanes, acc, k);
    hash = xxh3::merge128(all, r.bytes);
  }
  if (lane == 0) hashes[blockIdx.x] = hash;
}
}  // namespace

cudaError_t content_hash(const uint8_t* bytes, const HashRange* ranges, const uint32_t* sums_at,
                         uint32_t count, uint32_t most_bytes, BlockSums* sums, xxh3::Pair* hashes,
                         const ContentHashTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  const auto ctas = static_cast<uint32_t>(ceil_div(block_sums(most_bytes), tuning.warps));
  for (uint32_t first = 0; first < count && ctas > 0; first += kMostRanges) {
    const uint32_t some = count - first < kMostRanges ? count - first : kMostRanges;
    const cudaError_t status =
        launch(Launch{dim3(ctas, some), dim3(tuning.warps * kWarp), 0, stream}, sums_kernel, bytes,
               ranges + first, sums_at + first, sums);
    if (status != cudaSuccess) return status;
  }
  return launch(Launch{dim3(count), dim3(kWarp), 0, stream}, chain_kernel, bytes, ranges, sums_at,
                sums, hashes);
}
}  // namespace gramzip::kernels
