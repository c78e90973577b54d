// SPDX-License-Identifier: Apache-2.0
// The class of each run. Included by the encoder's loops of each instruction set.
#pragma once
#include <algorithm>

#include "host/model/class_sums.inl"

namespace gramzip::cpu {
namespace {
void choose_classes(const uint16_t* symbols, uint32_t n, const ClassCost* costs, uint32_t classes,
                    uint8_t* class_ids) {
  for (uint32_t first = 0; first < n; first += kRunElements)
    *class_ids++ = static_cast<uint8_t>(
        class_of_run(symbols + first, 0, std::min(kRunElements, n - first), costs, classes));
}
}  // namespace
}  // namespace gramzip::cpu
