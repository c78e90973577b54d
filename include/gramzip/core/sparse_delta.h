// SPDX-License-Identifier: Apache-2.0
// Changes of few elements (docs/format.md, 14.2): the order in which a block's elements are gone
// through, the pieces of it that lanes hold, and the head of a coded block.
//
// Elements whose base values have like exponents change equally often, so they are gone through
// group by group, and what lies between two changes is coded as their distance in that order. The
// order and the pieces follow from the base and from the segment's groups alone.
#pragma once
#include "gramzip/core/delta.h"
#include "gramzip/core/wire.h"

namespace gramzip::delta {
// Groups of exponents of a segment: group g has those from bound[g] up to the next bound.
struct Groups {
  uint32_t count;              // 1 to kMaxGroups
  uint16_t bound[kMaxGroups];  // bound[0] = 0
  uint16_t rate[kMaxGroups];   // 1 or more: how often elements change, in proportion

  GRAMZIP_HD uint32_t of(uint32_t exponent) const {
    uint32_t g = 0;
    while (g + 1 < count && bound[g + 1] <= exponent) ++g;
    return g;
  }
};
// Code tables of a group: of gaps that begin in it, and of changes in it.
GRAMZIP_HD constexpr uint32_t gap_table(uint32_t group) { return 2 * group; }
GRAMZIP_HD constexpr uint32_t change_table(uint32_t group) { return 2 * group + 1; }

// The places in the order where groups begin: begin[g] for g <= count. counts: elements of each
// group.
GRAMZIP_HD inline void group_begins(const uint32_t* counts, uint32_t groups, uint32_t* begin) {
  begin[0] = 0;
  for (uint32_t g = 0; g < groups; ++g) begin[g + 1] = begin[g] + counts[g];
}

// Where the pieces of the lanes begin: lane l has places piece(l) to piece(l + 1) - 1. Pieces weigh
// alike, the weight of an element being the rate of its group.
GRAMZIP_HD inline uint64_t total_weight(const Groups& groups, const uint32_t* begin) {
  uint64_t weight = 0;
  for (uint32_t g = 0; g < groups.count; ++g)
    weight += uint64_t{begin[g + 1] - begin[g]} * groups.rate[g];
  return weight;
}
GRAMZIP_HD inline uint32_t piece_begin(const Groups& groups, const uint32_t* begin, uint64_t weight,
                                       uint32_t lane, uint32_t lane_log2) {
  uint64_t rest = weight * lane >> lane_log2;
  for (uint32_t g = 0; g < groups.count; ++g) {
    const uint64_t size = uint64_t{begin[g + 1] - begin[g]} * groups.rate[g];
    if (rest < size) return begin[g] + static_cast<uint32_t>(rest / groups.rate[g]);
    rest -= size;
  }
  return begin[groups.count];
}

// ---- The head of a block: its first word, then the extra of each lane in extra_bits bits. ----
struct SparseHead {
  uint32_t least_bits;  // of any lane
  uint32_t extra_bits;  // K: of the largest number of bits beyond them
  uint32_t lane_log2;   // 0 to 5
};
inline constexpr uint32_t kMaxSparseExtra = 21;
inline constexpr uint32_t kMaxLaneLog2 = 5;
// What an encoder chooses for a block of so many changes: few changes are not worth many lanes.
GRAMZIP_HD inline uint32_t lane_log2_of(uint32_t changes) {
  constexpr uint32_t kChangesPerLane = 16;
  uint32_t log2 = 0;
  while (log2 < kMaxLaneLog2 && changes >> (log2 + 1) >= kChangesPerLane) ++log2;
  return log2;
}
GRAMZIP_HD inline uint32_t pack_sparse_head(const SparseHead& h) {
  return h.least_bits | (h.extra_bits << 24) | (h.lane_log2 << 29);
}
GRAMZIP_HD inline SparseHead unpack_sparse_head(uint32_t w) {
  return {w & 0xffffffu, (w >> 24) & 31u, w >> 29};
}
GRAMZIP_HD inline uint32_t sparse_head_bits(const SparseHead& h) {
  return 32 + (h.extra_bits << h.lane_log2);
}
}  // namespace gramzip::delta
