// SPDX-License-Identifier: Apache-2.0
// Symbols of text into coded blocks (docs/format.md, 9).
#pragma once
#include <cstdint>
#include <vector>

#include "host/cpu/text_parse.h"
#include "host/model/encode_tables.h"

namespace gramzip::cpu {
// Working memory of one thread, reused from block to block.
class TextEncoder {
 public:
  // Writes block number `block` of the tokens' segment to `out`, which has room for
  // `content_bytes`, the size of the block's content, and returns its size; 0 if it is no smaller
  // than the content. The parse was made with costs in which what has no code is never taken.
  uint32_t encode(const SegmentTokens& tokens, uint32_t block, uint32_t content_bytes,
                  const model::TextEncodeTables& tables, uint8_t* out);

 private:
  std::vector<uint8_t> lane_bytes_;
};
}  // namespace gramzip::cpu
