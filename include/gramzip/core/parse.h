// SPDX-License-Identifier: Apache-2.0
// Text into symbols (docs/format.md, 9): which matches are looked at, what an edge of the parse
// costs, and which edge wins. The loops are in host/cpu/text_match, host/cpu/text_parse and their
// kernels.
//
// Every lane is parsed by itself: nodes are its positions, edges are bytes, strings of the model,
// matches at new distances and matches at the last four distances of the best path. Costs are
// integers.
#pragma once
#include "gramzip/core/lanes.h"
#include "gramzip/core/text.h"
#include "gramzip/core/trie.h"

namespace gramzip::text {
// ---- Settings ----
inline constexpr uint32_t kMatchHashes = 3;
inline constexpr uint32_t kMatchSlots = 3;  // matches that a position offers

// Positions whose next `bytes` bytes have the same slot are candidates of one another.
struct MatchHash {
  uint32_t bytes;  // 4 to 32
  uint32_t ways;   // how many positions one looks back: 0 (not used), 1, 2, 4 or 8
};

struct ParseSettings {
  uint32_t block_log2 = 18;
  // From short to long. A new match has at least hash[0].bytes bytes where it is not cut short.
  MatchHash hash[kMatchHashes] = {};
  uint32_t slot_shift = 2;  // slots of a hash: the segment's bytes >> slot_shift, a power of two
  uint32_t new_lengths = 0, repeat_lengths = 0;  // entries of kShorter that are tried
  uint32_t min_gain = 0;                         // match_gain of a candidate, at least
  uint32_t min_repeat = 2;                       // shortest match at a last distance
  uint32_t nice_length =
      8192;           // a match so long that is put is taken: no node within it is looked at
  bool bound = true;  // ParseBound is used
};

// effort: 1 (fast) to 9 (small).
GRAMZIP_HD inline ParseSettings parse_settings(uint32_t effort) {
  const uint32_t ways = effort >= 9 ? 8 : effort >= 7 ? 4 : effort >= 4 ? 2 : 1;
  ParseSettings s;
  s.hash[0] = {effort >= 4 ? 5u : 6u, ways};
  s.hash[1] = {effort >= 4 ? 12u : 16u, effort >= 3 ? ways : 0};
  s.hash[2] = {28, effort >= 9 ? 4u : effort >= 7 ? 2u : 1u};
  s.new_lengths = effort >= 7 ? 8 : effort >= 4 ? 4 : effort >= 2 ? 2 : 1;
  s.nice_length = effort >= 4 ? 8192 : effort >= 2 ? 64 : 32;
  s.repeat_lengths = effort >= 7 ? 5 : effort >= 4 ? 3 : effort >= 2 ? 2 : 1;
  s.min_gain = effort >= 9 ? 0 : effort >= 7 ? 26 : effort >= 4 ? 30 : 33;
  return s;
}

// ---- Where a block's lanes lie in its segment ----
struct LaneSpan {
  uint32_t begin, end;  // in the segment
};
GRAMZIP_HD inline uint32_t segment_lanes(uint32_t segment_bytes, uint32_t block_log2) {
  return static_cast<uint32_t>(ceil_div(segment_bytes, uint64_t{1} << block_log2)) * kLanes;
}
GRAMZIP_HD inline LaneSpan lane_span(uint32_t segment_bytes, uint32_t block_log2, uint32_t lane) {
  const uint32_t block = (lane / kLanes) << block_log2, rest = segment_bytes - block;
  const uint32_t n = rest < (1u << block_log2) ? rest : 1u << block_log2;
  const uint64_t at = uint64_t{lane % kLanes} * lane_piece(n);
  const uint32_t begin = at < n ? static_cast<uint32_t>(at) : n;
  return {block + begin, block + begin + lane_count(n, lane % kLanes, false)};
}

// ---- Candidates of a match ----
// The candidates of position p for hash k are the last `ways` positions before p in the segment
// that have the same slot, as far as their first hash[k].bytes bytes are those of p. They depend on
// nothing else, so that they may be found by tables in order or by sorting (slot, position).
GRAMZIP_HD inline uint32_t slot_log2(const ParseSettings& s, uint32_t segment_bytes) {
  const uint32_t l = floor_log2(segment_bytes | 1);
  return l < s.slot_shift + 8 ? 8 : l - s.slot_shift;
}
// Reads exactly `bytes` (4 to 32) bytes. Slots are its top bits.
GRAMZIP_HD inline uint64_t match_hash(const uint8_t* p, uint32_t bytes) {
  uint64_t h;
  if (bytes <= 8) {
    h = load_le<uint32_t>(p) | uint64_t{load_le<uint32_t>(p + bytes - 4)} << 32;
    return h * 0x9E3779B97F4A7C15u;
  }
  h = load_le<uint64_t>(p) * 0x9E3779B97F4A7C15u ^
      load_le<uint64_t>(p + bytes - 8) * 0xC2B2AE3D27D4EB4Fu;
  if (bytes > 16)
    h ^= load_le<uint64_t>(p + 8) * 0x165667B19E3779F9u ^
         load_le<uint64_t>(p + bytes - 16) * 0xD6E8FEB86659FD93u;
  h ^= h >> 29;
  return h * 0xBF58476D1CE4E5B9u;
}

// A position finds up to three matches, each as long as it goes within the lane:
//   slot 0  the best by gain of all candidates; of equals the first, longest hash first, nearest
//   first slot 1  the nearest candidate of hash 0 slot 2  the nearest candidate of hash 1
struct MatchOffer {
  uint32_t distance;
  uint32_t length;  // 0: none
};
GRAMZIP_HD inline uint32_t match_gain(uint32_t length, uint32_t distance) {
  return 2 * length + 32 - floor_log2(distance);
}
// A candidate takes one slot: the first of those it would have.
GRAMZIP_HD inline void drop_doubles(MatchOffer* found) {
  for (uint32_t s = 1; s < kMatchSlots; ++s)
    for (uint32_t k = 0; k < s; ++k)
      if (found[k].length > 0 && found[k].distance == found[s].distance) found[s].length = 0;
}
// What a slot offers at a position: what was found there, or what it offered at the position
// before, one byte shorter, as long as that has `shortest` bytes. Slot 0 takes the one of more
// gain, the older one of equals.
struct MatchSlot {
  uint32_t end = 0, distance = 0;

