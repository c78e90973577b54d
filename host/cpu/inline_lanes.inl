// SPDX-License-Identifier: Apache-2.0
// Lanes in which each code is followed by raw bits, as many as its symbol has: the walk over the
// elements of a block in both directions. Element j is in lane (j div 8) mod 32, and any element
// may have a table of its own. Included by the loops of each instruction set.
//
// kMostRaw bounds a symbol's raw bits, 0 to 64. As many elements as surely fit share a window
// (decoding) or a flush (encoding) of 56 bits; above 44 bits the raw bits go by themselves.
#pragma once
#include <algorithm>

#include "gramzip/core/huffman.h"
#include "gramzip/core/lanes.h"
#include "gramzip/core/status.h"
#include "host/cpu/encode_tables.h"
#include "host/cpu/lane_read.h"
#include "host/cpu/lane_window.inl"
#include "host/cpu/lane_writer.inl"

namespace gramzip::cpu {
namespace {
constexpr uint32_t kWindowBits = 56;
constexpr uint32_t kInlineMask = (1u << kFloatCodeLimit) - 1;
template <uint32_t kMostRaw>
constexpr uint32_t kInlineTogether =  // elements that fit a window: 1, 2 or 4, or 0
    (kFloatCodeLimit + kMostRaw) * 4 <= kWindowBits   ? 4
    : (kFloatCodeLimit + kMostRaw) * 2 <= kWindowBits ? 2
    : (kFloatCodeLimit + kMostRaw) <= kWindowBits     ? 1
                                                      : 0;
constexpr uint32_t kInlineDecodeLanes = 4;  // side by side: each waits for its look-ups
constexpr uint32_t kInlineEncodeLanes = 2;

// Bytes that a lane of `count` elements may read from its start on, whatever its bits are, and that
// its writer needs room for.
constexpr size_t inline_lane_room(uint32_t count, uint32_t most_raw) {
  return size_t{count} * (kFloatCodeLimit + most_raw) / 8 + 24;
}

constexpr uint64_t low_bits(uint64_t v, uint32_t bits) {
  return bits >= 64 ? v : v & ((uint64_t{1} << bits) - 1);
}

// ---- Decoding ----
struct InlineCursor {
  const uint8_t* lane;
  uint64_t position;
};

// The next kCount elements of a lane, k = 0 to kCount - 1: take(k, symbol, raw).
template <uint32_t kMostRaw, uint32_t kCount, class TableOf, class RawBits, class Take>
inline void take_elements(InlineCursor& c, const TableOf& table_of, const RawBits& raw_bits,
                          const Take& take) {
  if constexpr (kInlineTogether < kMostRaw >> 0) {
    static_assert(kCount <= kInlineTogether<kMostRaw>);
    uint64_t window = window_at(c.lane, c.position);
#pragma GCC unroll 4
    for (uint32_t k = 0; k < kCount; ++k) {
      const uint32_t e = table_of(k)[window & kInlineMask];
      const uint32_t symbol = huffman::entry_symbol(e), raw = raw_bits(symbol);
      window >>= huffman::entry_length(e);
      take(k, symbol, window & ((uint64_t{1} << raw) - 1));
      window >>= raw;
      c.position += huffman::entry_length(e) + raw;
    }
  } else {
    static_assert(kCount == 1);
    const uint32_t e = table_of(0)[window_at(c.lane, c.position) & kInlineMask];
    const uint32_t symbol = huffman::entry_symbol(e), raw = raw_bits(symbol);
    c.position += huffman::entry_length(e);
    uint64_t value = window_at(c.lane, c.position);
    if (raw > kWindowBits)  // the rest from where 32 bits are used up
      value = (value & 0xffffffffu) | window_at(c.lane, c.position + 32) << 32;
    take(0, symbol, low_bits(value, raw));
    c.position += raw;
  }
}

// All elements of a block of n, in any order: put(j, symbol, raw). All lanes go through a run
// before the next one, so that its tables stay in the first-level cache; lanes of a run do not
// depend on each other, so that a processor works on several of them at once.
//
// tables_at(run)(j) is the look-up
// of element j, of 2^kFloatCodeLimit entries (huffman::pack_entry); raw_bits(symbol) at most
// kMostRaw. ok, or bad_stream if a lane has other words than it uses or bits behind its end.
//
// Nothing checks the input: inline_lane_room() bytes from the start of each lane are readable, and
// a lane that runs past its words ends past them too, for only bits move it on. What lies behind
// the zeros there is then of no interest.
template <uint32_t kMostRaw, class TablesAt, class RawBits, class Put>
BlockStatus decode_inline_lanes(const LaneSet& set, uint32_t n, const TablesAt& tables_at,
                                const RawBits& raw_bits, const Put& put) {
  constexpr uint32_t kStep = std::max(kInlineTogether<kMostRaw>, 1u);
  InlineCursor c[kLanes];
  for (uint32_t l = 0; l < kLanes; ++l) c[l] = {set.base + l * set.stride, 0};
  uint32_t run = 0;
  for (; (run + 1) * kRunElements <= n; ++run) {
    const auto table_of = tables_at(run);
    for (uint32_t first = 0; first < kLanes; first += kInlineDecodeLanes) {
      InlineCursor side[kInlineDecodeLanes];
      std::copy_n(c + first, kInlineDecodeLanes, side);
      const uint32_t at = run * kRunElements + first * kLaneGroup;
      for (uint32_t k = 0; k < kLaneGroup; k += kStep)
#pragma GCC unroll 4
        for (uint32_t q = 0; q < kInlineDecodeLanes; ++q) {
          const uint32_t j = at + q * kLaneGroup + k;
          take_elements<kMostRaw, kStep>(
              side[q], [&](uint32_t i) { return table_of(j + i); }, raw_bits,
              [&](uint32_t i, uint32_t symbol, uint64_t raw) { put(j + i, symbol, raw); });
        }
      std::copy_n(side, kInlineDecodeLanes, c + first);
    }
  }
  if (run * kRunElements < n) {
    const auto table_of = tables_at(run);
    for (uint32_t j = run * kRunElements; j < n; ++j)
      take_elements<kMostRaw, 1>(
          c[j / kLaneGroup % kLanes], [&](uint32_t) { return table_of(j); }, raw_bits,
          [&](uint32_t, uint32_t symbol, uint64_t raw) { put(j, symbol, raw); });
  }
  for (uint32_t l = 0; l < kLanes; ++l)
    if (!ends_well(c[l].lane, c[l].position, set.words[l])) return BlockStatus::bad_stream;
  return BlockStatus::ok;
}

// ---- Encoding ----
struct InlineElement {
  Code code;
  uint32_t raw_bits;
  uint64_t raw;  // no bit at raw_bits or above
};

template <uint32_t kMostRaw>
inline void write_element(LaneWriter& w, const InlineElement& e) {
  w.put(e.code);
  if constexpr (kInlineTogether < kMostRaw >> 0) {
    w.put_raw(e.raw, e.raw_bits);
  } else {
    w.flush();
    if (e.raw_bits > kWindowBits) {
      w.put_raw(e.raw & 0xffffffffu, 32);
      w.flush();
      w.put_raw(e.raw >> 32, e.raw_bits - 32);
    } else {
      w.put_raw(e.raw, e.raw_bits);
    }
  }
}

// elements_at(run)(j) is what element j, an InlineElement, becomes. Lane l goes to lanes + l *
// stride, with inline_lane_room() bytes each; words[l] is its length.
template <uint32_t kMostRaw, class ElementsAt>
void encode_inline_lanes(uint32_t n, const ElementsAt& elements_at, uint8_t* lanes, size_t stride,
                         uint32_t* words) {
  constexpr uint32_t kStep = std::max(kInlineTogether<kMostRaw>, 1u);
  for (uint32_t first = 0; first < kLanes; first += kInlineEncodeLanes) {
    LaneWriter w[kInlineEncodeLanes];
    for (uint32_t q = 0; q < kInlineEncodeLanes; ++q) w[q].at = lanes + (first + q) * stride;
    uint32_t run = 0;
    for (; (run + 1) * kRunElements <= n; ++run) {
      const auto element = elements_at(run);
      const uint32_t at = run * kRunElements + first * kLaneGroup;
      for (uint32_t k = 0; k < kLaneGroup; k += kStep)
        for (uint32_t q = 0; q < kInlineEncodeLanes; ++q) {
          for (uint32_t i = 0; i < kStep; ++i)
            write_element<kMostRaw>(w[q], element(at + q * kLaneGroup + k + i));
          w[q].flush();
        }
    }
    if (run * kRunElements < n) {
      const auto element = elements_at(run);
      for (uint32_t q = 0; q < kInlineEncodeLanes; ++q) {
        const uint32_t at = run * kRunElements + (first + q) * kLaneGroup;
        for (uint32_t j = at; j < std::min(at + kLaneGroup, n); ++j) {
          write_element<kMostRaw>(w[q], element(j));
          w[q].flush();
        }
      }
    }
    for (uint32_t q = 0; q < kInlineEncodeLanes; ++q)
      words[first + q] = w[q].finish(lanes + (first + q) * stride);
  }
}
}  // namespace
}  // namespace gramzip::cpu
