// SPDX-License-Identifier: Apache-2.0
// Sizes and offsets of a coded block and of a segment, for every backend alike.
//
//   coded block: raw plane | class ids | lane header | rows | tails     (each part at a multiple of
//   32)
#pragma once
#include "gramzip/core/elements.h"
#include "gramzip/core/lanes.h"

namespace gramzip {
// The fixed part of a coded block of n elements: everything that does not depend on the codes.
struct BlockPlan {
  uint32_t n;          // elements
  uint32_t raw_bytes;  // of the raw plane, unpadded
  uint32_t ids_at;     // offset of the class ids
  uint32_t ids_bytes;  // unpadded
  uint32_t lanes_at;   // offset of the lane header

  GRAMZIP_HD uint32_t rows_at(uint32_t extra_bits) const {
    return lanes_at + lane_header_bytes(extra_bits);
  }
};

GRAMZIP_HD inline BlockPlan plan_block(uint32_t decoded_bytes, const Split& s, uint32_t tables) {
  BlockPlan p{};
  p.n = decoded_bytes / s.bytes;
  p.raw_bytes = s.inline_raw ? 0 : static_cast<uint32_t>(ceil_div(uint64_t{p.n} * s.raw_bits, 8));
  p.ids_at = static_cast<uint32_t>(round_up(p.raw_bytes, kBlockAlign));
  p.ids_bytes = static_cast<uint32_t>(ceil_div(ceil_div(p.n, kRunElements) * ceil_log2(tables), 8));
  p.lanes_at = p.ids_at + static_cast<uint32_t>(round_up(p.ids_bytes, kBlockAlign));
  return p;
}

// Bits of a class id.
GRAMZIP_HD inline uint32_t class_id_bits(uint32_t tables) { return ceil_log2(tables); }

// Words that b bits take.
GRAMZIP_HD inline uint32_t words_of_bits(uint32_t bits) { return (bits + 31) / 32; }

// What the words of the 32 lanes make of a block.
struct LanePlan {
  LaneHead head;
  uint32_t total_words;
};
GRAMZIP_HD inline LanePlan plan_lanes(uint32_t min_words, uint32_t max_words,
                                      uint32_t total_words) {
  LanePlan p{};
  p.head.rows = min_words;
  p.head.extra_bits = ceil_log2(max_words - min_words + 1);
  p.total_words = total_words;
  return p;
}
GRAMZIP_HD inline uint32_t coded_block_bytes(const BlockPlan& b, const LanePlan& l) {
  return b.rows_at(l.head.extra_bits) + 4 * l.total_words;
}

// Upper bound on data_bytes of a segment: a block is never larger than its content.
GRAMZIP_HD constexpr uint64_t segment_data_bound(uint64_t decoded_bytes, uint32_t blocks) {
  return decoded_bytes + uint64_t{blocks} * kBlockAlign;
}
}  // namespace gramzip
