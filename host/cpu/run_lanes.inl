// SPDX-License-Identifier: Apache-2.0
// Lanes of codec floats and planes with several tables or wide symbols, run by run. Included by the
// decoder's loops of each instruction set.
//
// A table has 8 KiB, and 32 of them do not fit a first-level cache; of one run only one is live. So
// all lanes decode their 8 symbols of a run before the next one, with their positions in memory.
// Four lanes go side by side: one alone waits for each look-up, and a processor that looks ahead
// far enough to find another lane's has its queues full of what waits. A look-up is index, entry,
// store, shift: an entry has its length in the low 6 bits, and a shift takes its count mod 64. No
// sum is kept: a window's top bit is set when it is loaded, and the zeros above it in the end are
// the bits that were used.
#pragma once
#include <algorithm>
#include <bit>

#include "gramzip/core/lanes.h"
#include "gramzip/core/wire.h"
#include "host/cpu/huffman_decode.h"
#include "host/cpu/join.inl"
#include "host/cpu/lane_window.inl"

namespace gramzip::cpu {
namespace {
// Runs between two joins: the symbols stay in the first-level cache, and are no longer on their way
// there when they are loaded.
constexpr uint32_t kRunsTogether = 16;
constexpr uint64_t kTopBit = uint64_t{1} << 63;
static_assert(7 + 4 * kFloatCodeLimit < 63);

// The next bits of a window, as an index. An and-not leaves the window where it is; an and, which
// compilers make of it, needs a copy first.
inline uint64_t index_of(uint64_t window, uint64_t not_index) {
#if defined(__BMI__) && defined(__GNUC__)
  uint64_t index;
  asm("andn %2, %1, %0" : "=r"(index) : "r"(not_index), "r"(window) : "cc");
  return index;
#else
  return window & ~not_index;
#endif
}

inline void look_up(uint64_t& window, const uint16_t* table, uint64_t not_index, RunEntry& entry) {
  uint32_t e = table[index_of(window, not_index)];
#if defined(__GNUC__)
  asm("" : "+r"(e));  // or GCC gathers four in a vector to store them
#endif
  entry.bits = static_cast<uint16_t>(e);
  window >>= e & 63;
}

inline uint64_t window_of(const uint8_t* lanes, uint64_t position) {
  return (load_le<uint64_t>(lanes + (position >> 3)) | kTopBit) >> (position & 7);
}
// Behind the codes that were taken from a window loaded at `position`, if any bit is left of it:
// all of them were whole then, since the top bit is no part of a code.
inline uint64_t position_after(uint64_t position, uint64_t window) {
  return (position & ~uint64_t{7}) + static_cast<uint32_t>(std::countl_zero(window));
}

// The symbols of a lane and a run from two windows of four codes.
inline void decode_halves(const uint8_t* lanes, uint64_t& position, const uint16_t* table,
                          uint64_t not_index, RunEntry* entries) {
  for (uint32_t half = 0; half < kLaneGroup; half += 4) {
    uint64_t w = window_of(lanes, position);
    for (uint32_t k = 0; k < 4; ++k) look_up(w, table, not_index, entries[half + k]);
    position = position_after(position, w);
  }
}

// The symbols of four lanes and a run, without checks: codes have 12 bits at most, and LaneSet has
// that much and a window behind every lane. Nearly always one window is enough for 8 codes; if not,
// they are decoded again from two.
inline void decode_run(const uint8_t* lanes, uint64_t* position, const uint16_t* table,
                       uint64_t not_index, RunEntry* entries) {
  uint64_t window[kSideBySide];
#pragma GCC unroll 4
  for (uint32_t i = 0; i < kSideBySide; ++i) window[i] = window_of(lanes, position[i]);
#pragma GCC unroll 8
  for (uint32_t k = 0; k < kLaneGroup; ++k)
#pragma GCC unroll 4
    for (uint32_t i = 0; i < kSideBySide; ++i)
      look_up(window[i], table, not_index, entries[i * kLaneGroup + k]);
#pragma GCC unroll 4
  for (uint32_t i = 0; i < kSideBySide; ++i) {
    if (window[i] == 0) [[unlikely]]
      decode_halves(lanes, position[i], table, not_index, entries + i * kLaneGroup);
    else
      position[i] = position_after(position[i], window[i]);
  }
}

// Whole runs of all lanes, one after another.
class LaneRuns {
 public:
  LaneRuns(const LaneSet& set, const DecodeTables& tables)
      : set_(set), tables_(tables), not_index_(~((uint64_t{1} << tables.bits) - 1)) {
    for (uint32_t l = 0; l < kLanes; ++l) position_[l] = uint64_t{l} * set.stride * 8;
  }
  void run(uint32_t id, RunEntry* to) {
    const uint16_t* table = tables_.runs.data() + (size_t{id} << tables_.bits);
    for (uint32_t l = 0; l < kLanes; l += kSideBySide, to += kSideBySide * kLaneGroup)
      decode_run(set_.base, position_ + l, table, not_index_, to);
  }
  // Bits from set.base on, of each lane.
  void positions(uint64_t* to) const { std::copy_n(position_, kLanes, to); }

