// SPDX-License-Identifier: Apache-2.0
// Computes XXH3-64 of byte ranges, one warp a range.
//
//   range: | 1024-byte block | 1024-byte block | ... | last 64 bytes (may overlap) |
//   stripe s of a block:      64 bytes = 8 words, one an accumulator
//
// Lane = 8 * group + i: accumulator i, stripes group, group + 4, ... of each block of 16, whose
// loads do not wait for each other. Within a block the stripes only add up, so the four groups'
// partial sums are added by two shuffles at its end, in any order with the same result (64-bit
// integers); then all lanes scramble their copy of accumulator i. Reads each byte once (the last
// stripe up to twice): 1 byte moved a byte hashed.
#include "kernels/checksum.h"

#include "kernels/common/xxh3_lanes.h"

namespace gramzip::kernels {
namespace {
// The hash by a whole warp; every lane returns it. n > 240.
__device__ uint64_t hash_long(const uint8_t* p, uint32_t n, uint32_t lane) {
  const Xxh3Lane x(p, lane);
  uint64_t acc = xxh3::initial(x.i);
  for (uint32_t block = 0; block < whole_blocks(n); ++block)
    acc = x.scramble(acc + x.block_sum(p + block * xxh3::kBlock));
  acc += x.rest_sum(p, n);
  uint64_t all[xxh3::kAccumulators];
  for (uint32_t k = 0; k < xxh3::kAccumulators; ++k) all[k] = __shfl_sync(kAllLanes, acc, k);
  return xxh3::merge(all, n);
}

__global__ void checksum_kernel(const uint8_t* bytes, const HashRange* ranges, uint32_t count,
                                uint8_t* out, uint32_t out_stride) {
  const uint32_t lane = threadIdx.x % kWarp;
  const uint32_t i = blockIdx.x * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  if (i >= count) return;  // a whole warp leaves
  const HashRange r = ranges[i];
  const uint8_t* p = bytes + r.at;
  const uint64_t h =
      r.bytes > xxh3::kLongInput ? hash_long(p, r.bytes, lane) : xxh3::hash_short(p, r.bytes);
  if (lane == 0) *reinterpret_cast<uint64_t*>(out + uint64_t{i} * out_stride) = h;
}
}  // namespace

cudaError_t checksum(const uint8_t* bytes, const HashRange* ranges, uint32_t count, uint64_t* out,
                     uint32_t out_stride_bytes, const ChecksumTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  const Launch config{dim3(static_cast<uint32_t>(ceil_div(count, tuning.warps))),
                      dim3(tuning.warps * kWarp), 0, stream};
  return launch(config, checksum_kernel, bytes, ranges, count, reinterpret_cast<uint8_t*>(out),
                out_stride_bytes);
}
}  // namespace gramzip::kernels
