// SPDX-License-Identifier: Apache-2.0
// The matches that the positions of a segment offer (core/parse.h), before the offers of positions
// before are taken into account. Does not allocate, does not synchronise.
#pragma once
#include "kernels/common/text_input.h"

namespace gramzip::kernels {
// An offer: length in bits 24 to 37, distance in bits 0 to 23; 0: none.
using PackedOffer = uint64_t;
__device__ inline PackedOffer pack_offer(text::MatchOffer m) {
  return uint64_t{m.length} << 24 | m.distance;
}
__device__ inline text::MatchOffer unpack_offer(PackedOffer o) {
  return {static_cast<uint32_t>(o) & 0xffffffu, static_cast<uint32_t>(o >> 24)};
}

struct TextMatchFindTuning {
  uint32_t threads = 256;
};

// Working memory and results, `bytes` (of the content buffer) long where not said otherwise.
struct TextMatchArrays {
  uint64_t* keys;
  uint64_t* sorted;
  PackedOffer* offers[text::kMatchSlots];
  PackedOffer* runs;  // a group of text::kGroup bytes: the match that all its positions share
  void* sort_workspace;
  size_t sort_workspace_bytes;
};
// Workspace of the sort.
cudaError_t text_match_find_size(uint64_t bytes, uint32_t segments, size_t& sort_workspace_bytes,
                                 cudaStream_t stream);
// Segments lie in content at multiples of 128, padded to them, from 0 to `bytes`, and 8 bytes may
// be read behind. The longest hash is in use (ways > 0).
cudaError_t text_match_find(const uint8_t* content, uint64_t bytes, const DeviceSegment* segments,
                            const TextInput* inputs, uint32_t segment_count,
                            uint32_t longest_segment, const TextMatchArrays& arrays,
                            const TextMatchFindTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
