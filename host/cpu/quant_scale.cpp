// SPDX-License-Identifier: Apache-2.0
// From numbers of levels to elements where levels have scales: a look-up a group.
#include <algorithm>

#include "host/cpu/quant_decode.h"
#include "host/cpu/scaled_levels.h"

namespace gramzip::cpu {
namespace {
template <class T>
void scale(const quant::Table& table, uint64_t first, std::span<const uint16_t> indexes,
           uint8_t* out) {
  const quant::Levels& l = table.levels;
  const uint32_t levels = l.count();
  const ScaledLevels<T> scaled(l);
  std::vector<T> element(levels);
  for (size_t j = 0; j < indexes.size();) {
    const uint64_t g = table.group_of(first + j);
    const size_t end = std::min<uint64_t>(indexes.size(), (g + 1) * l.group - table.phase - first);
    scaled.of_group(g, element.data());
    for (; j < end; ++j)
      if (indexes[j] < levels) store_le<T>(out + j * sizeof(T), element[indexes[j]]);
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
