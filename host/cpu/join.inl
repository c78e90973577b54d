// SPDX-License-Identifier: Apache-2.0
// Symbols and raw plane back into elements. Included by the loops of each instruction set.
//
// Symbols come as bytes, as uint16_t, or as entries of the look-ups that go run by run, with the
// length still in the low bits. Raw values are read by loads of up to 16 bytes: behind the raw
// plane of a block lies its lane header, 32 bytes or more.
#pragma once
#include <cstdint>
#include <type_traits>

#include "gramzip/core/bitpack.h"
#include "gramzip/core/elements.h"
#include "gramzip/core/wire.h"
#include "host/cpu/join_vectors.inl"
#include "host/cpu/join_words.inl"

namespace gramzip::cpu {
namespace {
// Elements `first` on.
template <class T, class Symbol>
void join_any(const Split& split, const uint8_t* raw_plane, const Symbol* symbols, uint32_t first,
              uint32_t n, uint8_t* out) {
  const uint32_t r = split.raw_bits;
  if (r == 0) {
    for (uint32_t i = first; i < n; ++i)
      store_le<T>(out + size_t{i} * sizeof(T), static_cast<T>(symbol_of(symbols[i])));
    return;
  }
  // 7 bits before the field and 57 of it at most fit in a load.
  const uint64_t low = (uint64_t{1} << (r - 1)) - 1;
  const uint32_t to_sign = 8 * sizeof(T) - r, z = split.zero_bits;
  const uint64_t sign = uint64_t{1} << (8 * sizeof(T) - 1);
  for (uint32_t i = first; i < n; ++i) {
    const uint64_t at = uint64_t{i} * r, raw = load_le<uint64_t>(raw_plane + (at >> 3)) >> (at & 7);
    store_le<T>(
        out + size_t{i} * sizeof(T),
        static_cast<T>(((raw & low) << z) | (uint64_t{symbol_of(symbols[i])} << (r - 1 + z)) |
                       ((raw << to_sign) & sign)));
  }
}

// Raw values of whole bytes: no bit arithmetic, so the compiler can use vectors.
template <class T, uint32_t kRawBytes, class Symbol>
void join_bytes(const uint8_t* raw_plane, const Symbol* symbols, uint32_t n, uint8_t* out) {
  constexpr uint32_t shift = 8 * kRawBytes - 1, top = 8 * sizeof(T) - 1;
  for (uint32_t i = 0; i < n; ++i) {
    T raw = 0;
    for (uint32_t b = 0; b < kRawBytes; ++b)
      raw = static_cast<T>(raw | (static_cast<T>(raw_plane[size_t{i} * kRawBytes + b]) << (8 * b)));
    const T low = static_cast<T>((T{1} << shift) - 1);
    store_le<T>(out + size_t{i} * sizeof(T),
                static_cast<T>((raw & low) | (static_cast<T>(symbol_of(symbols[i])) << shift) |
                               (static_cast<T>(raw >> shift) << top)));
  }
}

// The lowest 7 bits of each 16, as bytes.
inline uint64_t seven_bits(uint64_t v) {
  v &= 0x007f007f007f007fu;
  v = (v | v >> 8) & 0x0000ffff0000ffffu;
  return (v | v >> 16) & UINT32_MAX;
}

// F8: the sign is the raw bit, 8 signs of a byte spread by one multiplication.
template <class Symbol>
void join_f8(const uint8_t* raw_plane, const Symbol* symbols, uint32_t n, uint8_t* out) {
  uint32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    uint64_t low = 0;
    if constexpr (sizeof(Symbol) == 2)
      low = seven_bits(four_symbols(symbols + i)) | seven_bits(four_symbols(symbols + i + 4)) << 32;
    else
      low = load_le<uint64_t>(symbols + i) & 0x7f7f7f7f7f7f7f7fu;
    // Byte k of the product is the signs; each keeps its own, which a sum carries to its top.
    const uint64_t signs = (raw_plane[i / 8] * 0x0101010101010101u) & 0x8040201008040201u;
    store_le<uint64_t>(out + i, low | ((signs + 0x00406070787c7e7fu) & 0x8080808080808080u));
  }
  for (; i < n; ++i)
    out[i] = static_cast<uint8_t>((symbol_of(symbols[i]) & 0x7fu) |
                                  ((uint32_t{raw_plane[i / 8]} >> (i & 7)) << 7));
}

// F8 of an exponent alone: eight elements at a time, a byte each.
[[maybe_unused]] void join_f8_exponents(const Split& split, const uint8_t* raw_plane,
                                        const uint8_t* symbols, uint32_t n, uint8_t* out) {
  const uint32_t r = split.raw_bits;  // 3 or 4
  const uint64_t signs = 0x8080808080808080u,
                 low = ((uint64_t{1} << (r - 1)) - 1) * 0x0101010101010101u;
  uint32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    uint64_t packed = 0;
    for (uint32_t b = 0; b < r; ++b) packed |= uint64_t{raw_plane[i / 8 * r + b]} << (8 * b);
    const uint64_t raw = unpack_bytes(packed, r);
    const uint64_t exponents = load_le<uint64_t>(symbols + i) << (r - 1);
    store_le<uint64_t>(out + i,
                       ((raw << (8 - r)) & signs) | (exponents & ~(signs | low)) | (raw & low));
  }
  for (; i < n; ++i)
    out[i] = static_cast<uint8_t>(split.join(symbols[i], load_bits(raw_plane, uint64_t{i} * r, r)));
}

