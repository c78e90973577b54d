// SPDX-License-Identifier: Apache-2.0
// Quantized weights: inputs of codec quantized, and short forms of Backend calls on them.
#pragma once
#include <string>
#include <vector>

#include "host/backend/backend.h"
#include "host/model/quantizer.h"

namespace gramzip::test {
struct QuantCase {
  std::string name;
  quant::Levels levels;
  uint64_t first = 0;  // number of the first element in its tensor
  std::vector<uint8_t> content;
};

// How often levels occur: a bell over them, `spread` levels wide, around the middle one. escapes:
// elements in 65536 that are no level, NaNs and infinities among them.
struct QuantShape {
  double spread = 2;
  uint32_t escapes = 0;
};
// Levels of a tensor of `elements`, group 0: without scales.
quant::Levels uniform_levels(ElementType type, uint32_t count);
quant::Levels listed_levels(ElementType type, uint32_t count, uint64_t seed);
// Adds scales, and zero points if asked for, to levels.
void add_scales(quant::Levels& levels, quant::ScaleType scale_type, uint32_t group,
                bool zero_points, uint64_t elements, uint64_t seed);
// Elements number first to first + n - 1.
std::vector<uint8_t> draw_levels(const quant::Levels& levels, uint64_t first, size_t n,
                                 const QuantShape& shape, uint64_t seed);

// All float types; numbers of levels from 1 to 4095; every coder; scales, zero points and phases;
// escapes; blocks of every mode; one element to several blocks.
std::vector<QuantCase> edge_quantized();
// Some small ones that have all kinds of tables and blocks.
std::vector<QuantCase> small_quantized();
// Any levels and content can come out of this, for some seed.
QuantCase random_quantized(uint64_t seed, size_t max_elements);

// Of codec quantized, whether it pays or not.
EncodedSegment encode_quantized(const QuantCase& c);
// The small ones as the segments of one member "w", with a note: an archive that says LOSSY.
std::vector<uint8_t> quantized_archive();  // without those along a trellis
std::vector<uint8_t> trellis_archive();    // of these
inline constexpr const char* kQuantNote = "{\"method\":\"uniform\"}";
// As a backend decides.
EncodedSegment encode_quantized(Backend& backend, const QuantCase& c);
}  // namespace gramzip::test
