// SPDX-License-Identifier: Apache-2.0
// Parts of a block that all encoders write alike, by a warp (docs/format.md, 2.4 and 4).
#pragma once
#include "gramzip/core/bitpack.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
__device__ inline void fill_zero(uint8_t* p, uint32_t from, uint32_t to, uint32_t lane) {
  for (uint32_t i = from + lane; i < to; i += kWarp) p[i] = 0;
}

// The raw values of the group that the block's end cuts: fewer than eight. By one lane.
__device__ inline void write_last_raw(const uint8_t* elements, const Split& split,
                                      const BlockPlan& plan, uint8_t* plane) {
  const uint32_t bits = split.raw_bits, whole = plan.n / kLaneGroup;
  for (uint32_t i = whole * bits; i < plan.raw_bytes; ++i) plane[i] = 0;
  for (uint32_t j = whole * kLaneGroup; j < plan.n; ++j)
    or_bits(plane, uint64_t{j} * bits, bits, split.raw(load_element(elements, j, split.bytes)));
}

// The class ids of the block's runs, number(r) of run r, and the zeros up to lanes_at. A lane a
// byte: it takes all fields that reach into it.
template <class Number>
__device__ void write_class_ids(const BlockPlan& plan, uint32_t tables, uint8_t* out, uint32_t lane,
                                Number number) {
  const uint32_t bits = class_id_bits(tables);
  const auto runs = static_cast<uint32_t>(ceil_div(plan.n, kRunElements));
  for (uint32_t i = lane; i < plan.lanes_at - plan.ids_at; i += kWarp) {
    uint32_t byte = 0;
    for (uint32_t r = 8 * i / bits; r < runs && r * bits < 8 * i + 8; ++r) {
      const uint32_t id = number(r);
      byte |= r * bits >= 8 * i ? id << (r * bits - 8 * i) : id >> (8 * i - r * bits);
    }
    out[plan.ids_at + i] = static_cast<uint8_t>(byte);
  }
}

// The lane header at lanes_at and the zeros up to the rows. words: of this lane. Returns the tail
// words of the lanes before it.
__device__ inline uint32_t write_lane_header(uint8_t* out, uint32_t lanes_at, LaneHead head,
                                             uint32_t words, uint32_t lane) {
  const uint32_t extra = words - head.rows;
  fill_zero(out, lanes_at + 4 + 4 * head.extra_bits, lanes_at + lane_header_bytes(head.extra_bits),
            lane);
  if (lane == 0) store_le<uint32_t>(out + lanes_at, pack_lane_head(head));
  for (uint32_t k = 0; k < head.extra_bits; ++k) {
    const uint32_t bits = __ballot_sync(kAllLanes, (extra >> k) & 1u);
    if (lane == 0) store_le<uint32_t>(out + lanes_at + 4 + 4 * k, bits);
  }
  // Tails lie behind the rows in order of lanes.
  uint32_t upto = extra;
  for (uint32_t d = 1; d < kWarp; d *= 2) {
    const uint32_t other = __shfl_up_sync(kAllLanes, upto, d);
    if (lane >= d) upto += other;
  }
  return upto - extra;
}

// A block that is not coded: raw, all of its content; constant, its first element; repeat.
__device__ inline void write_uncoded(const BlockState& state, const uint8_t* content, uint8_t* out,
                                     uint32_t lane) {
  if (state.mode == BlockMode::repeat) {
    if (lane == 0) store_le<uint32_t>(out, state.repeat_of);
    return;
  }
  const uint32_t chunks = state.coded_bytes / 16;
  for (uint32_t i = lane; i < chunks; i += kWarp)
    reinterpret_cast<uint4*>(out)[i] = reinterpret_cast<const uint4*>(content)[i];
  for (uint32_t i = chunks * 16 + lane; i < state.coded_bytes; i += kWarp) out[i] = content[i];
}

// The launch of `count` blocks, `warps` of them a CTA.
inline Launch a_warp_a_block(uint32_t count, uint32_t warps, cudaStream_t stream) {
  return {dim3(static_cast<uint32_t>(ceil_div(count, warps))), dim3(warps * kWarp), 0, stream};
}
}  // namespace gramzip::kernels
