// SPDX-License-Identifier: Apache-2.0
// From numbers of levels to elements where levels have scales: a look-up a group.
#include <algorithm>

#include "host/cpu/quant_decode.h"

namespace gramzip::cpu {
namespace {
template <class T>
void scale(const quant::Table& table, uint64_t first, std::span<const uint16_t> indexes,
           uint8_t* out) {
  const quant::Levels& l = table.levels;
  const uint32_t levels = l.count();
  std::vector<float> value(levels);
  for (uint32_t i = 0; i < levels; ++i) value[i] = static_cast<float>(l.value(i));
  std::vector<T> element(levels);
  for (size_t j = 0; j < indexes.size();) {
    const uint64_t g = table.group_of(first + j);
    const size_t end =
        std::min<uint64_t>(indexes.size(), (g + 1) * l.group - table.phase - first);
    const float by = l.scales[g], zero = l.zero_points.empty() ? 0 : l.zero_points[g];
    const auto of_level = [&](uint32_t i) {
      return static_cast<T>(quant::round_scaled(l.type, by * (value[i] - zero)));
    };
    const auto put = [out](size_t at, T x) { store_le<T>(out + at * sizeof(T), x); };
    if (end - j < levels) {
      for (; j < end; ++j)
        if (indexes[j] < levels) put(j, of_level(indexes[j]));
      continue;
    }
    for (uint32_t i = 0; i < levels; ++i) element[i] = of_level(i);
    for (; j < end; ++j)
      if (indexes[j] < levels) put(j, element[indexes[j]]);
  }
}
}  // namespace

void scale_levels(const quant::Table& table, uint64_t first, std::span<const uint16_t> indexes,
                  uint8_t* out) {
  switch (element_info(table.levels.type).bytes) {
    case 1:
      return scale<uint8_t>(table, first, indexes, out);
    case 2:
      return scale<uint16_t>(table, first, indexes, out);
    case 4:
      return scale<uint32_t>(table, first, indexes, out);
    default:
      return scale<uint64_t>(table, first, indexes, out);
  }
}
}  // namespace gramzip::cpu
