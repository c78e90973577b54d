// SPDX-License-Identifier: Apache-2.0
// The decoder's loops over codes, compiled once per instruction set with GRAMZIP_DECODE_LOOPS as
// the table's name.
//
// Four lanes run side by side, because one alone waits for each look-up.
#include <algorithm>
#include <cstring>

#include "gramzip/core/lanes.h"
#include "gramzip/core/wire.h"
#include "host/cpu/byte_lanes.inl"
#include "host/cpu/huffman_decode.h"
#include "host/cpu/join.inl"
#include "host/cpu/run_lanes.inl"
#include "host/cpu/transpose.inl"

namespace gramzip::cpu {
namespace {
constexpr uint32_t kSlack = 64;  // bits behind a lane's last word that a window may touch

BlockStatus decode_bytes(const LaneSet& set, const DecodeTables& t, uint32_t n, uint8_t* out) {
  return decode_byte_lanes<kByteCodeLimit>(t, [&](uint32_t l) {
    uint8_t* begin = out + std::min<size_t>(n, size_t{l} * lane_piece(n));
    return start_lane(set, l, begin, lane_count(n, l, false));
  });
}

// ---- codec floats, symbols of more than 10 bits: groups of 8 symbols a lane and run ----
struct FloatLane {
  const uint8_t* lane;
  uint64_t position;
  uint64_t limit;
};

// `count` symbols of a lane from one table. False if they run past the lane's bits.
inline bool decode_group(FloatLane& l, const uint16_t* table, uint32_t mask, uint32_t count,
                         uint16_t* symbols) {
  for (uint32_t k = 0; k < count; ++k) {
    if (l.position > l.limit) return false;
    const uint16_t e = table[window_at(l.lane, l.position) & mask];
    symbols[k] = static_cast<uint16_t>(huffman::entry_symbol(e));
    l.position += huffman::entry_length(e);
  }
  return true;
}

// 8 symbols of each of four lanes without checks: at most 96 bits a lane.
inline void decode_groups(FloatLane* lanes, const uint16_t* table, uint16_t* symbols) {
  constexpr uint32_t mask = (1u << kFloatCodeLimit) - 1;
  for (uint32_t half = 0; half < 2; ++half) {
    uint64_t w[kSideBySide], used[kSideBySide] = {};
    for (uint32_t k = 0; k < kSideBySide; ++k) w[k] = window_at(lanes[k].lane, lanes[k].position);
    for (uint32_t i = 0; i < 4; ++i)
      for (uint32_t k = 0; k < kSideBySide; ++k) {
        const uint32_t e = table[(w[k] >> used[k]) & mask];
        symbols[k * kLaneGroup + half * 4 + i] = static_cast<uint16_t>(e >> 4);
        used[k] += e & 15;
      }
    for (uint32_t k = 0; k < kSideBySide; ++k) lanes[k].position += used[k];
  }
}

BlockStatus decode_floats(const LaneSet& set, const DecodeTables& t, const Split& split,
                          const uint8_t* class_ids, uint32_t n, const uint8_t* raw_plane,
                          std::vector<uint16_t>& space, uint8_t* out) {
  if (!t.runs.empty()) return decode_runs(set, t, split, class_ids, n, raw_plane, out);
  const uint32_t mask = (1u << t.bits) - 1, steps = (n + kRunElements - 1) / kRunElements;
  space.resize(size_t{steps} * kRunElements);
  uint16_t* const symbols = space.data();
  for (uint32_t first = 0; first < kLanes; first += kSideBySide) {
    FloatLane lanes[kSideBySide];
    for (uint32_t k = 0; k < kSideBySide; ++k) {
      const uint32_t l = first + k;
      lanes[k] = {set.base + l * set.stride, 0, uint64_t{set.words[l]} * 32};
    }
    for (uint32_t s = 0; s < steps; ++s) {
      const uint16_t* table = t.single.data() + (class_ids ? size_t{class_ids[s]} << t.bits : 0);
      uint16_t* to = symbols + size_t{s} * kRunElements + first * kLaneGroup;
      bool safe = (s + 1) * kRunElements <= n && t.bits == kFloatCodeLimit;
      for (const FloatLane& l : lanes) safe = safe && l.position + 2 * 48 <= l.limit + kSlack - 16;
      if (safe) {
        decode_groups(lanes, table, to);
        continue;
      }
      for (uint32_t k = 0; k < kSideBySide; ++k) {
        const uint32_t at = s * kRunElements + (first + k) * kLaneGroup;
        const uint32_t count = at >= n ? 0 : std::min(kLaneGroup, n - at);
        if (!decode_group(lanes[k], table, mask, count, to + k * kLaneGroup))
          return BlockStatus::bad_stream;
      }
    }
    for (uint32_t k = 0; k < kSideBySide; ++k)
      if (!ends_well(lanes[k].lane, lanes[k].position, set.words[first + k]))
        return BlockStatus::bad_stream;
  }
  join(split, raw_plane, symbols, n, out);
  return BlockStatus::ok;
}
}  // namespace

const DecodeLoops GRAMZIP_DECODE_LOOPS = {rows_to_lanes, decode_bytes, decode_floats};
}  // namespace gramzip::cpu
