// SPDX-License-Identifier: Apache-2.0
// Symbols and raw plane back into elements. Included by the loops of each instruction set.
//
// Symbols come as bytes, as uint16_t, or as entries of the look-ups that go run by run, with the
// length still in the low bits. Raw values are read by loads of up to 16 bytes: behind the raw
// plane of a block lies its lane header, 32 bytes or more.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "gramzip/core/bitpack.h"
#include "gramzip/core/elements.h"
#include "gramzip/core/wire.h"
#include "host/cpu/decode_tables.h"
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace gramzip::cpu {
namespace {
struct RunEntry {
  uint16_t bits;
};
static_assert(sizeof(RunEntry) == 2);
inline uint32_t symbol_of(uint8_t s) { return s; }
inline uint32_t symbol_of(uint16_t s) { return s; }
inline uint32_t symbol_of(RunEntry e) { return static_cast<uint32_t>(e.bits) >> kRunEntryShift; }

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

// ---- Words of 64 bits: the inverse of split.inl's closing up ----
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

// 16-bit elements, raw values of 1 to 13 bits: eight elements of R bytes. Returns how many are done.
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

#if defined(__AVX2__)
inline __m256i load_256(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}
inline __m256i load_2x128(const uint8_t* low, const uint8_t* high) {
  return _mm256_inserti128_si256(
      _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(low))),
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(high)), 1);
}

// 16-bit elements, raw values of 1 to 9 bits. Eight of them are R bytes: of a load each, a field's
// two bytes go to its place, and a multiplication moves the field to the top.
template <class Symbol>
uint32_t join_16(const Split& split, const uint8_t* raw_plane, const Symbol* symbols, uint32_t n,
                 uint8_t* out) {
  const uint32_t r = split.raw_bits, z = split.zero_bits;
  static_assert(sizeof(Symbol) == 2);
  alignas(32) uint8_t places[32];
  alignas(32) uint16_t factors[16];
  for (uint32_t i = 0; i < 8; ++i) {
    const uint32_t byte = i * r / 8, shift = i * r % 8;
    places[2 * i] = places[16 + 2 * i] = static_cast<uint8_t>(byte);
    places[2 * i + 1] = places[16 + 2 * i + 1] = static_cast<uint8_t>(byte + 1);
    factors[i] = factors[8 + i] = static_cast<uint16_t>(1u << (16 - r - shift));
  }
  const __m256i shuffle = load_256(places), factor = load_256(factors);
  const __m256i low = _mm256_set1_epi16(static_cast<int16_t>(((1 << (r - 1)) - 1) << z));
  const __m256i sign = _mm256_set1_epi16(INT16_MIN);
  const __m128i down = _mm_cvtsi32_si128(static_cast<int>(16 - r - z));
  constexpr bool entries = std::is_same_v<Symbol, RunEntry>;
  const __m128i up = _mm_cvtsi32_si128(static_cast<int>(r - 1 + z));
  uint32_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const uint8_t* p = raw_plane + size_t{i} / 8 * r;
    const __m256i field =
        _mm256_mullo_epi16(_mm256_shuffle_epi8(load_2x128(p, p + r), shuffle), factor);
    __m256i s = load_256(symbols + i);
    if (entries) s = _mm256_srli_epi16(s, kRunEntryShift);
    const __m256i x = _mm256_or_si256(_mm256_sll_epi16(s, up), _mm256_and_si256(field, sign));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + size_t{2} * i),
                        _mm256_or_si256(x, _mm256_and_si256(_mm256_srl_epi16(field, down), low)));
  }
  return i;
}

#if defined(__AVX512VBMI__)
// The same, 32 elements at a time: each 64 bits take four fields.
template <class Symbol>
uint32_t join_16_vbmi(const Split& split, const uint8_t* raw_plane, const Symbol* symbols,
                      uint32_t n, uint8_t* out) {
  const uint32_t r = split.raw_bits, z = split.zero_bits;
  alignas(64) uint8_t places[64], shifts[64];
  for (uint32_t i = 0; i < 64; ++i) {
    const uint32_t bit = 4 * r * (i / 8);
    places[i] = static_cast<uint8_t>(bit / 8 + i % 8);
    shifts[i] = static_cast<uint8_t>(bit % 8 + i % 8 / 2 * r + i % 2 * 8);
  }
  const __m512i place = _mm512_load_si512(places), shift = _mm512_load_si512(shifts);
  const __m512i low = _mm512_set1_epi16(static_cast<int16_t>(((1 << (r - 1)) - 1) << z));
  const __m512i sign = _mm512_set1_epi16(INT16_MIN);
  const __m128i to_sign = _mm_cvtsi32_si128(static_cast<int>(16 - r));
  const __m128i over_zeros = _mm_cvtsi32_si128(static_cast<int>(z));
  const __m128i up = _mm_cvtsi32_si128(static_cast<int>(r - 1 + z));
  const auto raw_words = static_cast<__mmask16>((1u << r) - 1);
  uint32_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const __m512i raw = _mm512_maskz_loadu_epi32(raw_words, raw_plane + size_t{i} / 8 * r);
    const __m512i field =
        _mm512_multishift_epi64_epi8(shift, _mm512_permutexvar_epi8(place, raw));
    __m512i x = _mm512_loadu_si512(symbols + i);
    if (std::is_same_v<Symbol, RunEntry>) x = _mm512_srli_epi16(x, kRunEntryShift);
    x = _mm512_sll_epi16(x, up);
    x = _mm512_ternarylogic_epi32(_mm512_sll_epi16(field, to_sign), sign, x, 0xea);  // ab | c
    x = _mm512_ternarylogic_epi32(_mm512_sll_epi16(field, over_zeros), low, x, 0xea);
    _mm512_storeu_si512(out + size_t{2} * i, x);
  }
  return i;
}
#endif

