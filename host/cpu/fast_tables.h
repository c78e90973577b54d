// SPDX-License-Identifier: Apache-2.0
// Decode tables of fast floats: built once a segment, shared by its blocks.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/fast.h"
#include "host/backend/backend.h"

namespace gramzip::cpu {
// One table, by the next 7 bits of a lane. A symbol with a code has a rank, 0 to 31.
struct alignas(64) FastTable {
  uint8_t entry[fast::kEntries];  // rank << 3 | length
  // By rank; all of it twice, so that a sixth bit of an index does not matter.
  uint8_t exponent[2 * kFastSymbols];
  uint8_t rotated[2 * kFastSymbols];  // the exponent rotated right by 1: its lowest bit on top
  uint16_t symbol[fast::kEntries];    // exponent << 8 | length
  bool codes_nothing;
};
// tables: checked; at most kFastSymbols symbols of each have a code.
std::vector<FastTable> make_fast_tables(std::span<const CodeTable> tables);
}  // namespace gramzip::cpu
