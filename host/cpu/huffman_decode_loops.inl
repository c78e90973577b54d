// SPDX-License-Identifier: Apache-2.0
// The decoder's loops over codes, compiled once per instruction set with GRAMZIP_DECODE_LOOPS as
// the table's name.
//
// A window of 64 bits loaded at the byte of a lane's position holds 57 bits that count, so 5
// look-ups of 11 bits (4 of 12) follow one load. Four lanes run side by side, because one alone
// waits for each look-up.
#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "gramzip/core/lanes.h"
#include "gramzip/core/wire.h"
#include "host/cpu/huffman_decode.h"
#include "host/cpu/join.inl"
#include "host/cpu/transpose.inl"

namespace gramzip::cpu {
namespace {
constexpr uint32_t kSideBySide = 4;
constexpr size_t kEntryTop = std::endian::native == std::endian::little ? 3 : 0;
constexpr uint32_t kSlack = 64;  // bits behind a lane's last word that a window may touch

inline uint64_t window_at(const uint8_t* lane, uint64_t position) {
  return load_le<uint64_t>(lane + (position >> 3)) >> (position & 7);
}

// True if the lane's codes end in its last word and zero bits follow.
inline bool ends_well(const uint8_t* lane, uint64_t position, uint32_t words) {
  if ((position + 31) / 32 != words) return false;
  return position % 32 == 0 || (load_le<uint32_t>(lane + 4 * (words - 1)) >> (position % 32)) == 0;
}

// ---- codec bytes: several symbols a look-up ----
//
// A lane's state is its window, the byte after which the window was loaded, and its output. The
// window's top bit is set when it is loaded and moves down with the bits that are used, so that the
// zeros above it count them, and no sum is kept. A look-up is then: index, entry, store, length,
// shift, count, add, with 6 cycles from window to window; four lanes fill the waits, and their 12
// registers with the table are all that x86-64 has.
struct ByteLane {
  const uint8_t* lane;
  const uint8_t* at;
  uint64_t window;
  uint8_t* out;
  uint8_t* end;
  uint32_t words;
};
constexpr uint32_t kByteLookups = 5;
constexpr uint64_t kSentinel = uint64_t{1} << 63;
// Room for the stores of a round: 5 look-ups of at most 3 symbols, the last one stores 4 bytes.
constexpr size_t kRoundRoom = 16;
static_assert(4 * huffman::kMultiSymbols + 4 <= kRoundRoom);
static_assert(7 + kByteLookups * kByteCodeLimit < 63);  // the sentinel stays behind every index

// Four outputs that advance alike tempt GCC to hold them in one vector, which costs half the speed.
inline void stay_scalar([[maybe_unused]] uint8_t*& p) {
#if defined(__GNUC__)
  asm("" : "+r"(p));
#endif
}

inline void refill(const uint8_t*& at, uint64_t& window) {
  const auto used = static_cast<uint32_t>(std::countl_zero(window));
  at += used >> 3;
  window = (load_le<uint64_t>(at) | kSentinel) >> (used & 7);
}

inline void look_up(const uint32_t* multi, uint64_t& window, uint8_t*& out) {
  constexpr uint32_t mask = (1u << kByteCodeLimit) - 1;
  const size_t index = window & mask;
  const uint32_t e = multi[index];
  // The length by a load of its own: a shift less between one window and the next.
  const uint8_t top = reinterpret_cast<const uint8_t*>(multi)[4 * index + kEntryTop];
  store_le<uint32_t>(out, e);
  window >>= top & 63;
  out += e >> 30;
  stay_scalar(out);
}

// Rounds until a lane has no room for another one.
//
// Nothing checks the input: a look-up gives a symbol or more for at most 11 bits, so a lane of n
// symbols reads at most 11 n bits and a window from its start, and LaneSet has that much behind
// every lane. A stream that runs past its words ends past them too, since only a lone symbol has
// no bits, and is refused then.
template <uint32_t kCount>
void run_rounds(ByteLane* lanes, const uint32_t* multi) {
  const uint8_t* at[kCount];
  uint64_t window[kCount];
  uint8_t* out[kCount];
  uint8_t* last[kCount];  // where a round may still start
  for (uint32_t k = 0; k < kCount; ++k) {
    if (static_cast<size_t>(lanes[k].end - lanes[k].out) < kRoundRoom) return;
    at[k] = lanes[k].at, window[k] = lanes[k].window, out[k] = lanes[k].out;
    last[k] = lanes[k].end - kRoundRoom;
  }
  for (;;) {
#pragma GCC unroll 5
    for (uint32_t i = 0; i < kByteLookups; ++i)
#pragma GCC unroll 4
      for (uint32_t k = 0; k < kCount; ++k) look_up(multi, window[k], out[k]);
#pragma GCC unroll 4
    for (uint32_t k = 0; k < kCount; ++k) refill(at[k], window[k]);
    // The sign of any difference: one branch, and no register held for it during the look-ups.
    ptrdiff_t room = last[0] - out[0];
#pragma GCC unroll 4
    for (uint32_t k = 1; k < kCount; ++k) room |= last[k] - out[k];
    if (room < 0) break;
  }
  for (uint32_t k = 0; k < kCount; ++k)
    lanes[k].at = at[k], lanes[k].window = window[k], lanes[k].out = out[k];
}

ByteLane start_lane(const LaneSet& set, uint32_t l, uint32_t n, uint8_t* out) {
  const uint8_t* lane = set.base + l * set.stride;
  uint8_t* begin = out + std::min<size_t>(n, size_t{l} * lane_piece(n));
  return {lane,
          lane,
          load_le<uint64_t>(lane) | kSentinel,
          begin,
          begin + lane_count(n, l, false),
          set.words[l]};
}

// The last symbols of a lane, one by one.
bool finish_lane(ByteLane l, const DecodeTables& t) {
  const uint32_t mask = (1u << t.bits) - 1;
  auto position =
      static_cast<uint64_t>(l.at - l.lane) * 8 + static_cast<uint32_t>(std::countl_zero(l.window));
  while (l.out < l.end) {
    const uint16_t e = t.single[window_at(l.lane, position) & mask];
    *l.out++ = static_cast<uint8_t>(huffman::entry_symbol(e));
    position += huffman::entry_length(e);
  }
  return ends_well(l.lane, position, l.words);
}

inline bool is_done(const ByteLane& l) { return static_cast<size_t>(l.end - l.out) < kRoundRoom; }

// The last lanes, fewer and fewer side by side.
template <uint32_t kCount>
bool finish_together(ByteLane* lanes, const DecodeTables& t) {
  run_rounds<kCount>(lanes, t.multi.data());
  if constexpr (kCount == 1)
    return finish_lane(lanes[0], t);
  else {
    uint32_t k = 0;
    while (!is_done(lanes[k])) ++k;  // run_rounds ends when one is
    std::swap(lanes[k], lanes[kCount - 1]);
    return finish_lane(lanes[kCount - 1], t) && finish_together<kCount - 1>(lanes, t);
  }
}

// A lane that is done makes room for the next one, so that four run to the end of the block: lanes
// have the same number of symbols and differ in bits.
BlockStatus decode_bytes(const LaneSet& set, const DecodeTables& t, uint32_t n, uint8_t* out) {
  ByteLane lanes[kSideBySide];
  for (uint32_t k = 0; k < kSideBySide; ++k) lanes[k] = start_lane(set, k, n, out);
  for (uint32_t next = kSideBySide; next < kLanes;) {
    run_rounds<kSideBySide>(lanes, t.multi.data());
    for (ByteLane& l : lanes) {
      if (!is_done(l) || next == kLanes) continue;
      if (!finish_lane(l, t)) return BlockStatus::bad_stream;
      l = start_lane(set, next++, n, out);
    }
  }
  return finish_together<kSideBySide>(lanes, t) ? BlockStatus::ok : BlockStatus::bad_stream;
}

// ---- codec floats: groups of 8 symbols a lane and run ----
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
                          uint16_t* symbols, uint8_t* out) {
  const uint32_t mask = (1u << t.bits) - 1, steps = (n + kRunElements - 1) / kRunElements;
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