  GRAMZIP_HD MatchOffer at(uint32_t position, uint32_t shortest) const {
    return end >= position + shortest ? MatchOffer{distance, end - position} : MatchOffer{0, 0};
  }
  // True if the offer changed.
  GRAMZIP_HD bool found(uint32_t position, MatchOffer m, bool best, uint32_t shortest) {
    if (m.length == 0 || (m.distance == distance && position + m.length == end)) return false;
    const MatchOffer old = at(position, shortest);
    if (best && old.length > 0 &&
        match_gain(m.length, m.distance) <= match_gain(old.length, old.distance))
      return false;
    end = position + m.length;
    distance = m.distance;
    return true;
  }
};
// Long matches: positions in groups of 32 share the first one's. If the nearest candidate of the
// longest hash of a group's first position goes on for kGroup + 64 bytes, or from there to the end
// of the lane, which is kGroup or more away, that distance is all that the positions of the group
// find, in slot 0.
inline constexpr uint32_t kGroup = 32;
GRAMZIP_HD inline bool fills_group(uint32_t length, uint32_t lane_rest) {
  return length >= kGroup && (length >= kGroup + 64 || length == lane_rest);
}

// ---- Costs ----
inline constexpr uint32_t kCostPerBit = 8;
using SymbolCost = uint8_t;                // 64 classes of 64K symbols are 4 MiB
inline constexpr uint32_t kMaxCost = 254;  // a symbol that costs more counts as this
inline constexpr uint32_t kNoCode = 255;   // the symbol must not follow
inline constexpr uint32_t kNoDistance = 0xffff;
// What an edge without a code costs: more than a whole lane of bytes, so that it is never taken.
inline constexpr uint32_t kNever = 1u << 24;

struct ParseCosts {
  const SymbolCost* symbol;  // [class][symbol], 1/8 bit; bytes are at most kMaxCost
  const uint8_t* class_of;   // by symbol
  uint32_t symbols, classes, strings_end;
  TrieView trie;                                        // value: the symbol
  uint16_t distance[kLengthClasses][kDistanceBuckets];  // code and raw bits, 1/8 bit

