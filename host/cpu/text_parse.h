// SPDX-License-Identifier: Apache-2.0
// Text into symbols (docs/format.md, 9): the cheapest sequence of bytes, strings and matches by
// integer costs. The host's walk over core/parse.h; kernels/text_parse is the device's.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "host/cpu/text_match.h"

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
  uint64_t cost = 0;                   // of all of them, in 1/text::kCostPerBit bit
};

// Parses one segment, as often as wanted with other costs. Working memory of one thread.
class SegmentParser {
 public:
  // Looks for matches within the segment, which must stay. At most 16 MiB.
  void begin(std::span<const uint8_t> segment, const text::ParseSettings& settings);
  void parse(const text::ParseCosts& costs, SegmentTokens& out);

 private:
  template <bool kMatches>
  uint64_t parse_lane(const text::ParseCosts& costs, uint32_t lane, SegmentTokens& out);

  std::span<const uint8_t> segment_;
  text::ParseSettings settings_;
  MatchFinder finder_;
  SegmentMatches matches_;
  // Of the positions of a lane.
  std::vector<text::ParseNode> nodes_;
  std::vector<uint32_t> distances_;  // of a node that is a match
  std::vector<text::Repeats> repeats_;
};
}  // namespace gramzip::cpu
