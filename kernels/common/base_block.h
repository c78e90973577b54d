// SPDX-License-Identifier: Apache-2.0
// A block of a segment that has a base, before its codes are looked at (docs/format.md, 14).
#pragma once
#include "kernels/common/pattern.h"
#include "kernels/delta_decode.h"

namespace gramzip::kernels {
struct BaseBlock {
  const DeviceSegment* segment;
  const BlockState* state;
  const uint8_t* coded;
  const uint8_t* base;
  uint8_t* out;
  uint32_t size;  // decoded bytes
  bool hash_good;

  __device__ const SegmentHeader& header() const { return segment->header; }
  __device__ bool is_coded() const { return hash_good && state->mode == BlockMode::coded; }
  // What can be said of a coded block at once.
  __device__ bool has_room() const { return state->coded_bytes < size && header().tables > 0; }
};

// Block number `which` of a group.
__device__ inline BaseBlock base_block(const BaseBatch& batch, const DecodeGroup& group,
                                       uint32_t which) {
  const DeviceSegment& segment = batch.segments[group.segment];
  const uint32_t b = group.first + which, index = segment.first_block + b;
  const BlockState& s = batch.states[index];
  const DecodeOutput& output = batch.outputs[group.output + which];
  return {&segment,
          &s,
          batch.data + segment.data_at + s.data_at,
          batch.base + output.base_at,
          batch.content + output.at,
          segment.header.block_bytes(b),
          batch.coded_hashes[index] == s.coded_hash};
}

// A block that is not coded, by `threads` threads.
__device__ inline BlockStatus fill_base_block(const BaseBlock& b, uint32_t thread,
                                              uint32_t threads) {
  if (!b.hash_good) return BlockStatus::bad_coded_hash;
  const uint32_t element = element_info(b.header().type).bytes;
  const auto copy = [&](const uint8_t* from) {
    fill_block(
        b.out, b.size, thread, [&](uint32_t i) { return reinterpret_cast<const uint4*>(from)[i]; },
        [&](uint32_t i) { return from[i]; }, threads);
  };
  switch (b.state->mode) {
    case BlockMode::raw:
      if (b.state->coded_bytes != b.size) return BlockStatus::bad_block;
      copy(b.coded);
      return BlockStatus::ok;
    case BlockMode::constant:
      if (b.state->coded_bytes != element || b.size % element != 0) return BlockStatus::bad_block;
      fill_block(
          b.out, b.size, thread, [v = repeat_element(b.coded, element)](uint32_t) { return v; },
          [&](uint32_t i) { return b.coded[i % element]; }, threads);
      return BlockStatus::ok;
    case BlockMode::base:
      if (b.state->coded_bytes != 0) return BlockStatus::bad_block;
      copy(b.base);
      return BlockStatus::ok;
    default:
      return BlockStatus::bad_block;
  }
}
}  // namespace gramzip::kernels
