// SPDX-License-Identifier: Apache-2.0
// Lanes of codec bytes, several symbols a look-up. Included by the decoder's loops of each instruction
// set.
#pragma once
#include <algorithm>
#include <bit>
#include <utility>

#include "gramzip/core/lanes.h"
#include "gramzip/core/wire.h"
#include "host/cpu/huffman_decode.h"

namespace gramzip::cpu {
namespace {
constexpr uint32_t kSideBySide = 4;
constexpr size_t kEntryTop = std::endian::native == std::endian::little ? 3 : 0;

inline uint64_t window_at(const uint8_t* lane, uint64_t position) {
  return load_le<uint64_t>(lane + (position >> 3)) >> (position & 7);
}

// True if the lane's codes end in its last word and zero bits follow.
inline bool ends_well(const uint8_t* lane, uint64_t position, uint32_t words) {
  if ((position + 31) / 32 != words) return false;
  return position % 32 == 0 || (load_le<uint32_t>(lane + 4 * (words - 1)) >> (position % 32)) == 0;
}

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
// A window of 64 bits loaded at the byte of a lane's position holds 57 bits that count.
template <uint32_t kBits>
constexpr uint32_t kLookups = 57 / kBits;
constexpr uint64_t kSentinel = uint64_t{1} << 63;
// Room for the stores of a round: 5 look-ups of at most 3 symbols, the last one stores 4 bytes.
constexpr size_t kRoundRoom = 16;
static_assert(4 * huffman::kMultiSymbols + 4 <= kRoundRoom);
static_assert(kLookups<kByteCodeLimit> == 5 && kLookups<kFloatCodeLimit> == 4);
static_assert(7 + 5 * kByteCodeLimit < 63);  // the sentinel stays behind every index

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

template <uint32_t kBits>
inline void look_up(const uint32_t* multi, uint64_t& window, uint8_t*& out) {
  constexpr uint32_t mask = (1u << kBits) - 1;
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
// Nothing checks the input: a look-up gives a symbol or more for at most kBits bits, so a lane of n
// symbols reads at most kBits n bits and a window from its start, and LaneSet has that much behind
// every lane. A stream that runs past its words ends past them too, since only a lone symbol has
// no bits, and is refused then.
template <uint32_t kBits, uint32_t kCount>
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
    for (uint32_t i = 0; i < kLookups<kBits>; ++i)
#pragma GCC unroll 4
      for (uint32_t k = 0; k < kCount; ++k) look_up<kBits>(multi, window[k], out[k]);
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

ByteLane start_lane(const LaneSet& set, uint32_t l, uint8_t* out, uint32_t count) {
  const uint8_t* lane = set.base + l * set.stride;
  return {lane, lane, load_le<uint64_t>(lane) | kSentinel, out, out + count, set.words[l]};
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
template <uint32_t kBits, uint32_t kCount>
bool finish_together(ByteLane* lanes, const DecodeTables& t) {
  run_rounds<kBits, kCount>(lanes, t.multi.data());
  if constexpr (kCount == 1)
    return finish_lane(lanes[0], t);
  else {
    uint32_t k = 0;
    while (!is_done(lanes[k])) ++k;  // run_rounds ends when one is
    std::swap(lanes[k], lanes[kCount - 1]);
    return finish_lane(lanes[kCount - 1], t) && finish_together<kBits, kCount - 1>(lanes, t);
  }
}

// All lanes; begin(l) is lane l, not yet read.
//
// A lane that is done makes room for the next one, so that four run to the end of the block: lanes
// have the same number of symbols and differ in bits.
template <uint32_t kBits, class Begin>
BlockStatus decode_byte_lanes(const DecodeTables& t, Begin begin) {
  ByteLane lanes[kSideBySide];
  for (uint32_t k = 0; k < kSideBySide; ++k) lanes[k] = begin(k);
  for (uint32_t next = kSideBySide; next < kLanes;) {
    run_rounds<kBits, kSideBySide>(lanes, t.multi.data());
    for (ByteLane& l : lanes) {
      if (!is_done(l) || next == kLanes) continue;
      if (!finish_lane(l, t)) return BlockStatus::bad_stream;
      l = begin(next++);
    }
  }
  return finish_together<kBits, kSideBySide>(lanes, t) ? BlockStatus::ok : BlockStatus::bad_stream;
}
}  // namespace
}  // namespace gramzip::cpu
