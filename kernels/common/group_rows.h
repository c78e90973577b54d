// SPDX-License-Identifier: Apache-2.0
// Elements by group of their base's exponent, a warp 32 at a time (docs/format.md, 14.2): how many
// of each group, and the place of each in the order of groups. No order is made.
#pragma once
#include "gramzip/core/sparse_delta.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
// The groups of a warp's 32 elements as planes of their bits.
class GroupRow {
 public:
  __device__ GroupRow(uint32_t group, bool valid) : valid_(__ballot_sync(kAllLanes, valid)) {
    for (uint32_t b = 0; b < kPlanes; ++b) planes_[b] = __ballot_sync(kAllLanes, (group >> b) & 1u);
  }
  // The lanes whose element is of a group.
  __device__ uint32_t members(uint32_t group) const {
    uint32_t lanes = valid_;
    for (uint32_t b = 0; b < kPlanes; ++b)
      lanes &= planes_[b] ^ (((group >> b) & 1u) - 1u);  // the plane, or its complement
    return lanes;
  }

 private:
  static constexpr uint32_t kPlanes = 4;
  static_assert(delta::kMaxGroups == 1u << kPlanes);
  uint32_t valid_, planes_[kPlanes];
};

// The elements of a block and the groups of their exponents.
template <class Word>
struct GroupedElements {
  const Word* base;
  const uint8_t* group_of;  // an exponent's
  delta::Arithmetic arithmetic;
};

// The places of a warp's elements, 32 at a time: lane g < kMaxGroups holds the place of the next
// element of group g, so all 32 lanes must take part.
class Places {
 public:
  explicit __device__ Places(uint32_t next) : next_(next) {}
  __device__ uint32_t next() const { return next_; }
  // The place of this lane's element; then the row is behind.
  __device__ uint32_t take(const GroupRow& row, uint32_t group, uint32_t lane) {
    const uint32_t before = row.members(group) & ((1u << lane) - 1);
    const uint32_t place = __shfl_sync(kAllLanes, next_, static_cast<int>(group)) +
                           static_cast<uint32_t>(__popc(before));
    pass(row, lane);
    return place;
  }
  __device__ void pass(const GroupRow& row, uint32_t lane) {
    next_ += static_cast<uint32_t>(__popc(row.members(lane % delta::kMaxGroups)));
  }

 private:
  uint32_t next_;
};

// f(i, x, group, row) for the elements first to end - 1, by a warp: i = first + lane first. Lanes
// from `end` on get the group 0 and are in no row.
template <class Word, class F>
__device__ void for_rows(const GroupedElements<Word>& e, uint32_t first, uint32_t end,
                         uint32_t lane, F f) {
  for (; first < end; first += kWarp) {
    const uint32_t i = first + lane;
    const bool valid = i < end;
    const Word x = valid ? e.base[i] : Word{0};
    const uint32_t group = valid ? e.group_of[e.arithmetic.exponent(x)] : 0;
    f(i, x, group, GroupRow(group, valid));
  }
}
}  // namespace gramzip::kernels
