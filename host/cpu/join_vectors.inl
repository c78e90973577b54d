// SPDX-License-Identifier: Apache-2.0
// Symbols and raw plane back into elements by vectors. Included by join.inl.
#pragma once
#include "host/cpu/join_words.inl"
#if defined(__AVX2__)
#include <immintrin.h>

namespace gramzip::cpu {
namespace {
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
    const __m512i field = _mm512_multishift_epi64_epi8(shift, _mm512_permutexvar_epi8(place, raw));
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
}  // namespace
}  // namespace gramzip::cpu
#endif
