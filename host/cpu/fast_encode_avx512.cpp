// SPDX-License-Identifier: Apache-2.0
// The words of a block of fast floats with AVX-512 VBMI2: 64 exponents, four of 16 lanes, at a
// time. Their codes come from tables of 256 bytes in registers and join to a field a lane. Words
// that are full gather in order, each with its place in the stream, and go there at the end.
#include <immintrin.h>

#include "host/cpu/fast_encode.h"

namespace gramzip::cpu {
namespace {
struct ByteTable {
  __m512i quarter[4];
  explicit ByteTable(const uint8_t* table) {
    for (uint32_t q = 0; q < 4; ++q) quarter[q] = _mm512_loadu_si512(table + 64 * size_t{q});
  }
  __m512i operator[](__m512i index) const {
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index),
                                  _mm512_permutex2var_epi8(quarter[0], index, quarter[1]),
                                  _mm512_permutex2var_epi8(quarter[2], index, quarter[3]));
  }
};

struct Lanes16 {
  __m512i bits, held, filling, ahead;
};
struct Out {
  uint32_t* full;
  uint32_t* place;
  uint32_t next;
};

// The four codes of each lane as one field, and its length.
inline __m512i join_codes(__m512i bits, __m512i length, __m512i& total) {
  const __m512i byte = _mm512_set1_epi16(0xff), half = _mm512_set1_epi32(0xffff);
  const __m512i first = _mm512_and_si512(length, byte);
  const __m512i pair = _mm512_or_si512(_mm512_and_si512(bits, byte),
                                       _mm512_sllv_epi16(_mm512_srli_epi16(bits, 8), first));
  const __m512i pair_length = _mm512_add_epi16(first, _mm512_srli_epi16(length, 8));
  const __m512i low = _mm512_and_si512(pair_length, half);
  total = _mm512_add_epi32(low, _mm512_srli_epi32(pair_length, 16));
  return _mm512_or_si512(_mm512_and_si512(pair, half),
                         _mm512_sllv_epi32(_mm512_srli_epi32(pair, 16), low));
}

inline void put_codes(Lanes16& l, __m512i code, __m512i length, Out& out) {
  const __m512i word = _mm512_set1_epi32(32);
  const __m512i all = _mm512_or_si512(l.bits, _mm512_sllv_epi32(code, l.held));
  const __m512i over = _mm512_srlv_epi32(code, _mm512_sub_epi32(word, l.held));
  const __m512i sum = _mm512_add_epi32(l.held, length);
  const __mmask16 full = _mm512_cmpge_epu32_mask(sum, word);
  l.held = _mm512_and_si512(sum, _mm512_set1_epi32(31));
  l.bits = _mm512_mask_mov_epi32(all, full, over);
  _mm512_storeu_si512(out.full, _mm512_maskz_compress_epi32(full, all));
  _mm512_storeu_si512(out.place, _mm512_maskz_compress_epi32(full, l.filling));
  const __m512i places =
      _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(out.next)),
                       _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  l.filling = _mm512_mask_mov_epi32(l.filling, full, l.ahead);
  l.ahead = _mm512_mask_expand_epi32(l.ahead, full, places);
  const auto count = static_cast<uint32_t>(_mm_popcnt_u32(full));
  out.full += count;
  out.place += count;
  out.next += count;
}
}  // namespace

uint32_t write_fast_avx512(const FastBlockInput& in, FastWords& to) {
  Lanes16 lanes[2];
  for (uint32_t h = 0; h < 2; ++h) {
    const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    lanes[h].bits = lanes[h].held = _mm512_setzero_si512();
    lanes[h].filling = _mm512_add_epi32(first, _mm512_set1_epi32(static_cast<int>(16 * h)));
    lanes[h].ahead = _mm512_add_epi32(lanes[h].filling, _mm512_set1_epi32(kLanes));
  }
  Out out{to.full.data(), to.place.data(), fast::kFirstWords};
  const uint32_t steps = fast::steps_of(static_cast<uint32_t>(in.exponents.size()));
  FastStep s;
  for (uint32_t step = 0; step < steps; ++step) {
    s.load(in, step);
    const ByteTable bits(s.codes->bits), length(s.codes->length);
    for (uint32_t h = 0; h < 2; ++h) {
      const __m512i e = _mm512_loadu_si512(s.exponents + 64 * h);
      const __m512i code = bits[e];
      if (_mm512_movepi8_mask(code) != 0)
        list_exceptions(*s.codes, s.exponents + 64 * h, step * fast::kStep + 64 * h, 64,
                        to.exceptions);
      __m512i total;
      const __m512i field =
          join_codes(_mm512_and_si512(code, _mm512_set1_epi8(0x7f)), length[e], total);
      put_codes(lanes[h], field, total, out);
    }
  }
  uint32_t* const words = to.words.data();
  const auto full = static_cast<size_t>(out.full - to.full.data());
  for (size_t i = 0; i < full; ++i) words[to.place[i]] = to.full[i];
  for (const Lanes16& l : lanes) {
    _mm512_i32scatter_epi32(words, l.filling, l.bits, 4);
    _mm512_i32scatter_epi32(words, l.ahead, _mm512_setzero_si512(), 4);
  }
  return out.next;
}
}  // namespace gramzip::cpu
