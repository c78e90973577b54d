// SPDX-License-Identifier: Apache-2.0
// The quant table of a segment of codec quantized (docs/format.md, 16): its levels, scales and
// expansions. host/frame/quant_table.h reads it from the wire.
#pragma once
#include <span>
#include <vector>

#include "host/model/quantizer.h"

namespace gramzip::quant {
struct Table {
  Levels levels;       // scales and zero points: of the groups that have elements in the segment
  uint32_t phase = 0;  // elements of the first of these groups that lie before the segment
  std::vector<uint16_t> expansions;

  Head head() const;
  uint32_t count() const { return levels.count(); }
  uint32_t escape() const { return count(); }  // the number of no level
  uint32_t alphabet() const { return head().alphabet(); }
  // Of element j of the segment.
  uint64_t group_of(uint64_t j) const { return levels.group == 0 ? 0 : (phase + j) / levels.group; }
};

// The table, without expansions, of n elements of a tensor from number first_element on. Throws
// Error(internal) if the levels break a rule of the format: N, scales, groups or step.
Table make_table(const Levels& levels, uint64_t first_element, uint32_t n);
// Leaves out all levels but begin to end - 1, of which there is one at least.
void keep_levels(Table& t, uint32_t begin, uint32_t end);
// As on the wire, behind what `out` holds.
void store_quant_table(const Table& t, std::vector<uint8_t>& out);

// The levels of each symbol, one phrase behind the other; none for the escape.
struct Phrases {
  std::vector<uint32_t> begin;  // of each symbol in levels, and the end
  std::vector<uint16_t> levels;
  uint32_t longest = 0;
  uint32_t length(uint32_t symbol) const { return begin[symbol + 1] - begin[symbol]; }
};
Phrases make_phrases(uint32_t levels, std::span<const uint16_t> expansions);
// parse_lane()'s table.
std::vector<uint16_t> make_phrase_base(uint32_t levels, std::span<const uint16_t> expansions);
}  // namespace gramzip::quant
