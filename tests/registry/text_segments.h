// SPDX-License-Identifier: Apache-2.0
// Segments of n-gram text made of random tokens: every symbol, distance and mode that the format
// allows, not only those that a parser would choose.
#pragma once
#include "tests/registry/random_models.h"
#include "tests/registry/segments.h"

namespace gramzip::test {
struct TextSegment {
  EncodedSegment coded;
  std::shared_ptr<const model::TextModel> model;
  std::vector<uint8_t> content;
};
// How a segment's tokens are drawn; as `seed` falls by default.
struct TokenStyle {
  int match_eighths = -1;  // tokens that are matches where one is possible
  bool short_near =
      false;  // matches of 2 and 3 bytes from just before: the deepest chains of copies
};
// block_log2: 18 as the format has it, or lower, down to 9, for many blocks of few bytes.
TextSegment random_text_segment(std::shared_ptr<const model::TextModel> model, uint64_t seed,
                                size_t bytes, uint32_t block_log2, TokenStyle style = {});
// Blocks 0 to blocks - 1.
Decoded decode_text(Backend& backend, const TextSegment& s, uint32_t blocks);
Decoded decode_text(Backend& backend, const TextSegment& s);
// All segments in one call.
std::vector<Decoded> decode_texts(Backend& backend, std::span<const TextSegment> segments);
// Sets the hash of a block's coded bytes to what they are.
void refresh_coded_hash(TextSegment& s, uint32_t block);
}  // namespace gramzip::test
