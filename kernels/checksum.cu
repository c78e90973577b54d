// SPDX-License-Identifier: Apache-2.0
// Computes XXH3-64 of byte ranges, one warp a range.
//
//   range: | 1024-byte block | 1024-byte block | ... | last 64 bytes (may overlap) |
//   stripe s of a block:      64 bytes = 8 words, one an accumulator
//
// Lane = 8 * group + i: accumulator i, stripes group, group + 4, ... of each block of 16. Within a
// block the stripes only add up, so the four groups' partial sums are added by two shuffles at its
// end, in any order with the same result (64-bit integers); then all lanes scramble their copy of
// accumulator i. Reads each byte once (the last stripe up to twice): 1 byte moved a byte hashed.
#include "kernels/checksum.h"

#include "gramzip/core/checksum.h"

namespace gramzip::kernels {
namespace {
__device__ uint64_t load_word(const uint8_t* p, bool aligned) {
  return aligned ? *reinterpret_cast<const uint64_t*>(p) : load_le<uint64_t>(p);
}

// What accumulator `i` gets from one stripe.
__device__ uint64_t stripe_part(const uint8_t* stripe, uint32_t i, uint32_t secret, bool aligned) {
  return xxh3::contribution(load_word(stripe + 8 * i, aligned),
                            load_word(stripe + 8 * (i ^ 1), aligned),
                            xxh3::secret64(secret + 8 * i));
}

__device__ uint64_t add_groups(uint64_t part) {
  part += __shfl_xor_sync(kAllLanes, part, 8);
  return part + __shfl_xor_sync(kAllLanes, part, 16);
}

// The hash by a whole warp; every lane returns it. n > 240.
__device__ uint64_t hash_long(const uint8_t* p, uint32_t n, uint32_t lane) {
  const uint32_t i = lane & 7, group = lane >> 3;
  const bool aligned = (reinterpret_cast<uintptr_t>(p) & 7) == 0;
  const uint32_t stripes = (n - 1) / xxh3::kStripe;
  uint64_t acc = xxh3::initial(i);
  for (uint32_t block = 0; block < stripes; block += xxh3::kStripesPerBlock) {
    const uint32_t count = min(stripes - block, xxh3::kStripesPerBlock);
    uint64_t part = 0;
    for (uint32_t s = group; s < count; s += 4)
      part += stripe_part(p + uint64_t{block + s} * xxh3::kStripe, i, 8 * s, aligned);
    acc += add_groups(part);
    if (count == xxh3::kStripesPerBlock)
      acc = xxh3::scramble(acc, xxh3::secret64(xxh3::kScrambleSecret + 8 * i));
  }
  const bool last_aligned = aligned && n % 8 == 0;
  acc += stripe_part(p + n - xxh3::kStripe, i, xxh3::kLastSecret, last_aligned);
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
