// SPDX-License-Identifier: Apache-2.0
// Counts of F32 and F64 elements by bucket (host/model/distribution.h). Does not allocate, does not
// synchronise.
#pragma once
#include "gramzip/core/elements.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
struct DistributionTuning {
  uint32_t threads = 256;
  uint32_t elements = 16;  // a thread
};
inline constexpr uint32_t kDistributionBuckets = 1u << 20;
// What a bucket's elements have in their lowest 12 bits. Room for 2^24 - 1 elements.
struct BucketSums {
  unsigned long long count_low;    // count x 2^40 + sum of the low bits
  unsigned long long low_squares;  // sum of their squares
};
struct DistributionTotals {
  unsigned long long not_finite;
  unsigned long long most;      // of FloatValues::order of the finite ones
  unsigned long long most_not;  // of 2^64 - 1 - that: zero bytes begin both
};
// Adds to buckets[2^20] and totals. elements: n below 2^24, aligned to their size.
cudaError_t distribution(ElementType type, const uint8_t* elements, uint32_t n, BucketSums* buckets,
                         DistributionTotals* totals, const DistributionTuning& tuning,
                         cudaStream_t stream);
}  // namespace gramzip::kernels