// F16 of an exponent alone: eight raw values in 11 bytes.
[[maybe_unused]] void join_f16_exponents(const Split& split, const uint8_t* raw_plane,
                                         const uint8_t* symbols, uint32_t n, uint8_t* out) {
  uint32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const uint8_t* p = raw_plane + i / 8 * size_t{11};
    const auto first = load_le<uint64_t>(p), last = load_le<uint64_t>(p + 3);
    for (uint32_t k = 0; k < 8; ++k) {
      const uint32_t raw = static_cast<uint32_t>(k < 5 ? first >> (11 * k) : last >> (11 * k - 24));
      const uint32_t x = (raw & 0x3ff) | uint32_t{symbols[i + k]} << 10 | (raw << 5 & 0x8000);
      store_le<uint16_t>(out + 2 * size_t{i + k}, static_cast<uint16_t>(x));
    }
  }
  for (; i < n; ++i)
    store_element(out, i, 2, split.join(symbols[i], load_bits(raw_plane, uint64_t{i} * 11, 11)));
}

// Symbols in order of elements.
template <class Symbol>
void join(const Split& split, const uint8_t* raw_plane, const Symbol* symbols, uint32_t n,
          uint8_t* out) {
  const uint32_t r = split.raw_bits;
  uint32_t done = 0;
#if defined(__AVX2__)
  if constexpr (sizeof(Symbol) == 2) {
    if (split.bytes == 2 && r >= 1 && r <= 9)
#if defined(__AVX512VBMI__)
      done = join_16_vbmi(split, raw_plane, symbols, n, out);
#else
      done = join_16(split, raw_plane, symbols, n, out);
#endif
    if (split.bytes == 4 && r <= 25) done = join_32(split, raw_plane, symbols, n, out);
    if constexpr (std::is_same_v<Symbol, RunEntry>)
      if (split.bytes == 1 && r <= 1) done = join_8(r, raw_plane, symbols, n, out);
  }
#endif
  if (done == 0 && split.zero_bits == 0) {
    if (split.bytes == 1 && r == 1) return join_f8(raw_plane, symbols, n, out);
    if constexpr (std::is_same_v<Symbol, uint8_t>) {
      if (split.bytes == 1 && (r == 3 || r == 4))
        return join_f8_exponents(split, raw_plane, symbols, n, out);
      if (split.bytes == 2 && r == 11) return join_f16_exponents(split, raw_plane, symbols, n, out);
    }
    if (split.bytes == 2 && r == 8) return join_bytes<uint16_t, 1>(raw_plane, symbols, n, out);
    if (split.bytes == 4 && r == 24) return join_bytes<uint32_t, 3>(raw_plane, symbols, n, out);
  }
  if constexpr (sizeof(Symbol) == 2) {
    if (done == 0 && split.bytes == 2 && r >= 1 && r <= 13)
      done = join_words_16(split, raw_plane, symbols, n, out);
    if (done == 0 && split.bytes == 4 && r >= 1 && r <= 28)
      done = join_words_32(split, raw_plane, symbols, n, out);
  }
  switch (split.bytes) {
    case 1:
      return join_any<uint8_t>(split, raw_plane, symbols, done, n, out);
    case 2:
      return join_any<uint16_t>(split, raw_plane, symbols, done, n, out);
    case 4:
      return join_any<uint32_t>(split, raw_plane, symbols, done, n, out);
    default:
      return join_any<uint64_t>(split, raw_plane, symbols, done, n, out);
  }
}
}  // namespace
}  // namespace gramzip::cpu
