// SPDX-License-Identifier: Apache-2.0
// Bytes of matches, phase 3 of decoding n-gram text (kernels/text_decode.h): from sources to bytes.
// Does not allocate, does not synchronise.
#pragma once
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
struct TextMatchTuning {
  uint32_t warps = 8;  // units a CTA
  uint32_t hops = 2;   // sources that a byte follows in a round, beyond its own
};
inline constexpr uint32_t kMatchUnit = 128;  // bytes a warp
// Rounds that resolve any chain of fewer than `bytes` copies: ceil(log_(hops + 1) bytes).
constexpr uint32_t match_rounds(uint64_t bytes, uint32_t hops) {
  uint32_t rounds = 0;
  for (uint64_t reach = 1; reach < bytes; reach *= hops + 1) ++rounds;
  return rounds;
}
inline constexpr uint32_t kMaxMatchRounds = 24;  // hops = 1, segments of 2^24 bytes

// content, sources: `bytes` of them (a multiple of kMatchUnit, below 2^32) as text_expand leaves
// them; a source is never behind its byte, and no chain crosses a segment of more than
// longest_segment bytes. Workspace: unit_done, a byte a unit; unfinished, kMaxMatchRounds + 1
// words. Leaves in sources the byte at which each chain ends.
cudaError_t text_match_copy(uint8_t* content, uint32_t* sources, uint64_t bytes,
                            uint32_t longest_segment, uint8_t* unit_done, uint32_t* unfinished,
                            const TextMatchTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
