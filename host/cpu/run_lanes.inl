// SPDX-License-Identifier: Apache-2.0
// Lanes of codec floats and planes with several tables or wide symbols, run by run. Included by the
// decoder's loops of each instruction set.
//
// A table has 8 KiB, and 32 of them do not fit a first-level cache; of one run only one is live. So
// all lanes decode their 8 symbols of a run before the next one, with their positions in memory:
// two windows of 4 codes a lane. A look-up is index, entry, store, shift, sum: 5 instructions, since
// a shift takes its count mod 64 and an entry has its length in the low 6 bits. Lanes of a run do
// not depend on each other, so that a processor works on several of them at once.
#pragma once
#include <algorithm>
#include <bit>

#include "gramzip/core/lanes.h"
#include "gramzip/core/wire.h"
#include "host/cpu/huffman_decode.h"
#include "host/cpu/join.inl"

namespace gramzip::cpu {
namespace {
// Runs between two joins: the symbols stay in the first-level cache, and are no longer on their way
// there when they are loaded.
constexpr uint32_t kRunsTogether = 16;
static_assert(7 + 4 * kFloatCodeLimit < 64);

// Codes of a run's symbols in one lane, without checks: a window's bits are codes of 12 bits at
// most, and LaneSet has that much behind every lane.
inline uint64_t decode_four(const uint8_t* lanes, uint64_t position, const uint16_t* table,
                            uint64_t not_index, RunEntry* entries) {
  uint64_t w = load_le<uint64_t>(lanes + (position >> 3)) >> (position & 7);
  uint64_t sum = 0;
#pragma GCC unroll 4
  for (uint32_t k = 0; k < 4; ++k) {
    const uint64_t e = table[~not_index & w];
    entries[k].bits = static_cast<uint16_t>(e);
    w >>= e & 63;
    sum += e;
  }
  return position + (sum & 63);
}

BlockStatus decode_runs(const LaneSet& set, const DecodeTables& t, const Split& split,
                        const uint8_t* class_ids, uint32_t n, const uint8_t* raw_plane,
                        uint8_t* out) {
  RunEntry entries[kRunsTogether * kRunElements];
  uint64_t position[kLanes];
  for (uint32_t l = 0; l < kLanes; ++l) position[l] = uint64_t{l} * set.stride * 8;
  // Not a constant to the compiler: an and-not leaves the window where it is, an and needs a copy.
  uint64_t not_index = ~((uint64_t{1} << t.bits) - 1);
#if defined(__BMI__) && defined(__GNUC__)
  asm("" : "+r"(not_index));
#endif
  const uint32_t runs = static_cast<uint32_t>(ceil_div(n, kRunElements));
  for (uint32_t first = 0; first < runs; first += kRunsTogether) {
    const uint32_t end = std::min(runs, first + kRunsTogether);
    for (uint32_t r = first; r < end; ++r) {
      const uint16_t* table = t.runs.data() + (class_ids ? size_t{class_ids[r]} << t.bits : 0);
      RunEntry* to = entries + (r - first) * kRunElements;
      if ((r + 1) * kRunElements <= n) {
        for (uint32_t l = 0; l < kLanes; ++l, to += kLaneGroup) {
          const uint64_t at = decode_four(set.base, position[l], table, not_index, to);
          position[l] = decode_four(set.base, at, table, not_index, to + 4);
        }
        continue;
      }
      for (uint32_t j = r * kRunElements; j < n; ++j, ++to) {
        uint64_t& at = position[j / kLaneGroup % kLanes];
        const uint64_t w = load_le<uint64_t>(set.base + (at >> 3)) >> (at & 7);
        to->bits = table[~not_index & w];
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
}  // namespace
}  // namespace gramzip::cpu
