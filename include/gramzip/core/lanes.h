// SPDX-License-Identifier: Apache-2.0
// Which lane holds which elements of a block, and the lane header (docs/format.md, 4).
#pragma once
#include "gramzip/core/limits.h"
#include "gramzip/core/wire.h"

namespace gramzip {
// Codec bytes: elements a lane, all lanes but the last ones.
GRAMZIP_HD inline uint32_t lane_piece(uint32_t n) {
  return static_cast<uint32_t>(round_up(ceil_div(n, kLanes), 16));
}
// Elements of a lane in a block of n elements.
GRAMZIP_HD inline uint32_t lane_count(uint32_t n, uint32_t lane, bool interleaved) {
  if (interleaved) {
    const uint32_t rest = n % kRunElements, skip = lane * kLaneGroup;
    const uint32_t tail = rest > skip ? (rest - skip < kLaneGroup ? rest - skip : kLaneGroup) : 0;
    return n / kRunElements * kLaneGroup + tail;
  }
  const uint32_t piece = lane_piece(n), begin = lane * piece;
  return begin >= n ? 0 : (n - begin < piece ? n - begin : piece);
}
// The block's element that is number t of a lane.
GRAMZIP_HD inline uint32_t lane_element(uint32_t n, uint32_t lane, uint32_t t, bool interleaved) {
  if (interleaved) return (t / kLaneGroup) * kRunElements + lane * kLaneGroup + t % kLaneGroup;
  return lane * lane_piece(n) + t;
}

// The first word of the lane header.
struct LaneHead {
  uint32_t rows;        // words that every lane has
  uint32_t extra_bits;  // K: bits of the largest number of words beyond them
};
inline constexpr uint32_t kMaxExtraBits = 15;
GRAMZIP_HD inline uint32_t pack_lane_head(LaneHead h) { return h.rows | (h.extra_bits << 24); }
GRAMZIP_HD inline LaneHead unpack_lane_head(uint32_t w) { return {w & 0xffffffu, w >> 24}; }
// Words of a lane beyond the rows: bit k of it is bit `lane` of word k of the header.
GRAMZIP_HD inline uint32_t lane_extra(const uint8_t* header, uint32_t extra_bits, uint32_t lane) {
  uint32_t extra = 0;
  for (uint32_t k = 0; k < extra_bits; ++k)
    extra |= ((load_le<uint32_t>(header + 4 + 4 * k) >> lane) & 1u) << k;
  return extra;
}
// What the extras of all lanes must be: the least 0, the largest no shorter than its bits.
GRAMZIP_HD inline bool extras_fit(uint32_t extra_bits, uint32_t least, uint32_t most) {
  return least == 0 && ceil_log2(most + 1) == extra_bits;
}
GRAMZIP_HD inline uint32_t lane_header_bytes(uint32_t extra_bits) {
  return static_cast<uint32_t>(round_up(4 + 4 * extra_bits, kBlockAlign));
}
}  // namespace gramzip
