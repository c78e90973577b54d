// SPDX-License-Identifier: Apache-2.0
// Elements coded against those that stand in their place in a base (docs/format.md, 14): what a
// difference is, how it splits into a symbol and raw bits, and which code table it takes.
//
// Floats are compared as integers in order of value, so that a difference counts the floats between
// two: a step of a weight is then a small number, and how small follows from the exponent of the
// base's value.
#pragma once
#include "gramzip/core/plan.h"

namespace gramzip::delta {
inline constexpr uint32_t kSymbolBits = 8;  // S of both codecs
inline constexpr uint32_t kCodeLimit = 12;  // longest code of both codecs
inline constexpr uint32_t kMaxClasses =
    16;  // codec delta: offsets that a run may add to its exponents
inline constexpr uint32_t kMaxGroups =
    kMaxTables / 2;  // codec sparse_delta: groups of exponents, two tables each
inline constexpr uint32_t kMaxExponents = 1u << 11;
inline constexpr uint32_t kMaxSums = kMaxExponents + kMaxClasses;  // of an exponent and a class

// The arithmetic of a type: W bits, floats or not. Elements are in words of W bits or more; with
// words of W bits, compilers make vectors of it. No branch: signs are random.
struct Arithmetic {
  uint32_t bits;           // W: 8, 16, 32 or 64
  uint32_t exponent_bits;  // X; 0: integers or bytes

  GRAMZIP_HD constexpr uint64_t mask() const { return ~uint64_t{0} >> (64 - bits); }
  GRAMZIP_HD constexpr uint64_t sign() const { return uint64_t{1} << (bits - 1); }
  // Floats in order of value as unsigned integers: negative ones complemented, a sign bit before
  // the others.
  template <class Word>
  GRAMZIP_HD constexpr Word order(Word x) const {
    if (exponent_bits == 0) return x;
    const Word ones = static_cast<Word>(0 - (x >> (bits - 1)));
    return static_cast<Word>((x ^ (ones | static_cast<Word>(sign()))) & static_cast<Word>(mask()));
  }
  template <class Word>
  GRAMZIP_HD constexpr Word from_order(Word o) const {
    if (exponent_bits == 0) return o;
    const Word ones = static_cast<Word>((o >> (bits - 1)) - 1);
    return static_cast<Word>((o ^ (ones | static_cast<Word>(sign()))) & static_cast<Word>(mask()));
  }
  // The difference of y from x, wrapping, with its sign in the lowest bit: 0, -1, 1, -2, ... give
  // 0, 1, 2, 3, ...
  template <class Word>
  GRAMZIP_HD constexpr Word difference(Word x, Word y) const {
    const Word d = static_cast<Word>(order(y) - order(x));
    const Word ones = static_cast<Word>(0 - ((d >> (bits - 1)) & 1));
    return static_cast<Word>(((d << 1) ^ ones) & static_cast<Word>(mask()));
  }
  // The y that differs from x by z.
  template <class Word>
  GRAMZIP_HD constexpr Word apply(Word x, Word z) const {
    const Word d = static_cast<Word>((z >> 1) ^ static_cast<Word>(0 - (z & 1)));
    return from_order(static_cast<Word>((order(x) + d) & static_cast<Word>(mask())));
  }
  // The exponent field; 0 for what is no float.
  GRAMZIP_HD uint32_t exponent(uint64_t x) const {
    return exponent_bits == 0 ? 0
                              : static_cast<uint32_t>(x >> (bits - 1 - exponent_bits)) &
                                    ((1u << exponent_bits) - 1);
  }
  GRAMZIP_HD uint32_t exponents() const { return 1u << exponent_bits; }
};
GRAMZIP_HD inline Arithmetic arithmetic(ElementType t) {
  const ElementInfo e = element_info(t);
  return {8u * e.bytes, e.exponent_bits};
}

// ---- Buckets: a symbol for the leading three bits of a value and its size, raw bits for the rest.
// ----
GRAMZIP_HD inline uint32_t floor_log2(uint64_t v) {
#if defined(__CUDA_ARCH__)
  return 63u - static_cast<uint32_t>(__clzll(static_cast<long long>(v)));
#else
  return 63u - static_cast<uint32_t>(__builtin_clzll(v));
#endif
}
GRAMZIP_HD constexpr uint32_t raw_bits(uint32_t symbol) {
  return (symbol < 8 ? 1 : symbol >> 2) - 1;
}
// The least value of a bucket; the raw bits add to it. Word: wide enough for it.
template <class Word = uint64_t>
GRAMZIP_HD constexpr Word bucket_base(uint32_t symbol) {
  const uint32_t raw = raw_bits(symbol);
  return Word{symbol - 4 * raw} << raw;
}
GRAMZIP_HD inline uint32_t bucket(uint64_t v) {
  const uint32_t shift = floor_log2(v | 7) - 2;
  return 4 * shift + static_cast<uint32_t>(v >> shift);
}
GRAMZIP_HD inline uint64_t raw_value(uint64_t v, uint32_t symbol) {
  return v - bucket_base(symbol);
}
// Symbols of values below 2^bits, bits >= 3.
GRAMZIP_HD constexpr uint32_t bucket_symbols(uint32_t bits) { return 4 * bits - 4; }
inline constexpr uint32_t kGapSymbols = bucket_symbols(kMaxBlockLog2);
static_assert(bucket_symbols(64) <= 1u << kSymbolBits);
static_assert(bucket_base(8) == 8 && raw_bits(8) == 1 && raw_bits(bucket_symbols(64) - 1) == 61);

// ---- The words in front of the code tables: as many as there are tables. ----
// Codec delta: the number of classes, then the bound of each table but the first. Codec
// sparse_delta: the bound of each group, 0 first, and its rate.
GRAMZIP_HD inline uint32_t context_bytes(uint32_t tables) {
  return static_cast<uint32_t>(round_up(2 * tables, 4));
}

// Codec delta: a block without a raw plane, whose class ids tell `classes` apart.
GRAMZIP_HD inline BlockPlan plan_dense(uint32_t decoded_bytes, ElementType type, uint32_t classes) {
  Split s{};
  s.bytes = element_info(type).bytes;
  s.interleaved = true;
  return plan_block(decoded_bytes, s, classes);
}

// Codec delta: the table of the sum of an exponent and its run's class. bounds: of the tables but
// the first.
GRAMZIP_HD inline uint32_t table_of(const uint16_t* bounds, uint32_t tables, uint32_t sum) {
  uint32_t t = 0;
  while (t + 1 < tables && bounds[t] <= sum) ++t;
  return t;
}
}  // namespace gramzip::delta
