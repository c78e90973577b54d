// SPDX-License-Identifier: Apache-2.0
// Levels of a group that shares a scale, as elements (docs/format.md, 16): what
// quant::Levels::element says, for all levels at once.
#pragma once
#include <vector>

#include "host/model/quantizer.h"

namespace gramzip::cpu {
// T: unsigned integers of the element's width.
template <class T>
class ScaledLevels {
 public:
  explicit ScaledLevels(const quant::Levels& levels) : levels_(levels), value_(levels.count()) {
    for (uint32_t i = 0; i < value_.size(); ++i) value_[i] = static_cast<float>(levels.value(i));
  }
  // elements: levels.count() of them.
  void of_group(uint64_t g, T* elements) const {
    const float by = levels_.scales[g],
                zero = levels_.zero_points.empty() ? 0 : levels_.zero_points[g];
    const auto n = static_cast<uint32_t>(value_.size());
    if constexpr (sizeof(T) == 4) {
      for (uint32_t i = 0; i < n; ++i) elements[i] = quant::float_as_bits(by * (value_[i] - zero));
    } else if (levels_.type == ElementType::bf16) {
      // To nearest, ties to even; there is no NaN among levels, and infinities stay.
      for (uint32_t i = 0; i < n; ++i) {
        const uint32_t bits = quant::float_as_bits(by * (value_[i] - zero));
        elements[i] = static_cast<T>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
      }
    } else {
      const FloatLayout layout = float_layout(levels_.type);
      for (uint32_t i = 0; i < n; ++i)
        elements[i] = static_cast<T>(round_double_bits(
            layout, double_as_bits(static_cast<double>(by * (value_[i] - zero)))));
    }
  }

 private:
  const quant::Levels& levels_;
  std::vector<float> value_;
};
}  // namespace gramzip::cpu
