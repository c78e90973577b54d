// SPDX-License-Identifier: Apache-2.0
// Quantized weights on the wire and the arithmetic of their levels (docs/format.md, 16).
#pragma once
#include "gramzip/core/float_bits.h"
#include "gramzip/core/plan.h"
#include "gramzip/core/wire.h"

namespace gramzip::quant {
inline constexpr uint32_t kMaxBlockLog2 = 20;
inline constexpr uint32_t kMaxBlockBytes = 1u << kMaxBlockLog2;
inline constexpr uint32_t kMaxAlphabet = 4096;  // levels, escape and phrases
inline constexpr uint32_t kMaxLevels = kMaxAlphabet - 1;
inline constexpr uint32_t kMaxPhrase = 64;  // levels of a phrase
inline constexpr uint32_t kMinGroup = 8;
inline constexpr uint32_t kMaxGroup = 1u << 31;
inline constexpr int32_t kMaxFirst = 1 << 20;
inline constexpr uint32_t kHeadBytes = 16;
inline constexpr uint32_t kUniformBytes = 16;  // first and step
// Of a quant table: 4095 levels of 8 bytes, and expansions; each group adds a scale and a zero
// point.
inline constexpr uint32_t kMaxFixedBytes = 33u << 10, kMaxGroupBytes = 5;

enum class Coder : uint8_t { huffman = 0, horner = 1, trellis = 2 };

// Coder trellis: level i is one of quantizer i & 1; the lowest bit of a state says which is next.
inline constexpr uint32_t kMinTrellisLog2 = 2, kMaxTrellisLog2 = 8;
struct Trellis {
  uint8_t feedback, branch;  // F and G of the format
  GRAMZIP_HD uint32_t next(uint32_t state, uint32_t bit) const {
    return (state >> 1) ^ ((state & 1u) != 0 ? feedback : 0u) ^ (bit != 0 ? branch : 0u);
  }
};
// Of 2^log2 states.
GRAMZIP_HD constexpr Trellis trellis_of(uint32_t log2) {
  switch (log2) {
    case 2:
      return {2, 1};
    case 3:
      return {5, 2};
    case 4:
      return {9, 2};
    case 5:
      return {18, 4};
    case 6:
      return {33, 10};
    case 7:
      return {78, 43};
    default:
      return {166, 121};
  }
}
enum class ScaleType : uint8_t { none = 0, f16 = 1, f32 = 2 };

GRAMZIP_HD inline uint32_t scale_bytes(ScaleType t) { return 2u * static_cast<uint32_t>(t); }

// The head of a quant table.
struct Head {
  uint16_t levels;
  bool uniform;
  ScaleType scale_type;
  bool zero_points;
  uint32_t group;  // elements; 0 without scales
  uint32_t phase;
  uint16_t expansions;
  uint8_t trellis;  // log2 of its states; 0: none

