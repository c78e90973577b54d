// SPDX-License-Identifier: Apache-2.0
// Which code table each run of a segment of exact floats takes. Integers decide.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/format.h"

namespace gramzip::model {
struct ExactClasses {
  uint32_t symbol_bits = 0;
  uint32_t classes = 1;
  std::vector<uint8_t> ids;  // of each run of the segment
};
ExactClasses train_exact_classes(std::span<const uint8_t> content, const SegmentHeader& header,
                                 std::span<const uint64_t> values,
                                 std::span<const BlockRecord> records);
}  // namespace gramzip::model
