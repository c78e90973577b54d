// SPDX-License-Identifier: Apache-2.0
// Elements of any float type as numbers and back. Rounding, overflow and NaN are those of
// gramzip/core/float_formats.h for every type; the results are the same on every machine.
#pragma once
#include <cstddef>
#include <cstdint>

#include "gramzip/core/float_formats.h"

namespace gramzip::cpu {
// n elements of a float type at p, at any alignment, little-endian. to_doubles is exact for every
// type; to_floats rounds F64 and is exact for the others. A NaN is quiet afterwards. The arrays do
// not overlap.
void to_doubles(ElementType type, const uint8_t* p, size_t n, double* out);
void to_floats(ElementType type, const uint8_t* p, size_t n, float* out);

// n numbers as elements of a float type, rounded once, to nearest, ties to even. Returns how many
// finite ones lie beyond the type's largest finite value when rounded: they became infinity
// (F8_E4M3: NaN), or the largest finite value under Overflow::saturate.
size_t from_doubles(ElementType type, const double* in, size_t n, uint8_t* out,
                    Overflow overflow = Overflow::infinity);
size_t from_floats(ElementType type, const float* in, size_t n, uint8_t* out,
                   Overflow overflow = Overflow::infinity);

// Elements of one float type as those of another; of the same type they are copied, bit by bit.
size_t convert_floats(ElementType from, const uint8_t* in, ElementType to, size_t n, uint8_t* out,
                      Overflow overflow = Overflow::infinity);
}  // namespace gramzip::cpu