  GRAMZIP_HD const SymbolCost* row(uint32_t previous) const {
    return symbol + size_t{class_of[previous]} * symbols;
  }
};
GRAMZIP_HD inline uint32_t symbol_cost(const SymbolCost* row, uint32_t symbol) {
  const uint32_t c = row[symbol];
  return c + (c == kNoCode ? kNever : 0u);
}
GRAMZIP_HD inline uint32_t distance_cost(const ParseCosts& c, uint32_t length_bucket,
                                         uint32_t distance_bucket) {
  const uint32_t d = c.distance[length_class(length_bucket)][distance_bucket];
  return d + (d == kNoDistance ? kNever : 0u);
}

// ---- Nodes and edges ----
// The best way to a position: cost in bits 32 to 63, its last symbol in bits 16 to 31, its length
// in bits 0 to
// 15. The lower word wins: of equal costs the lower symbol, then the shorter; of equal words, which
// differ by distance alone, the one tried first.
using ParseNode = uint64_t;
inline constexpr ParseNode kNoNode = ~ParseNode{0};
GRAMZIP_HD constexpr ParseNode parse_node(uint32_t cost, uint32_t symbol, uint32_t length) {
  return uint64_t{cost} << 32 | symbol << 16 | length;
}
GRAMZIP_HD constexpr uint32_t node_cost(ParseNode n) { return static_cast<uint32_t>(n >> 32); }
GRAMZIP_HD constexpr uint32_t node_symbol(ParseNode n) {
  return static_cast<uint32_t>(n >> 16) & 0xffffu;
}
GRAMZIP_HD constexpr uint32_t node_length(ParseNode n) {
  return static_cast<uint32_t>(n) & 0xffffu;
}

// A match is tried at its full length and at lengths shorter by these, in this order. A length is
// tried if it is at least 3/4 of the full length or one or two shorter, and at least kMinMatch.
inline constexpr uint32_t kShorterCount = 8;
GRAMZIP_HD inline uint32_t shorter_by(uint32_t i) {  // 0 1 2 3 4 6 8 12
  return (0xC864'3210u >> (4 * i)) & 15u;
}
// How many of the first `most` of them a match of that length tries.
GRAMZIP_HD inline uint32_t lengths_tried(uint32_t length, uint32_t most) {
  const uint32_t n = length <= 4    ? 1
                     : length <= 5  ? 2
                     : length <= 8  ? 3
                     : length <= 12 ? 4
                     : length <= 20 ? 5
                                    : 8;
  return n < most ? n : most;
}
// Match edges of kind 0 to 4 (core/text.h) from a node of cost `from` with the costs `row`, longest
// first. f(length, node) returns true if the node is better than what was there. If the full length
// is not, shorter ones are not tried. end_cost: of the node at the full length's end; a match that
// cannot cost less, as its codes and raw bits have at least these lengths, is not tried at all.
template <class F>
GRAMZIP_HD inline void match_edges(const ParseCosts& c, const SymbolCost* row, uint32_t from,
                                   uint32_t kind, MatchOffer m, uint32_t end_cost, uint32_t most,
                                   F&& f) {
  const uint32_t least_bits = kind == 0 ? floor_log2(m.distance) + 1 : 1;
  if (uint64_t{from} + least_bits * kCostPerBit > end_cost) return;
  const uint32_t distance_bucket = kind == 0 ? bucket_of(m.distance) : 0;
  const uint32_t n = lengths_tried(m.length, most);
  for (uint32_t i = 0; i < n; ++i) {
    const uint32_t length = m.length - shorter_by(i), b = length_bucket(length);
    const uint32_t symbol = match_symbol(c.strings_end, kind, b);
    uint32_t cost = from + symbol_cost(row, symbol) + bucket(b).raw_bits * kCostPerBit;
    if (kind == 0) cost += distance_cost(c, b, distance_bucket);
    if (!f(length, parse_node(cost, symbol, length)) && i == 0) return;
  }
}

// Within a match nothing needs to be tried that costs more than the match does to its end: the
// cheapest edge of a match so far, the later one of equals, that ends behind the position at hand.
struct ParseBound {
  uint32_t end = 0, cost = 0;
  // nice: the match is as long as ParseSettings::nice_length.
  GRAMZIP_HD void edge(uint32_t at, uint32_t to, uint32_t to_cost, bool nice) {
    if (end > at && to_cost > cost && !nice) return;
    end = to;
    cost = nice ? 0 : to_cost;
  }
  GRAMZIP_HD bool hopeless(uint32_t at, uint32_t at_cost) const {
    return end > at && at_cost >= cost;
  }
};
}  // namespace gramzip::text
