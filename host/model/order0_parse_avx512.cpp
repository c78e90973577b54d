// SPDX-License-Identifier: Apache-2.0
// 16 pieces side by side, one a lane: a step of all walks is one gather of cells. Rows of bytes and
// costs live in rings of 64, as a walk looks at most 32 bytes ahead, so only the symbols chosen
// (256 KiB) and the trie leave the first cache.
#include <immintrin.h>

#include "host/model/order0_parse.h"

namespace gramzip::model {
namespace {
constexpr size_t kRing = 64;
static_assert(kRing > kTrieMaxBytes + 4 && kParsePiece % 4 == 0 && kParseGroup == 16);

uint64_t parse_group(const uint8_t* p, const ParseModel& model, ParseSpace& space, uint32_t* uses) {
  alignas(64) uint32_t cost[kRing][16];
  alignas(64) uint8_t bytes[kRing][16];
  space.symbol.resize(std::max(space.symbol.size(), kParsePiece * 16));
  uint16_t* symbols = space.symbol.data();
  const TrieCell* cells = model.trie.cells;
  const auto* values = reinterpret_cast<const uint32_t*>(cells) + 1;
  const __m512i zero = _mm512_setzero_si512();
  const __m512i none = _mm512_set1_epi32(-1);
  const __m512i low8 = _mm512_set1_epi32(0xff);
  const __m512i low16 = _mm512_set1_epi32(0xffff);
  const __m512i piece_at =
      _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                         _mm512_set1_epi32(static_cast<int>(kParsePiece)));
  const auto row = [&](size_t i) {
    return _mm512_cvtepu8_epi32(_mm_load_si128(reinterpret_cast<__m128i*>(bytes[i % kRing])));
  };
  const auto cost_row = [&](size_t i) { return _mm512_load_si512(cost[i % kRing]); };

  _mm512_store_si512(cost[kParsePiece % kRing], zero);
  for (size_t i = kParsePiece; i-- > 0;) {
    if (i % 4 == 3) {
      const __m512i four = _mm512_i32gather_epi32(piece_at, p + i - 3, 1);
      for (uint32_t k = 0; k < 4; ++k)
        _mm_store_si128(reinterpret_cast<__m128i*>(bytes[(i - 3 + k) % kRing]),
                        _mm512_cvtepi32_epi8(_mm512_srli_epi32(four, 8 * k)));
    }
    const __m512i b0 = row(i);
    __m512i best =
        _mm512_add_epi32(cost_row(i + 1), _mm512_i32gather_epi32(b0, model.byte_cost, 4));
    __m512i symbol = b0;
    if (i + 1 < kParsePiece) {
      __m512i at = _mm512_i32gather_epi32(_mm512_or_si512(b0, _mm512_slli_epi32(row(i + 1), 8)),
                                          model.trie.pair_root, 4);
      __mmask16 walking = _mm512_test_epi32_mask(at, at);
      __m512i base_label = _mm512_mask_i32gather_epi32(zero, walking, at, cells, 8);
      for (size_t j = i + 2; walking != 0; ++j) {
        const __m512i value = _mm512_mask_i32gather_epi32(none, walking, at, values, 8);
        const __mmask16 ends = _mm512_cmpneq_epi32_mask(value, none);
        const __m512i total = _mm512_add_epi32(cost_row(j), _mm512_srli_epi32(value, 16));
        const __mmask16 better = _mm512_mask_cmplt_epu32_mask(ends, total, best);
        best = _mm512_mask_mov_epi32(best, better, total);
        symbol = _mm512_mask_and_epi32(symbol, better, value, low16);
        if (j >= kParsePiece) break;
        const __m512i c = row(j);
        const __m512i base = _mm512_srli_epi32(base_label, 8);
        walking = _mm512_mask_test_epi32_mask(walking, base, base);
        at = _mm512_add_epi32(base, c);
        base_label = _mm512_mask_i32gather_epi32(zero, walking, at, cells, 8);
        walking = _mm512_mask_cmpeq_epi32_mask(walking, _mm512_and_si512(base_label, low8), c);
      }
    }
    _mm512_store_si512(cost[i % kRing], best);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(symbols + i * 16),
                        _mm512_cvtepi32_epi16(symbol));
  }

  // The paths, 16 at once: each is a chain of loads.
  uint32_t at[16] = {};
  for (bool more = true; more;) {
    more = false;
    for (size_t l = 0; l < 16; ++l) {
      if (at[l] >= kParsePiece) continue;
      const uint16_t s = symbols[at[l] * 16 + l];
      ++uses[s];
      at[l] += model.lengths[s];
      more = true;
    }
  }
  uint64_t total = 0;
  for (size_t l = 0; l < 16; ++l) total += cost[0][l];
  return total;
}
}  // namespace

const ParseLoops kParseAvx512 = {parse_group};
}  // namespace gramzip::model
