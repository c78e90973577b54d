// SPDX-License-Identifier: Apache-2.0
// The accumulators of XXH3 by a warp: lane = 8 * group + i has a copy of accumulator i and takes
// the stripes group, group + 4, ... of each block of 16, whose loads do not wait for each other.
// Within a block the stripes only add up, so the four groups' sums are added by two shuffles at its
// end, in any order with the same result.
#pragma once
#include "gramzip/core/checksum128.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
// Stripes before the last one, which may overlap them, in whole blocks. n > 240.
GRAMZIP_HD inline uint32_t whole_blocks(uint32_t n) {
  return (n - 1) / xxh3::kStripe / xxh3::kStripesPerBlock;
}

class Xxh3Lane {
 public:
  static constexpr uint32_t kGroups = 4, kRounds = xxh3::kStripesPerBlock / kGroups;
  const uint32_t i;  // accumulator

  // p: where the range begins.
  __device__ Xxh3Lane(const uint8_t* p, uint32_t lane)
      : i(lane & 7), group_(lane >> 3), aligned_((reinterpret_cast<uintptr_t>(p) & 7) == 0) {
    for (uint32_t k = 0; k < kRounds; ++k)
      secrets_[k] = xxh3::secret64(8 * (group_ + kGroups * k) + 8 * i);
    scramble_secret_ = xxh3::secret64(xxh3::kScrambleSecret + 8 * i);
  }

  // What a block of the range adds to accumulator i; all lanes take part.
  __device__ uint64_t block_sum(const uint8_t* block) const {
    const uint8_t* at = block + group_ * xxh3::kStripe;
    uint64_t part = 0;
#pragma unroll
    for (uint32_t k = 0; k < kRounds; ++k)
      part += stripe_part(at + k * kGroups * xxh3::kStripe, secrets_[k], aligned_);
    return add_groups(part);
  }
  // The same of what is left behind the range's whole blocks.
  __device__ uint64_t rest_sum(const uint8_t* p, uint32_t n) const {
    const uint32_t stripes = (n - 1) / xxh3::kStripe, whole = whole_blocks(n);
    const uint8_t* at = p + whole * xxh3::kBlock + group_ * xxh3::kStripe;
    uint64_t part = 0;
#pragma unroll
    for (uint32_t k = 0; k < kRounds; ++k)
      if (whole * xxh3::kStripesPerBlock + kGroups * k + group_ < stripes)
        part += stripe_part(at + k * kGroups * xxh3::kStripe, secrets_[k], aligned_);
    return add_groups(part) + stripe_part(p + n - xxh3::kStripe,
                                          xxh3::secret64(xxh3::kLastSecret + 8 * i),
                                          aligned_ && n % 8 == 0);
  }
  __device__ uint64_t scramble(uint64_t acc) const { return xxh3::scramble(acc, scramble_secret_); }

 private:
  __device__ static uint64_t load_word(const uint8_t* p, bool aligned) {
    return aligned ? *reinterpret_cast<const uint64_t*>(p) : load_le<uint64_t>(p);
  }
  // What accumulator i gets from one stripe.
  __device__ uint64_t stripe_part(const uint8_t* stripe, uint64_t secret, bool aligned) const {
    return xxh3::contribution(load_word(stripe + 8 * i, aligned),
                              load_word(stripe + 8 * (i ^ 1), aligned), secret);
  }
  __device__ static uint64_t add_groups(uint64_t part) {
    part += __shfl_xor_sync(kAllLanes, part, 8);
    return part + __shfl_xor_sync(kAllLanes, part, 16);
  }

  uint32_t group_;
  bool aligned_;
  uint64_t secrets_[kRounds];
  uint64_t scramble_secret_;
};
}  // namespace gramzip::kernels
