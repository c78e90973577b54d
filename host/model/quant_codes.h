// SPDX-License-Identifier: Apache-2.0
// The code tables of a segment of codec quantized, from the counts of its symbols: what every
// backend's encoder decides alike.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/limits.h"
#include "host/model/code_lengths.h"

namespace gramzip::quant {
// Levels beyond the first and the last one that occurs are left out, but for two. Along a trellis
// by fours at the front and by twos behind: each stays one of its quantizer, and its symbol as odd
// or even as it was.
struct LevelRange {
  uint32_t begin, end;
};
LevelRange used_levels(std::span<const uint32_t> counts, bool trellis);

struct SegmentCodes {
  std::vector<CodeBook> books;               // of each quantizer of class 0, then of class 1
  uint32_t classes = 0;                      // that are left
  std::array<uint8_t, kMaxTables> number{};  // of each class among these
  uint64_t bits = 0;                         // of all symbols, tables and ids
};
// counts: of each symbol in each class, [class][quantizer][alphabet]. Tables for each class, or one
// class for all if that takes no more bits. runs: that have an id.
SegmentCodes choose_codes(std::span<const uint32_t> counts, uint32_t alphabet, uint32_t quantizers,
                          uint32_t runs);
// The tables as on the wire, behind what `out` holds.
void store_codes(std::span<const CodeBook> books, std::vector<uint8_t>& out);
}  // namespace gramzip::quant
