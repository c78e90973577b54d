// SPDX-License-Identifier: Apache-2.0
// Symbols and raw plane back into elements. Included by the loops of each instruction set.
#pragma once
#include <cstdint>

#include "gramzip/core/bitpack.h"
#include "gramzip/core/elements.h"
#include "gramzip/core/wire.h"

namespace gramzip::cpu {
namespace {
template <class T, class Symbol>
void join_all(const Split& split, const uint8_t* raw_plane, const Symbol* symbols, uint32_t n,
              uint8_t* out) {
  for (uint32_t i = 0; i < n; ++i) {
    const uint64_t raw = load_bits(raw_plane, uint64_t{i} * split.raw_bits, split.raw_bits);
    store_le<T>(out + size_t{i} * sizeof(T), static_cast<T>(split.join(symbols[i], raw)));
  }
}
// Raw values of whole bytes, the usual case: no bit arithmetic, so the compiler can use vectors.
template <class T, uint32_t kRawBytes, class Symbol>
void join_bytes(const uint8_t* raw_plane, const Symbol* symbols, uint32_t n, uint8_t* out) {
  constexpr uint32_t shift = 8 * kRawBytes - 1, top = 8 * sizeof(T) - 1;
  for (uint32_t i = 0; i < n; ++i) {
    T raw = 0;
    for (uint32_t b = 0; b < kRawBytes; ++b)
      raw = static_cast<T>(raw | (static_cast<T>(raw_plane[size_t{i} * kRawBytes + b]) << (8 * b)));
    const T low = static_cast<T>((T{1} << shift) - 1);
    store_le<T>(out + size_t{i} * sizeof(T),
                static_cast<T>((raw & low) | (static_cast<T>(symbols[i]) << shift) |
                               (static_cast<T>(raw >> shift) << top)));
  }
}

// F8: the sign is the raw bit, 8 signs of a byte spread by one multiplication.
template <class Symbol>
void join_f8(const uint8_t* raw_plane, const Symbol* symbols, uint32_t n, uint8_t* out) {
  uint32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    uint64_t low = 0;
    for (uint32_t k = 0; k < 8; ++k) low |= uint64_t{symbols[i + k] & 0x7fu} << (8 * k);
    // Byte k of the product is the signs; each keeps its own, which a sum carries to its top.
    const uint64_t signs = (raw_plane[i / 8] * 0x0101010101010101u) & 0x8040201008040201u;
    store_le<uint64_t>(out + i, low | ((signs + 0x00406070787c7e7fu) & 0x8080808080808080u));
  }
  for (; i < n; ++i)
    out[i] =
        static_cast<uint8_t>((symbols[i] & 0x7fu) | ((uint32_t{raw_plane[i / 8]} >> (i & 7)) << 7));
}

// F8 of an exponent alone: eight elements at a time, a byte each.
void join_f8_exponents(const Split& split, const uint8_t* raw_plane, const uint8_t* symbols,
                       uint32_t n, uint8_t* out) {
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
void join_f16_exponents(const Split& split, const uint8_t* raw_plane, const uint8_t* symbols,
                        uint32_t n, uint8_t* out) {
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

// Symbols in order of elements, as uint8_t or uint16_t.
template <class Symbol>
void join(const Split& split, const uint8_t* raw_plane, const Symbol* symbols, uint32_t n,
          uint8_t* out) {
  if (split.bytes == 1 && split.raw_bits == 1) return join_f8(raw_plane, symbols, n, out);
  if constexpr (sizeof(Symbol) == 1) {
    if (split.bytes == 1 && split.raw_bits <= 4)
      return join_f8_exponents(split, raw_plane, symbols, n, out);
    if (split.bytes == 2 && split.raw_bits == 11)
      return join_f16_exponents(split, raw_plane, symbols, n, out);
  }
  if (split.bytes == 2 && split.raw_bits == 8)
    return join_bytes<uint16_t, 1>(raw_plane, symbols, n, out);
  if (split.bytes == 4 && split.raw_bits == 24)
    return join_bytes<uint32_t, 3>(raw_plane, symbols, n, out);
  switch (split.bytes) {
    case 1:
      return join_all<uint8_t>(split, raw_plane, symbols, n, out);
    case 2:
      return join_all<uint16_t>(split, raw_plane, symbols, n, out);
    case 4:
      return join_all<uint32_t>(split, raw_plane, symbols, n, out);
    default:
      return join_all<uint64_t>(split, raw_plane, symbols, n, out);
  }
}
}  // namespace
}  // namespace gramzip::cpu
