// SPDX-License-Identifier: Apache-2.0
// Quantizers of every kind and weights to go with them: for tests of the loops on both backends.
#pragma once
#include <string>
#include <vector>

#include "host/model/quantizer.h"

namespace gramzip::test {
struct QuantizerCase {
  std::string name;
  quant::Quantizer quantizer;
  uint64_t first = 0;             // of the elements in their tensor
  std::vector<uint8_t> elements;  // ordinary weights, special ones, and some at the thresholds
};
// Uniform and listed levels, 1 to 4095 of them; thresholds evenly spaced, moved, equal and far
// apart; with bounds; with scales, also 0 and negative ones, and zero points; pieces that begin and
// end within a group; trellises.
std::vector<QuantizerCase> quantizer_cases(ElementType type, size_t elements);
// n elements of kind 0 to 4: ordinary weights, special ones, random bits, all equal, all NaN.
std::vector<uint8_t> weights_of(ElementType type, size_t n, int kind);
inline constexpr ElementType kFloatTypes[] = {ElementType::bf16,    ElementType::f16,
                                              ElementType::f32,     ElementType::f64,
                                              ElementType::f8_e4m3, ElementType::f8_e5m2};
}  // namespace gramzip::test
