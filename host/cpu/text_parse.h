// SPDX-License-Identifier: Apache-2.0
// Text into symbols (docs/format.md, 9): the cheapest sequence of bytes, strings and matches by
// integer costs. The host's walk over core/parse.h; kernels/text_parse is the device's.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/parse.h"
#include "gramzip/core/text.h"

namespace gramzip::cpu {
struct Match {
  uint32_t length;
  uint32_t distance;  // also of a repeat
};

// The symbols of a segment, lane after lane.
struct SegmentTokens {
  std::vector<uint16_t> symbols;
  std::vector<Match> matches;  // of the match symbols, in order
  std::vector<uint32_t>
      lane_symbols;  // first symbol of each lane (32 a block), and one behind the last
  std::vector<uint32_t> lane_matches;  // the same for matches
};

// Parses one segment, as often as wanted with other costs. Working memory of one thread.
class SegmentParser {
 public:
  // Looks for matches within the segment; the bytes must stay. max_bytes: 16 MiB.
  void begin(std::span<const uint8_t> segment, const ParseSettings& settings);
  // Strings and matches.
  void parse(const ParseCosts& costs, SegmentTokens& out);

 private:
  std::span<const uint8_t> segment_;
};
}  // namespace gramzip::cpu
