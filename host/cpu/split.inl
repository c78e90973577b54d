// SPDX-License-Identifier: Apache-2.0
// Elements into symbols and raw plane. Included by the encoder's loops of each instruction set.
#pragma once
#include <cstdint>

#include "gramzip/core/elements.h"
#include "gramzip/core/wire.h"

namespace gramzip::cpu {
namespace {
// Raw values of whole bytes: no bit arithmetic, so the compiler can use vectors.
template <class T, uint32_t kRawBytes, class Symbol>
void split_bytes(const uint8_t* content, uint32_t n, Symbol* symbols, uint8_t* raw_plane) {
  constexpr uint32_t shift = 8 * kRawBytes - 1, top = 8 * sizeof(T) - 1;
  constexpr T low = static_cast<T>((T{1} << shift) - 1);
  for (uint32_t i = 0; i < n; ++i) {
    const T x = load_le<T>(content + size_t{i} * sizeof(T));
    symbols[i] = static_cast<uint8_t>(x >> shift);
    const T raw = static_cast<T>((x & low) | (static_cast<T>(x >> top) << shift));
    for (uint32_t b = 0; b < kRawBytes; ++b)
      raw_plane[size_t{i} * kRawBytes + b] = static_cast<uint8_t>(raw >> (8 * b));
  }
}

template <class T, class Symbol>
void symbols_of(const uint8_t* content, uint32_t n, const Split& s, Symbol* symbols) {
  const uint32_t down = s.raw_bits > 0 ? s.raw_bits - 1u + s.zero_bits : 0,
                 mask = (1u << s.symbol_bits) - 1;
  for (uint32_t i = 0; i < n; ++i) {
    const T x = load_le<T>(content + size_t{i} * sizeof(T));
    symbols[i] = static_cast<Symbol>(static_cast<T>(x >> down) & mask);
  }
}

// Fields one after another, at most 56 bits each. Stores run up to 8 bytes past the last one.
struct FieldWriter {
  uint8_t* at;
  uint64_t bits = 0;
  uint32_t count = 0;  // below 8
  void put(uint64_t field, uint32_t width) {
    bits |= field << count;
    count += width;
    store_le<uint64_t>(at, bits);
    at += count >> 3;
    bits >>= count & 56;
    count &= 7;
  }
};

// F8: the raw bit is the sign, 8 signs to a byte by one multiplication.
inline void raw_f8(const uint8_t* content, uint32_t n, uint8_t* raw_plane) {
  uint32_t i = 0;
  for (; i + 8 <= n; i += 8)
    raw_plane[i / 8] = static_cast<uint8_t>(
        (((load_le<uint64_t>(content + i) >> 7) & 0x0101010101010101u) * 0x0102040810204080u) >>
        56);
  if (i == n) return;
  uint32_t last = 0;
  for (; i < n; ++i) last |= static_cast<uint32_t>(content[i] >> 7) << (i & 7);
  raw_plane[(n - 1) / 8] = static_cast<uint8_t>(last);
}

template <class T>
void raw_any(const uint8_t* content, uint32_t first, uint32_t n, const Split& s, FieldWriter w) {
  for (uint32_t i = first; i < n; ++i)
    w.put(s.raw(load_le<T>(content + size_t{i} * sizeof(T))), s.raw_bits);
}

// Four elements of 16 bits or two of 32 in a word: their raw values close up, neighbours first.
inline uint64_t close_up_16(uint64_t x, uint32_t r, uint32_t z) {
  constexpr uint64_t ones = 0x0001000100010001u;
  const uint64_t low = ((uint64_t{1} << (r - 1)) - 1) * ones,
                 sign = (uint64_t{1} << (r - 1)) * ones;
  x = ((x >> z) & low) | ((x >> (16 - r)) & sign);
  x = (x | x >> (16 - r)) & (((uint64_t{1} << (2 * r)) - 1) * 0x0000000100000001u);
  return (x | x >> (32 - 2 * r)) & ((uint64_t{1} << (4 * r)) - 1);
}
inline uint64_t close_up_32(uint64_t x, uint32_t r, uint32_t z) {
  constexpr uint64_t ones = 0x0000000100000001u;
  const uint64_t low = ((uint64_t{1} << (r - 1)) - 1) * ones,
                 sign = (uint64_t{1} << (r - 1)) * ones;
  x = ((x >> z) & low) | ((x >> (32 - r)) & sign);
  return (x & UINT32_MAX) | (x >> 32 << r);
}

void raw_values(const uint8_t* content, uint32_t n, const Split& s, uint8_t* raw_plane) {
  const uint32_t r = s.raw_bits, z = s.zero_bits;
  FieldWriter w{raw_plane};
  uint32_t i = 0;
  if (s.bytes == 1) {
    if (r == 1) return raw_f8(content, n, raw_plane);
    return raw_any<uint8_t>(content, 0, n, s, w);
  }
  if (s.bytes == 2) {
    if (r <= 8)
      for (; i + 8 <= n; i += 8, w.at += r)
        store_le<uint64_t>(
            w.at, close_up_16(load_le<uint64_t>(content + size_t{2} * i), r, z) |
                      close_up_16(load_le<uint64_t>(content + size_t{2} * i + 8), r, z) << (4 * r));
    return raw_any<uint16_t>(content, i, n, s, w);
  }
  if (s.bytes == 4) {
    if (r <= 28)
      for (; i + 2 <= n; i += 2)
        w.put(close_up_32(load_le<uint64_t>(content + size_t{4} * i), r, z), 2 * r);
    return raw_any<uint32_t>(content, i, n, s, w);
  }
  raw_any<uint64_t>(content, 0, n, s, w);
}

template <class Symbol>
void split_into(const uint8_t* content, uint32_t n, const Split& s, Symbol* symbols,
                uint8_t* raw_plane) {
  if (raw_plane != nullptr) {
    if (s.bytes == 2 && s.raw_bits == 8 && s.zero_bits == 0)
      return split_bytes<uint16_t, 1>(content, n, symbols, raw_plane);
    if (s.bytes == 4 && s.raw_bits == 24 && s.zero_bits == 0)
      return split_bytes<uint32_t, 3>(content, n, symbols, raw_plane);
    if (s.raw_bits > 0) raw_values(content, n, s, raw_plane);
  }
  switch (s.bytes) {
    case 1:
      return symbols_of<uint8_t>(content, n, s, symbols);
    case 2:
      return symbols_of<uint16_t>(content, n, s, symbols);
    case 4:
      return symbols_of<uint32_t>(content, n, s, symbols);
    default:
      return symbols_of<uint64_t>(content, n, s, symbols);
  }
}

void split_elements(const uint8_t* content, uint32_t n, const Split& s, uint8_t* symbols,
                    uint16_t* symbols16, uint8_t* raw_plane) {
  if (symbols16 != nullptr)
    split_into(content, n, s, symbols16, raw_plane);
  else
    split_into(content, n, s, symbols, raw_plane);
}

void split_symbols(const uint8_t* content, uint32_t n, const Split& s, uint16_t* symbols) {
  switch (s.bytes) {
    case 1:
      return symbols_of<uint8_t>(content, n, s, symbols);
    case 2:
      return symbols_of<uint16_t>(content, n, s, symbols);
    case 4:
      return symbols_of<uint32_t>(content, n, s, symbols);
    default:
      return symbols_of<uint64_t>(content, n, s, symbols);
  }
}
}  // namespace
}  // namespace gramzip::cpu
