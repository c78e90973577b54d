// SPDX-License-Identifier: Apache-2.0
// Quantized weights along a trellis: levels, walks over them, inputs of codec quantized.
#pragma once
#include <string>
#include <vector>

#include "tests/registry/quant_cases.h"

namespace gramzip::test {
// Uniform levels along a trellis of 2^log2 states.
quant::Levels trellis_levels(ElementType type, uint32_t count, uint32_t log2);
// n elements, each of the quantizer that the trellis says: a bell over its levels, half of
// shape.spread wide. Those of shape.escapes do as they like: other elements, and levels of the
// other quantizer.
std::vector<uint8_t> draw_trellis(const quant::Levels& levels, size_t n, const QuantShape& shape,
                                  uint64_t seed);
// All float types; 2 to 4094 levels; 4 to 256 states; escapes; content that knows no trellis; runs
// of one quantizer alone; classes; short and several blocks.
std::vector<QuantCase> edge_trellis();
// Some small ones that have coded blocks.
std::vector<QuantCase> small_trellis();
}  // namespace gramzip::test
