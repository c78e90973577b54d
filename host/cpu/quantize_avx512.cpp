// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "gramzip/core/float_values.h"
#include "host/cpu/quantize_loops.h"

namespace gramzip::cpu {
namespace {
constexpr size_t kLanes8 = 8;

// Eight elements as doubles, and which of them are finite.
template <ElementType type>
__m512d load(const uint8_t* p, __mmask8& finite) {
  using V = FloatValues<type>;
  if constexpr (type == ElementType::f64) {
    const __m512i bits = _mm512_loadu_si512(p);
    const __m512i magnitude =
        _mm512_and_si512(bits, _mm512_set1_epi64(static_cast<int64_t>(V::kMagnitude)));
    finite =
        _mm512_cmplt_epi64_mask(magnitude, _mm512_set1_epi64(static_cast<int64_t>(V::kNotFinite)));
    return _mm512_castsi512_pd(bits);
  } else {
    __m256i bits;  // of an F32, or of an F16
    if constexpr (V::kBytes == 4)
      bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    else
      bits = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    const __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(V::kMagnitude));
    finite = _mm256_cmplt_epi32_mask(magnitude, _mm256_set1_epi32(V::kNotFinite));
    if constexpr (type == ElementType::f16)
      return _mm512_cvtps_pd(_mm512_castps512_ps256(
          _mm512_cvtph_ps(_mm256_castsi128_si256(_mm256_cvtepi32_epi16(bits)))));
    if constexpr (type == ElementType::bf16) bits = _mm256_slli_epi32(bits, 16);
    return _mm512_cvtps_pd(_mm256_castsi256_ps(bits));
  }
}

template <ElementType type>
size_t search_levels(const quant::LevelSearch& s, const WeightScale& w, const uint8_t* p, size_t n,
                     uint16_t* indexes) {
  const __m512d origin = _mm512_set1_pd(s.origin), width = _mm512_set1_pd(s.inverse_width),
                last = _mm512_set1_pd(s.cells - 1), none = _mm512_setzero_pd();
  const __m512d lowest = _mm512_set1_pd(s.lowest), highest = _mm512_set1_pd(s.highest),
                scale = _mm512_set1_pd(w.scale), zero = _mm512_set1_pd(w.zero);
  const __m256i most = _mm256_set1_epi32(static_cast<int>(s.count)),
                kept = _mm256_set1_epi32(static_cast<int>(s.count) + 1);
  size_t i = 0;
  for (; i + kLanes8 <= n; i += kLanes8) {
    __mmask8 inside;
    __m512d x = load<type>(p + i * FloatValues<type>::kBytes, inside);
    x = _mm512_maskz_mov_pd(inside, x);
    if (w.scaled) x = _mm512_add_pd(w.scale != 0 ? _mm512_div_pd(x, scale) : none, zero);
    __m512d c = _mm512_mul_pd(_mm512_sub_pd(x, origin), width);
    c = _mm512_min_pd(_mm512_max_pd(c, none), last);  // a NaN becomes 0
    __m256i level = _mm256_and_si256(
        _mm256_i32gather_epi32(reinterpret_cast<const int*>(s.first), _mm512_cvttpd_epi32(c), 2),
        _mm256_set1_epi32(0xffff));
    for (uint32_t step = s.steps; step-- > 0;) {
      const __m256i at = _mm256_add_epi32(level, _mm256_set1_epi32((1 << step) - 1));
      const __m512d t = _mm512_i32gather_pd(at, s.thresholds, 8);
      level = _mm256_mask_add_epi32(level, _mm512_cmp_pd_mask(t, x, _CMP_LE_OQ), level,
                                    _mm256_set1_epi32(1 << step));
    }
    inside = _mm512_mask_cmp_pd_mask(inside, x, lowest, _CMP_GE_OQ);
    inside = _mm512_mask_cmp_pd_mask(inside, x, highest, _CMP_LE_OQ);
    level = _mm256_mask_mov_epi32(kept, inside, _mm256_min_epi32(level, most));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(indexes + i), _mm256_cvtepi32_epi16(level));
  }
  return i;
}
}  // namespace

size_t search_levels_avx512(const quant::LevelSearch& search, ElementType type,
                            const WeightScale& scale, const uint8_t* elements, size_t n,
                            uint16_t* indexes) {
  switch (type) {
    case ElementType::bf16:
      return search_levels<ElementType::bf16>(search, scale, elements, n, indexes);
    case ElementType::f16:
      return search_levels<ElementType::f16>(search, scale, elements, n, indexes);
    case ElementType::f32:
      return search_levels<ElementType::f32>(search, scale, elements, n, indexes);
    case ElementType::f64:
      return search_levels<ElementType::f64>(search, scale, elements, n, indexes);
    default:
      return 0;
  }
}
}  // namespace gramzip::cpu
