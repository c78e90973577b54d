// SPDX-License-Identifier: Apache-2.0
// The order of a block's elements (docs/format.md, 14.2) as a CTA finds it, each warp for a strip
// of the block: name_groups, count_strip, place_strips, a barrier between any two; then each warp
// knows the places of its strip (Places).
#pragma once
#include "kernels/common/group_rows.h"

namespace gramzip::kernels {
inline constexpr uint32_t kSparseWarps = 8;  // of a CTA

// The elements of a warp: whole rows of the n of a block.
struct Strip {
  uint32_t first, end;
  __device__ Strip(uint32_t n, uint32_t warp) {
    const auto size = static_cast<uint32_t>(round_up(ceil_div(n, kSparseWarps), kWarp));
    first = warp * size;
    end = min(first + size, n);
  }
};

// In shared memory.
struct BlockOrder {
  delta::Groups groups;
  uint32_t begin[delta::kMaxGroups + 1];           // the places where groups begin
  uint32_t next[kSparseWarps][delta::kMaxGroups];  // a strip: elements, then the first one's place
  uint8_t group_of[delta::kMaxExponents];

  template <class Word>
  __device__ void count_strip(const GroupedElements<Word>& elements, const Strip& strip,
                              uint32_t warp, uint32_t lane) {
    Places counted(0);
    for_rows(elements, strip.first, strip.end, lane,
             [&](uint32_t, Word, uint32_t, const GroupRow& row) { counted.pass(row, lane); });
    if (lane < delta::kMaxGroups) next[warp][lane] = counted.next();
  }
};

// The group of each exponent, by the CTA.
__device__ inline void name_groups(BlockOrder& o, const delta::Arithmetic& a) {
  for (uint32_t i = threadIdx.x; i < a.exponents(); i += blockDim.x)
    o.group_of[i] = static_cast<uint8_t>(o.groups.of(i));
}

// From the counts of strips to places, by one warp.
__device__ inline void place_strips(BlockOrder& o, uint32_t lane) {
  uint32_t count = 0;
  if (lane < o.groups.count)
    for (uint32_t w = 0; w < kSparseWarps; ++w) count += o.next[w][lane];
  uint32_t upto = count;
  for (uint32_t d = 1; d < kWarp; d *= 2) {
    const uint32_t other = __shfl_up_sync(kAllLanes, upto, d);
    if (lane >= d) upto += other;
  }
  if (lane < delta::kMaxGroups) {
    uint32_t place = upto - count;
    o.begin[lane] = place;
    if (lane + 1 == delta::kMaxGroups) o.begin[delta::kMaxGroups] = upto;
    for (uint32_t w = 0; w < kSparseWarps; ++w) {
      const uint32_t size = o.next[w][lane];
      o.next[w][lane] = place;
      place += size;
    }
  }
}
}  // namespace gramzip::kernels