// 32-bit elements, raw values of at most 25 bits: four bytes of a load hold a field.
template <class Symbol>
uint32_t join_32(const Split& split, const uint8_t* raw_plane, const Symbol* symbols, uint32_t n,
                 uint8_t* out) {
  const uint32_t r = split.raw_bits, z = split.zero_bits;
  static_assert(sizeof(Symbol) == 2);
  alignas(32) uint8_t places[32];
  alignas(32) uint32_t shifts[8];
  const uint32_t half = 4 * r / 8;
  for (uint32_t i = 0; i < 8; ++i) {
    const uint32_t byte = i * r / 8 - (i < 4 ? 0 : half);
    for (uint32_t k = 0; k < 4; ++k) places[4 * i + k] = static_cast<uint8_t>(byte + k);
    shifts[i] = i * r % 8;
  }
  const __m256i shuffle = load_256(places), shift = load_256(shifts);
  const __m256i low = _mm256_set1_epi32(static_cast<int32_t>((1u << (r - 1)) - 1));
  const __m256i sign = _mm256_set1_epi32(INT32_MIN);
  const __m128i to_sign = _mm_cvtsi32_si128(static_cast<int>(32 - r));
  const __m128i up = _mm_cvtsi32_si128(static_cast<int>(r - 1 + z));
  const __m128i over_zeros = _mm_cvtsi32_si128(static_cast<int>(z));
  constexpr bool entries = std::is_same_v<Symbol, RunEntry>;
  uint32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const uint8_t* p = raw_plane + size_t{i} / 8 * r;
    const __m256i field =
        _mm256_srlv_epi32(_mm256_shuffle_epi8(load_2x128(p, p + half), shuffle), shift);
    __m256i s =
        _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(symbols + i)));
    if (entries) s = _mm256_srli_epi32(s, kRunEntryShift);
    const __m256i x = _mm256_or_si256(_mm256_sll_epi32(s, up),
                                      _mm256_and_si256(_mm256_sll_epi32(field, to_sign), sign));
    _mm256_storeu_si256(
        reinterpret_cast<__m256i*>(out + size_t{4} * i),
        _mm256_or_si256(x, _mm256_sll_epi32(_mm256_and_si256(field, low), over_zeros)));
  }
  return i;
}

// 8-bit elements from entries, no raw bits or the sign.
inline uint32_t join_8(uint32_t r, const uint8_t* raw_plane, const RunEntry* symbols, uint32_t n,
                       uint8_t* out) {
  const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2,
                                          2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
  const __m256i bit = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201u));
  const __m256i top = _mm256_set1_epi8(INT8_MIN);
  uint32_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const __m256i a = _mm256_srli_epi16(load_256(symbols + i), kRunEntryShift);
    const __m256i b = _mm256_srli_epi16(load_256(symbols + i + 16), kRunEntryShift);
    __m256i x = _mm256_permute4x64_epi64(_mm256_packus_epi16(a, b), 0xd8);
    if (r == 1) {
      const auto signs = static_cast<int32_t>(load_le<uint32_t>(raw_plane + i / 8));
      const __m256i mine =
          _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(signs), spread), bit);
      x = _mm256_or_si256(x, _mm256_and_si256(_mm256_cmpeq_epi8(mine, bit), top));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), x);
  }
  return i;
}
#endif

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
[[maybe_unused]] void join_f8_exponents(const Split& split, const uint8_t* raw_plane, const uint8_t* symbols,
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
[[maybe_unused]] void join_f16_exponents(const Split& split, const uint8_t* raw_plane, const uint8_t* symbols,
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
