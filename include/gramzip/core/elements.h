// SPDX-License-Identifier: Apache-2.0
// Element types and how a value splits into a coded symbol and raw bits (docs/format.md, 4 and 6).
#pragma once
#include "gramzip/core/limits.h"

namespace gramzip {
enum class Codec : uint8_t {
  bytes = 1,
  floats = 2,
  ngram = 3,
  exact_floats = 4,
  quantized = 5,
  reference = 6,
  planes = 7,
  fast_floats = 8,
  delta = 9,
  sparse_delta = 10
};

enum class ElementType : uint8_t {
  bytes = 0,
  text,
  bf16,
  f16,
  f32,
  f64,
  f8_e4m3,
  f8_e5m2,
  i16,
  i32,
  i64,
  count
};

struct ElementInfo {
  uint8_t bytes;          // E
  uint8_t exponent_bits;  // X; 0 for all that are no floats
  uint8_t symbol_bits;    // S as this release writes it
  uint8_t block_log2;
  Codec codec;  // the plainest one of the type
  const char* name;
};

GRAMZIP_HD inline ElementInfo element_info(ElementType t) {
  switch (t) {
    case ElementType::text:
      return {1, 0, 8, 18, Codec::bytes, "text"};
    case ElementType::bf16:
      return {2, 8, 8, 17, Codec::floats, "BF16"};
    case ElementType::f16:
      return {2, 5, 8, 17, Codec::floats, "F16"};
    case ElementType::f32:
      return {4, 8, 8, 17, Codec::floats, "F32"};
    case ElementType::f64:
      return {8, 11, 11, 17, Codec::floats, "F64"};
    case ElementType::f8_e4m3:
      return {1, 4, 7, 17, Codec::floats, "F8_E4M3"};
    case ElementType::f8_e5m2:
      return {1, 5, 7, 17, Codec::floats, "F8_E5M2"};
    case ElementType::i16:
      return {2, 0, 8, 17, Codec::planes, "I16"};
    case ElementType::i32:
      return {4, 0, 8, 17, Codec::planes, "I32"};
    case ElementType::i64:
      return {8, 0, 8, 17, Codec::planes, "I64"};
    default:
      return {1, 0, 8, 16, Codec::bytes, "bytes"};
  }
}

// How elements of a segment split: W = 8 * bytes bits into S symbol bits, R raw bits and Z bits
// that are zero in every element of the segment. Codec bytes: S = W = 8, R = 0. Codec floats: the
// symbol is the exponent and the top mantissa bits, the raw value the sign above the low mantissa
// bits.
struct Split {
  uint8_t bytes;            // E: 1, 2, 4 or 8
  uint8_t symbol_bits;      // S
  uint8_t raw_bits;         // R = 8 * E - S - Z
  bool interleaved;         // lanes take groups of 8 elements in turn, not contiguous pieces
  uint8_t zero_bits = 0;    // Z: the lowest; 0 if R is
  bool inline_raw = false;  // raw bits follow their codes in the lanes: there is no raw plane

  GRAMZIP_HD uint32_t symbol(uint64_t x) const {
    const uint32_t shift =
        raw_bits ? raw_bits - 1u + zero_bits : 0u;  // the sign is no part of the symbol
    return static_cast<uint32_t>(x >> shift) & ((1u << symbol_bits) - 1u);
  }
  GRAMZIP_HD uint64_t raw(uint64_t x) const {
    if (raw_bits == 0) return 0;
    const uint64_t low = (uint64_t{1} << (raw_bits - 1)) - 1;
    return ((x >> zero_bits) & low) | ((x >> (8 * bytes - 1)) << (raw_bits - 1));
  }
  GRAMZIP_HD uint64_t join(uint32_t symbol, uint64_t raw) const {
    if (raw_bits == 0) return symbol;
    const uint64_t low = (uint64_t{1} << (raw_bits - 1)) - 1;
    return (((raw & low) | (static_cast<uint64_t>(symbol) << (raw_bits - 1))) << zero_bits) |
           ((raw >> (raw_bits - 1)) << (8 * bytes - 1));
  }
};

// Codecs bytes, floats, exact_floats, fast_floats and planes; the symbols of planes are bytes
// whatever the type.
GRAMZIP_HD inline Split make_split(Codec c, ElementType t, uint32_t symbol_bits,
                                   uint32_t zero_bits = 0) {
  Split s{};
  s.bytes = c == Codec::planes ? 1 : element_info(t).bytes;
  s.symbol_bits = static_cast<uint8_t>(symbol_bits);
  s.raw_bits = static_cast<uint8_t>(8 * s.bytes - symbol_bits - zero_bits);
  s.interleaved = c != Codec::bytes;
  s.zero_bits = static_cast<uint8_t>(zero_bits);
  s.inline_raw = c == Codec::exact_floats;
  return s;
}

// The sign remains a raw bit.
GRAMZIP_HD inline uint32_t most_zero_bits(ElementType t, uint32_t symbol_bits) {
  return 8u * element_info(t).bytes - 1 - symbol_bits;
}

GRAMZIP_HD inline uint32_t code_limit(Codec c) {
  if (c == Codec::fast_floats) return kFastCodeLimit;
  return c == Codec::bytes ? kByteCodeLimit : kFloatCodeLimit;
}

GRAMZIP_HD inline bool is_float(ElementType t) { return element_info(t).exponent_bits > 0; }

// Element i of an array of elements of E bytes, at any alignment.
GRAMZIP_HD inline uint64_t load_element(const uint8_t* p, uint64_t i, uint32_t bytes) {
  uint64_t x = 0;
  for (uint32_t b = 0; b < bytes; ++b) x |= static_cast<uint64_t>(p[i * bytes + b]) << (8 * b);
  return x;
}
GRAMZIP_HD inline void store_element(uint8_t* p, uint64_t i, uint32_t bytes, uint64_t x) {
  for (uint32_t b = 0; b < bytes; ++b) p[i * bytes + b] = static_cast<uint8_t>(x >> (8 * b));
}
}  // namespace gramzip