 private:
  const LaneSet& set_;
  const DecodeTables& tables_;
  uint64_t not_index_;
  uint64_t position_[kLanes];
};
}  // namespace
}  // namespace gramzip::cpu

#if defined(__AVX512VBMI2__)
#include "host/cpu/register_runs.inl"
#endif

namespace gramzip::cpu {
namespace {
template <class Runs>
BlockStatus decode_runs_with(const LaneSet& set, const DecodeTables& t, const Split& split,
                             const uint8_t* class_ids, uint32_t n, const uint8_t* raw_plane,
                             uint8_t* out) {
  alignas(64) RunEntry entries[kRunsTogether * kRunElements];
  uint64_t position[kLanes];
  Runs lanes(set, t);
  const uint32_t runs = static_cast<uint32_t>(ceil_div(n, kRunElements)), whole = n / kRunElements;
  for (uint32_t first = 0; first < runs; first += kRunsTogether) {
    const uint32_t end = std::min(runs, first + kRunsTogether);
    for (uint32_t r = first; r < std::min(end, whole); ++r)
      lanes.run(class_ids ? class_ids[r] : 0, entries + (r - first) * kRunElements);
    if (end == runs) lanes.positions(position);
    if (end > whole) {
      const uint16_t* table = t.runs.data() + (class_ids ? size_t{class_ids[whole]} << t.bits : 0);
      RunEntry* to = entries + (whole - first) * kRunElements;
      for (uint32_t j = 0; j < n % kRunElements; ++j, ++to) {
        uint64_t& at = position[j / kLaneGroup];
        to->bits = table[window_at(set.base, at) & ((1u << t.bits) - 1)];
        at += to->bits & 63u;
      }
    }
    const uint32_t from = first * kRunElements;
    join(split, raw_plane + size_t{from} / 8 * split.raw_bits, entries,
         std::min(n, end * kRunElements) - from, out + size_t{from} * split.bytes);
  }
  for (uint32_t l = 0; l < kLanes; ++l) {
    const uint64_t begin = uint64_t{l} * set.stride;
    if (!ends_well(set.base + begin, position[l] - begin * 8, set.words[l]))
      return BlockStatus::bad_stream;
  }
  return BlockStatus::ok;
}

BlockStatus decode_runs(const LaneSet& set, const DecodeTables& t, const Split& split,
                        const uint8_t* class_ids, uint32_t n, const uint8_t* raw_plane,
                        uint8_t* out) {
#if defined(__AVX512VBMI2__)
  if (!t.in_registers.empty())
    return decode_runs_with<RegisterRuns>(set, t, split, class_ids, n, raw_plane, out);
#endif
  return decode_runs_with<LaneRuns>(set, t, split, class_ids, n, raw_plane, out);
}
}  // namespace
}  // namespace gramzip::cpu
