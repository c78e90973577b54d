// SPDX-License-Identifier: Apache-2.0
// Symbols and raw plane back into elements, several in a word of 64 bits: the inverse of split.inl.
// Included by join.inl.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "gramzip/core/elements.h"
#include "gramzip/core/wire.h"
#include "host/cpu/decode_tables.h"

namespace gramzip::cpu {
namespace {
struct RunEntry {
  uint16_t bits;
};
static_assert(sizeof(RunEntry) == 2);
inline uint32_t symbol_of(uint8_t s) { return s; }
inline uint32_t symbol_of(uint16_t s) { return s; }
inline uint32_t symbol_of(RunEntry e) { return static_cast<uint32_t>(e.bits) >> kRunEntryShift; }

// Four symbols of two bytes, one in each 16 bits.
template <class Symbol>
uint64_t four_symbols(const Symbol* s) {
  if constexpr (std::endian::native == std::endian::little) {
    uint64_t v;
    std::memcpy(&v, s, sizeof(v));
    if constexpr (std::is_same_v<Symbol, RunEntry>)
      v = (v >> kRunEntryShift) & (0x0001000100010001u * ((1u << kRunSymbolBits) - 1));
    return v;
  } else {
    uint64_t v = 0;
    for (uint32_t k = 0; k < 4; ++k) v |= uint64_t{symbol_of(s[k])} << (16 * k);
    return v;
  }
}

// Fields of 16 or 32 bits with a raw value of r bits in each: sign and low bits to their places.
struct RawPlaces {
  uint64_t low, signs;
  uint32_t to_sign, zeros;
  RawPlaces(const Split& split, uint64_t ones)
      : low(((uint64_t{1} << (split.raw_bits - 1)) - 1) * ones),
        signs((uint64_t{1} << (8u * split.bytes - 1)) * ones),
        to_sign(8u * split.bytes - split.raw_bits),
        zeros(split.zero_bits) {}
  uint64_t operator()(uint64_t x) const { return ((x & low) << zeros) | ((x << to_sign) & signs); }
};

// 16-bit elements, raw values of 1 to 13 bits: eight elements of R bytes. Returns how many are
// done.
template <class Symbol>
uint32_t join_words_16(const Split& split, const uint8_t* raw_plane, const Symbol* symbols,
                       uint32_t n, uint8_t* out) {
  const uint32_t r = split.raw_bits, up = r - 1 + split.zero_bits;
  const RawPlaces places(split, 0x0001000100010001u);
  const uint64_t one = ((uint64_t{1} << r) - 1) * 0x0000000100000001u;
  const uint64_t pair = ((uint64_t{1} << (2 * r)) - 1) * 0x0000000100000001u;
  const uint32_t half_byte = r / 2, half_bit = 4 * r % 8;
  const auto four = [&](uint64_t v, const Symbol* s) {
    v = (v & (pair & UINT32_MAX)) | ((v << (32 - 2 * r)) & (pair << 32));
    v = (v & one) | ((v << (16 - r)) & (one << 16));
    return (four_symbols(s) << up) | places(v);
  };
  uint32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const uint8_t* p = raw_plane + size_t{i} / 8 * r;
    store_le<uint64_t>(out + size_t{2} * i, four(load_le<uint64_t>(p), symbols + i));
    store_le<uint64_t>(out + size_t{2} * i + 8,
                       four(load_le<uint64_t>(p + half_byte) >> half_bit, symbols + i + 4));
  }
  return i;
}

// 32-bit elements, raw values of 1 to 28 bits: pairs.
template <class Symbol>
uint32_t join_words_32(const Split& split, const uint8_t* raw_plane, const Symbol* symbols,
                       uint32_t n, uint8_t* out) {
  const uint32_t r = split.raw_bits, up = r - 1 + split.zero_bits;
  const RawPlaces places(split, 0x0000000100000001u);
  const uint64_t one = (uint64_t{1} << r) - 1;
  uint32_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const uint64_t s = four_symbols(symbols + i);
    for (uint32_t k = 0; k < 4; k += 2) {
      const uint64_t at = uint64_t{i + k} * r;
      const uint64_t raw = load_le<uint64_t>(raw_plane + (at >> 3)) >> (at & 7);
      const uint64_t two = (s >> (16 * k)) & UINT32_MAX;
      store_le<uint64_t>(out + size_t{4} * (i + k),
                         (((two | two << 16) & 0x0000ffff0000ffffu) << up) |
                             places((raw & one) | ((raw >> r & one) << 32)));
    }
  }
  return i;
}
}  // namespace
}  // namespace gramzip::cpu
