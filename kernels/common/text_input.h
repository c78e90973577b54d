// SPDX-License-Identifier: Apache-2.0
// What the kernels that encode n-gram text share: a segment and its settings, tables of a model,
// and comparing bytes. Arrays by byte of content have an entry at each byte's index in the content
// buffer.
#pragma once
#include "gramzip/core/parse.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
// Beside the DeviceSegment of the same number, whose content lies at a multiple of kWarp.
struct TextInput {
  text::ParseSettings settings;
  uint32_t slot_bits;  // text::slot_log2
};

// A model's tables in device memory. Codes are huffman::pack_code, 0: none.
struct TextCodes {
  text::ParseCosts costs;
  const uint32_t* codes;    // [class][symbol]
  const uint32_t* escapes;  // by class
  const uint32_t* global;   // by symbol
  uint32_t distance[text::kLengthClasses][text::kDistanceBuckets];
};

// The end of the lane that holds byte p of a segment.
__device__ inline uint32_t lane_end(const SegmentHeader& h, uint32_t p) {
  const uint32_t b = p >> h.block_log2, begin = h.block_begin(b), n = h.block_bytes(b);
  const uint32_t piece = lane_piece(n), end = ((p - begin) / piece + 1) * piece;
  return begin + (end < n ? end : n);
}

// 4 bytes at any alignment, of a buffer that goes on for 7 bytes.
__device__ inline uint32_t load_word(const uint8_t* p) {
  const auto at = reinterpret_cast<uintptr_t>(p);
  const auto* w = reinterpret_cast<const uint32_t*>(at & ~uintptr_t{3});
  return __funnelshift_r(w[0], w[1], 8 * static_cast<uint32_t>(at & 3));
}
// Bytes from q on that are those from p on, at most `limit`.
__device__ inline uint32_t common_bytes(const uint8_t* q, const uint8_t* p, uint32_t limit) {
  for (uint32_t n = 0; n < limit; n += 4) {
    const uint32_t x = load_word(q + n) ^ load_word(p + n);
    if (x != 0) return min(limit, n + (static_cast<uint32_t>(__ffs(static_cast<int>(x))) - 1) / 8);
  }
  return limit;
}
}  // namespace gramzip::kernels
