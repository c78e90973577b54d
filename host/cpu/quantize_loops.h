// SPDX-License-Identifier: Apache-2.0
// The search for levels, compiled once more for newer processors.
#pragma once
#include <cstddef>
#include <cstdint>

#include "gramzip/core/elements.h"
#include "gramzip/core/level_search.h"

namespace gramzip::cpu {
// What becomes of a weight before the search: x = w, or w / scale + zero (zero where scale is 0).
struct WeightScale {
  bool scaled;
  double scale, zero;
};

#if defined(GRAMZIP_HAVE_AVX512)
// The first elements' levels, eight at a time: of how many it returns. None of 8-bit types. The
// values are those of the plain loop: one rounding an operation in both.
size_t search_levels_avx512(const quant::LevelSearch& search, ElementType type,
                            const WeightScale& scale, const uint8_t* elements, size_t n,
                            uint16_t* indexes);
#endif
}  // namespace gramzip::cpu