  GRAMZIP_HD uint32_t alphabet() const {  // of a code table
    return trellis != 0 ? 1u + levels / 2u : 1u + levels + uint32_t{expansions} * levels;
  }
  // Groups that have elements in a segment of n.
  GRAMZIP_HD uint32_t groups(uint32_t n) const {
    return group == 0 ? 0 : static_cast<uint32_t>((uint64_t{phase} + n + group - 1) / group);
  }
};

GRAMZIP_HD inline float bits_as_float(uint32_t bits) {
  union {
    uint32_t u;
    float f;
  } v{bits};
  return v.f;
}
GRAMZIP_HD inline uint32_t float_as_bits(float f) {
  union {
    float f;
    uint32_t u;
  } v{f};
  return v.u;
}

// The value of uniform level `first + i` with correction c, before it is rounded to a type. Exact
// but for one product; n is within 2^21.
GRAMZIP_HD inline double uniform_value(double step, int32_t n, int32_t correction) {
  return step * (static_cast<double>(256 * static_cast<int64_t>(n) + correction) / 256.0);
}
// Compilers contract float operations across a rounding unless -ffp-contract=off (host) or
// -fmad=false (device) is set, as it is for all of gramzip.
GRAMZIP_HD inline uint64_t scaled_element(ElementType t, float scale, float level) {
  return round_element(t, static_cast<double>(scale * level));
}
GRAMZIP_HD inline uint64_t scaled_element(ElementType t, float scale, float level, uint8_t zero) {
  return round_element(t, static_cast<double>(scale * (level - static_cast<float>(zero))));
}

// A product of scale and level as an element, which is what scaled_element() gives for it. x is no
// NaN.
GRAMZIP_HD inline uint64_t round_scaled(ElementType t, float x) {
  if (t == ElementType::f32) return float_as_bits(x);
  if (t == ElementType::bf16) {  // to nearest, ties to even; infinities stay
    const uint32_t bits = float_as_bits(x);
    return (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  }
  return round_element(t, static_cast<double>(x));
}

// Coder horner: digits of a word, the largest k with levels^k <= 2^64; 0 for fewer than two levels.
GRAMZIP_HD inline uint32_t digits_per_word(uint32_t levels) {
  if (levels < 2) return 0;
  const uint64_t most = ~uint64_t{0} / levels;
  uint64_t power = 1;
  uint32_t k = 0;
  while (power <= most) power *= levels, ++k;
  // levels^(k + 1) = 2^64 fits as well: the largest word is all ones.
  return power - 1 == ~uint64_t{0} / levels && ~uint64_t{0} % levels == levels - 1 ? k + 1 : k;
}

// ---- Coder huffman: runs and lanes of a block of n elements. ----
// Runs of each lane but the last ones.
GRAMZIP_HD inline uint32_t lane_runs(uint32_t n) {
  return static_cast<uint32_t>(ceil_div(ceil_div(n, kRunElements), kLanes));
}
struct LaneSpan {
  uint32_t begin, end;  // elements of the block
};
GRAMZIP_HD inline LaneSpan lane_span(uint32_t n, uint32_t lane) {
  const uint32_t piece = lane_runs(n) * kRunElements;
  const uint64_t begin = uint64_t{lane} * piece, end = begin + piece;
  return {static_cast<uint32_t>(begin < n ? begin : n), static_cast<uint32_t>(end < n ? end : n)};
}
// There is no raw plane: class ids come first.
GRAMZIP_HD inline BlockPlan plan_coded(uint32_t n, uint32_t tables) {
  Split s{};
  s.bytes = 1;
  return plan_block(n, s, tables);
}

// The longest phrases of a lane, elements begin to end - 1, one after another: put(symbol, number
// of its first element). phrase_base[s]: the first symbol of those that are s with a level behind
// it, or 0. indexes: levels, or the escape.
template <class Put>
GRAMZIP_HD inline void parse_lane(const uint16_t* indexes, uint32_t begin, uint32_t end,
                                  uint32_t escape, const uint16_t* phrase_base, const Put& put) {
  for (uint32_t i = begin; i < end;) {
    const uint32_t first = i;
    uint32_t symbol = indexes[i++];
    if (symbol != escape)
      while (i < end && phrase_base[symbol] != 0 && indexes[i] != escape)
        symbol = uint32_t{phrase_base[symbol]} + indexes[i++];
    put(symbol, first);
  }
}

// ---- Coder trellis: one code table for each quantizer of a class, A symbols each. Encoders have
// ---- symbol s of quantizer q as q A + s, an alphabet of 2 A.
struct TrellisWalk {
  Trellis trellis;
  uint32_t levels;     // N
  uint32_t state = 0;  // at the start of a run

  // Of the next element, by the number of its level, or N.
  GRAMZIP_HD uint32_t symbol(uint32_t i) {
    const uint32_t escape = levels / 2, q = state & 1u;
    const bool fits = i < levels && (i & 1u) == q;
    const uint32_t s = fits ? i / 2 : escape;
    state = trellis.next(state, fits ? s & 1u : 0u);
    return q * (escape + 1) + s;
  }
};
// The numbers of a run's n elements become its symbols.
GRAMZIP_HD inline void trellis_symbols(Trellis trellis, uint32_t levels, uint32_t n,
                                       uint16_t* indexes) {
  TrellisWalk walk{trellis, levels};
  for (uint32_t j = 0; j < n; ++j) indexes[j] = static_cast<uint16_t>(walk.symbol(indexes[j]));
}

// ---- Coder horner: a block of n elements of E bytes with `exceptions`. ----
struct HornerPlan {
  uint64_t elements_at;  // of the exceptions, behind their numbers
  uint64_t padding_at, words_at, bytes;
};
GRAMZIP_HD inline HornerPlan plan_horner(uint32_t n, uint32_t element_bytes, uint32_t levels,
                                         uint32_t exceptions) {
  HornerPlan p{};
  p.elements_at = 4 + uint64_t{4} * exceptions;
  p.padding_at = p.elements_at + uint64_t{element_bytes} * exceptions;
  p.words_at = round_up(p.padding_at, 8);
  p.bytes = p.words_at + 8 * ceil_div(uint64_t{n}, uint64_t{digits_per_word(levels)});
  return p;
}
}  // namespace gramzip::quant
