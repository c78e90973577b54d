// SPDX-License-Identifier: Apache-2.0
// A quantizer of one tensor: which of few levels each weight becomes. Quantizing replaces a
// tensor's bytes by those of levels, in the tensor's own type; codec 5 then codes these without
// loss.
#pragma once
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "gramzip/core/quant.h"

namespace gramzip::quant {
// How segments are to be coded: the smaller one; or as asked for (zero runs: expansions of the most
// frequent level alone).
enum class CoderChoice : uint8_t { automatic, huffman, zero_runs, horner };

// The levels of a tensor. Levels ascend; so do, by group, the elements made of them, if the scale
// is above 0.
struct Levels {
  ElementType type = ElementType::bf16;
  bool uniform = true;
  double step = 1;                  // uniform
  int32_t first = 0;                // uniform: level i is step * (first + i + corrections[i] / 256)
  std::vector<int8_t> corrections;  // uniform: one a level
  std::vector<double> listed;       // else: values of `type`, or of F32 if there are scales
  ScaleType scale_type = ScaleType::none;
  uint32_t group = 0;                // elements that share a scale; 0 without scales
  std::vector<float> scales;         // of the tensor's groups in order; F16 values if scale_type is
  std::vector<uint8_t> zero_points;  // as many, or none
  CoderChoice coder = CoderChoice::automatic;
  // Coder trellis with 2^trellis states, without scales; 0: none. The number of levels is even, and
  // no two of a trellis are the same element.
  uint8_t trellis = 0;

  uint32_t count() const {
    return static_cast<uint32_t>(uniform ? corrections.size() : listed.size());
  }
  // Before scale and rounding.
  double value(uint32_t i) const {
    return uniform ? uniform_value(step, first + static_cast<int32_t>(i), corrections[i])
                   : listed[i];
  }
  // The element that stands for level i in group g (0 without scales).
  uint64_t element(uint32_t i, uint64_t g) const {
    if (scale_type == ScaleType::none) return round_element(type, value(i));
    const auto level = static_cast<float>(value(i));
    return zero_points.empty() ? scaled_element(type, scales[g], level)
                               : scaled_element(type, scales[g], level, zero_points[g]);
  }
};

// Weight w of group g becomes level i, the number of thresholds that are <= x, where x = w without
// scales, else w / scale(g) (+ zero point), in double. Weights whose x is beyond [lowest, highest],
// and NaNs and infinities, are kept as they are. Where the scale is 0, x is 0 (+ zero point).
struct Quantizer {
  Levels levels;
  std::vector<double> thresholds;  // ascending, levels.count() - 1
  double lowest = -std::numeric_limits<double>::infinity();
  double highest = std::numeric_limits<double>::infinity();
  // With a trellis: of each level and of the escape, the squared error that its code is worth. Weights become levels of
  // the cheapest path, run by run of 256 weights of the tensor; thresholds are the levels themselves
  // but for the first one.
  std::vector<double> prices;
};
}  // namespace gramzip::quant
