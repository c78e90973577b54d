// SPDX-License-Identifier: Apache-2.0
// Records into bytes, phase 2 of decoding n-gram text (kernels/text_decode.h): strings are copied,
// and every byte learns its source. Also raw and constant blocks, and blocks that are not ok.
#pragma once
#include "kernels/text_decode.h"

namespace gramzip::kernels {
struct TextExpandTuning {
  // Pieces a CTA, one a warp; a divisor of 32. Eight lanes' records share the sectors they lie in.
  static constexpr uint32_t kMaxWarps = 8;
  uint32_t warps = kMaxWarps;
};

// Arrays as text_decode has them. sources[i]: the index in content of the byte that byte i copies,
// i itself where the byte is known; a copy of the bytes that the copy makes points in front of it.
// Bytes of copies are written as zero. A block that is not ok is zeros that copy nothing; a repeat
// copies the block that it names. Writes sources of whole kTextAlign units.
cudaError_t text_expand(const DeviceBlock* blocks, uint32_t count, const DeviceSegment* segments,
                        const BlockState* states, const TextMachine* machines, const uint8_t* data,
                        const uint32_t* records, const uint32_t* record_counts,
                        const BlockStatus* statuses, uint8_t* content, uint32_t* sources,
                        const TextExpandTuning& tuning, cudaStream_t stream);
// Turns ok into bad_decoded_hash where hashes[i] is not states[i].decoded_hash.
cudaError_t text_judge(const BlockState* states, const uint64_t* hashes, uint32_t count,
                       BlockStatus* statuses, cudaStream_t stream);
}  // namespace gramzip::kernels
