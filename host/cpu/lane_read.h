// SPDX-License-Identifier: Apache-2.0
// The lanes of a coded block (docs/format.md, 4): the lane header, and rows and tails spread out so
// that each lane is contiguous.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "gramzip/core/limits.h"

namespace gramzip::cpu {
// Where lanes lie after de-interleaving: each contiguous, with kLanePad zero bytes behind.
struct LaneSet {
  const uint8_t* base;  // lane l at base + l * stride
  size_t stride;
  const uint32_t* words;  // of each lane
};
inline constexpr size_t kLanePad = 16;

// What the lane header says.
struct LaneLayout {
  const uint8_t* row = nullptr;  // row 0; the tails follow the rows
  uint32_t rows = 0;
  std::array<uint32_t, kLanes> words{};
  size_t stride = 0;  // bytes from lane to lane once spread out
};

// The lane header is at `at`, and rows and tails fill the rest of the block. False if they do not
// fit: bad_block. Reads only within `coded`.
bool parse_lanes(std::span<const uint8_t> coded, size_t at, LaneLayout& layout);

using RowsToLanes = void (*)(const uint8_t* row, uint32_t rows, uint8_t* lanes, size_t stride);
// Writes stride * kLanes bytes to `lanes` at most.
LaneSet spread_lanes(const LaneLayout& layout, RowsToLanes rows_to_lanes, uint8_t* lanes);
}  // namespace gramzip::cpu
