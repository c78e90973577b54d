// SPDX-License-Identifier: Apache-2.0
// Fast floats (docs/format.md, 13): which lane codes which exponent, when a lane takes a word, and
// how an exception is written.
#pragma once
#include "gramzip/core/format.h"
#include "gramzip/core/plan.h"

namespace gramzip::fast {
inline constexpr uint32_t kGroup = 4;                // consecutive elements of a lane
inline constexpr uint32_t kStep = kLanes * kGroup;   // elements between two refills
inline constexpr uint32_t kFirstWords = 2 * kLanes;  // taken before the first step
inline constexpr uint32_t kWindow = kFastCodeLimit;  // bits of a look-up
inline constexpr uint32_t kEntries = 1u << kWindow;  // of a decode table
static_assert(kGroup * kFastCodeLimit <= 32);        // a step takes at most one word of a lane
static_assert(kRunElements % kStep == 0);            // a step has one table

GRAMZIP_HD constexpr uint32_t steps_of(uint32_t n) { return (n + kStep - 1) / kStep; }

// A lane has 33 to 64 bits at hand before a step, and at most 28 less behind it.
GRAMZIP_HD inline bool takes_word(uint32_t bits_left) { return bits_left <= 32; }

// Words that lie in a block of n elements at most.
GRAMZIP_HD constexpr uint32_t most_words(uint32_t n) { return kFirstWords + steps_of(n) * kLanes; }

struct Exception {
  uint32_t element;  // of the block
  uint32_t exponent;
};
GRAMZIP_HD inline uint32_t pack_exception(Exception e) { return e.element | (e.exponent << 24); }
GRAMZIP_HD inline Exception unpack_exception(uint32_t w) { return {w & 0xffffffu, w >> 24}; }

GRAMZIP_HD inline bool codes(ElementType t) { return is_float(t) && t != ElementType::f64; }

// The header of a segment as this release writes it, with no tables yet. Blocks have 2^16 elements:
// what a block costs besides its codes is a few words a lane.
GRAMZIP_HD inline SegmentHeader make_header(ElementType type, uint32_t decoded_bytes) {
  const ElementInfo e = element_info(type);
  SegmentHeader h = make_segment_header(type, decoded_bytes);
  h.codec = Codec::fast_floats;
  h.word_order = 1;
  h.block_log2 = static_cast<uint8_t>(kMinBlockLog2 + ceil_log2(e.bytes));
  h.symbol_bits = e.exponent_bits;
  h.code_limit = kFastCodeLimit;
  h.blocks = static_cast<uint32_t>(ceil_div(decoded_bytes, 1u << h.block_log2));
  return h;
}

// Element i with another exponent.
GRAMZIP_HD inline void patch(uint8_t* out, const Split& s, Exception e) {
  const uint64_t x = load_element(out, e.element, s.bytes);
  store_element(out, e.element, s.bytes, s.join(e.exponent, s.raw(x)));
}
}  // namespace gramzip::fast
