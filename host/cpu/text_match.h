// SPDX-License-Identifier: Apache-2.0
// The matches that the positions of a segment offer (core/parse.h).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/parse.h"

namespace gramzip::cpu {
// A change of what a slot offers from a position of a lane on (text::MatchSlot). Bits 0 to 23 the
// distance, 24 to 37 the length, 38 and 39 the slot, 40 and up the position in the lane.
using OfferChange = uint64_t;
constexpr OfferChange offer_change(uint32_t position, uint32_t slot, text::MatchOffer m) {
  return uint64_t{position} << 40 | uint64_t{slot} << 38 | uint64_t{m.length} << 24 | m.distance;
}
constexpr uint32_t change_position(OfferChange c) { return static_cast<uint32_t>(c >> 40); }
constexpr uint32_t change_slot(OfferChange c) { return static_cast<uint32_t>(c >> 38) & 3u; }
constexpr text::MatchOffer change_offer(OfferChange c) {
  return {static_cast<uint32_t>(c) & 0xffffffu, static_cast<uint32_t>(c >> 24) & 0x3fffu};
}

struct SegmentMatches {
  std::vector<OfferChange> changes;
  std::vector<uint32_t> lane_changes;  // first of each lane, and one behind the last
};

// Working memory of one thread.
class MatchFinder {
 public:
  void find(std::span<const uint8_t> segment, const text::ParseSettings& settings,
            SegmentMatches& out);

 private:
  std::vector<uint32_t> tables_[text::kMatchHashes];
};
}  // namespace gramzip::cpu
