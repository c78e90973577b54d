// SPDX-License-Identifier: Apache-2.0
// The lanes of a coded block (docs/format.md, 4): lane header, rows and tails from lanes that are
// contiguous.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "gramzip/core/plan.h"

namespace gramzip::cpu {
using LaneWords = std::array<uint32_t, kLanes>;
LanePlan plan_lanes(const LaneWords& words);

struct WrittenLanes {
  const uint8_t* base;  // lane l at base + l * stride
  size_t stride;
  const uint32_t* words;  // of each lane
};
using LanesToRows = void (*)(const uint8_t* lanes, size_t stride, uint32_t rows, uint8_t* row);
// Writes the lane header with its padding, rows and tails to `to`: lane_header_bytes and 4 bytes a
// word.
void write_lanes(const WrittenLanes& lanes, LaneHead head, LanesToRows lanes_to_rows, uint8_t* to);
}  // namespace gramzip::cpu
