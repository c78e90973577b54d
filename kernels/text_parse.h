// SPDX-License-Identifier: Apache-2.0
// Text into symbols (docs/format.md, 9): the cheapest way through each lane by core/parse.h. Does
// not allocate, does not synchronise.
#pragma once
#include "kernels/text_match_find.h"

namespace gramzip::kernels {
struct TextParseTuning {
  uint32_t warps = 1;  // blocks a CTA, one a warp
};

// By byte of content. Node p of a lane, 1 to its bytes, is at the index of its byte p - 1; repeats
// of position p at the index of byte p.
struct TextParseArrays {
  text::ParseNode* nodes;
  uint32_t* distances;     // of a node that is a match
  text::Repeats* repeats;  // working memory
  uint16_t* next;          // of a position on the best way: the next one
};
// Parses the blocks whose state has mode raw. codes: of each segment.
cudaError_t text_parse(const uint8_t* content, const DeviceSegment* segments,
                       const TextInput* inputs, const TextCodes* codes, const DeviceBlock* blocks,
                       const BlockState* states, uint32_t count,
                       const PackedOffer* const offers[text::kMatchSlots], const PackedOffer* runs,
                       const TextParseArrays& arrays, const TextParseTuning& tuning,
                       cudaStream_t stream);
}  // namespace gramzip::kernels
