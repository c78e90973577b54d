// SPDX-License-Identifier: Apache-2.0
// How the weights of a tensor are distributed: what quantizers are designed from.
#pragma once
#include <cstdint>
#include <vector>

#include "gramzip/core/elements.h"

namespace gramzip::quant {
// What a tensor's finite weights are, by value: buckets of equal or nearly equal ones, ascending.
// 16-bit and 8-bit types have a bucket a pattern; others one for each sign, exponent and 11 bits of
// mantissa (of the nearest F32, for F64).
struct Bucket {
  double sum = 0;  // of the values, in a fixed order
  double sum_of_squares = 0;
  uint64_t count = 0;
  double mean() const { return sum / static_cast<double>(count); }
};
struct Distribution {
  ElementType type = ElementType::bf16;
  std::vector<Bucket> buckets;  // none is empty
  uint64_t count = 0;           // finite weights
  uint64_t not_finite = 0;      // NaN and infinities
  double sum = 0, sum_of_squares = 0;
  double least = 0, most = 0;  // exact; 0 if there are none
};
// Of a group of weights that share a scale.
struct Range {
  double least = 0, most = 0;
};
}  // namespace gramzip::quant
