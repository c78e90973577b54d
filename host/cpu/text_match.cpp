// SPDX-License-Identifier: Apache-2.0
// Every hash has a table of slots with the last positions of each, newest first. Positions go in
// groups of text::kGroup: the slots of the next group are computed and prefetched while a group is
// searched.
#include "host/cpu/text_match.h"

#include <algorithm>
#include <type_traits>

#include "host/base/error.h"
#include "host/cpu/common_bytes.h"

namespace gramzip::cpu {
namespace {
using text::kGroup;
using text::kMatchHashes;
using text::kMatchSlots;
using text::MatchOffer;

// Table entry: position in bits 8 to 31, 8 bits of the hash below its slot in bits 0 to 7. The last
// position of the largest segment is nobody's candidate, so all ones is free for "none".
constexpr uint32_t kEmpty = 0xffffffffu;

// What the positions of a group have found so far.
struct Group {
  uint32_t begin, count;
  uint32_t end[kGroup];  // of the position's lane
  MatchOffer found[kGroup][kMatchSlots];
  uint32_t gain[kGroup];  // of slot 0
};

// One hash while a segment is searched.
struct Table {
  const uint8_t* segment = nullptr;
  uint32_t* entries = nullptr;
  uint32_t bytes = 0, ways = 0, shift = 0, min_gain = 0;
  uint32_t near = 0;        // slot that takes the nearest candidate, or 0
  uint32_t hashed = 0;      // positions before this one have a hash
  uint32_t row[2][kGroup];  // of this group's and the next one's positions: first entry of the slot
  uint8_t tag[2][kGroup];

  void hash(uint32_t group) {
    const uint32_t half = group / kGroup % 2;
    const uint32_t n = group < hashed ? std::min(kGroup, hashed - group) : 0;
    for (uint32_t i = 0; i < n; ++i) {
      const uint64_t h = text::match_hash(segment + group + i, bytes);
      row[half][i] = static_cast<uint32_t>(h >> shift) * ways;
      tag[half][i] = static_cast<uint8_t>(h >> (shift - 8));
      __builtin_prefetch(entries + row[half][i], 1);
    }
  }
  // The nearest candidate of the group's first position.
  MatchOffer nearest(const Group& g) const {
    const uint32_t half = g.begin / kGroup % 2, rest = g.end[0] - g.begin;
    if (g.begin >= hashed || rest < bytes) return {0, 0};
    const uint32_t* e = entries + row[half][0];
    for (uint32_t w = 0; w < ways && e[w] != kEmpty; ++w) {
      if ((e[w] & 255u) != tag[half][0]) continue;
      const uint32_t q = e[w] >> 8, n = common_bytes(segment + q, segment + g.begin, rest);
      if (n >= bytes) return {g.begin - q, n};
    }
    return {0, 0};
  }
  template <uint32_t kWays>
  static void insert(uint32_t* e, uint32_t entry) {
    for (uint32_t w = kWays - 1; w > 0; --w) e[w] = e[w - 1];
    e[0] = entry;
  }
  // Looks all positions up, each before it is put in.
  template <uint32_t kWays>
  void search(Group& g) {
    const uint32_t half = g.begin / kGroup % 2;
    const uint32_t n = g.begin < hashed ? std::min(g.count, hashed - g.begin) : 0;
    for (uint32_t i = 0; i < n; ++i) {
      uint32_t* e = entries + row[half][i];
      const uint32_t p = g.begin + i, rest = g.end[i] - p, own = p << 8 | tag[half][i];
      bool nearest = near > 0;
      for (uint32_t w = 0; w < kWays; ++w) {
        if (((e[w] ^ own) & 255u) != 0 || e[w] == kEmpty) continue;
        const uint32_t q = e[w] >> 8, length = common_bytes(segment + q, segment + p, rest);
        if (length < bytes) continue;
        const uint32_t gain = text::match_gain(length, p - q);
        if (gain < min_gain) continue;
        if (nearest) g.found[i][near] = {p - q, length};
        nearest = false;
        if (gain <= g.gain[i]) continue;
        g.gain[i] = gain;
        g.found[i][0] = {p - q, length};
      }
      insert<kWays>(e, own);
    }
  }
  template <uint32_t kWays>
  void put(const Group& g) {
    const uint32_t half = g.begin / kGroup % 2;
    const uint32_t n = g.begin < hashed ? std::min(g.count, hashed - g.begin) : 0;
    for (uint32_t i = 0; i < n; ++i)
      insert<kWays>(entries + row[half][i], (g.begin + i) << 8 | tag[half][i]);
  }
  // f(std::integral_constant): with the number of ways known to the compiler.
  template <class F>
  void with_ways(F&& f) const {
    switch (ways) {
      case 1:
        return f(std::integral_constant<uint32_t, 1>{});
      case 2:
        return f(std::integral_constant<uint32_t, 2>{});
      case 4:
        return f(std::integral_constant<uint32_t, 4>{});
      default:
        return f(std::integral_constant<uint32_t, 8>{});
    }
  }
};

// What the slots offer, and the changes of it.
class Changes {
 public:
  Changes(uint32_t shortest, SegmentMatches& out) : shortest_(shortest), out_(out) {}
  void lane() {
    std::fill(std::begin(slots_), std::end(slots_), text::MatchSlot{});
    out_.lane_changes.push_back(static_cast<uint32_t>(out_.changes.size()));
  }
  // position: in the lane.
  void found(uint32_t position, uint32_t slot, MatchOffer m) {
    if (slots_[slot].found(position, m, slot == 0, shortest_))
      out_.changes.push_back(offer_change(position, slot, m));
  }

 private:
  uint32_t shortest_;
  SegmentMatches& out_;
  text::MatchSlot slots_[kMatchSlots];
};

}  // namespace

void MatchFinder::find(std::span<const uint8_t> segment, const text::ParseSettings& settings,
                       SegmentMatches& out) {
  const auto size = static_cast<uint32_t>(segment.size());
  out.changes.clear();
  out.lane_changes.clear();
  const uint32_t bits = text::slot_log2(settings, size);
  Table tables[kMatchHashes];
  uint32_t hashes = 0;
  for (uint32_t k = 0; k < kMatchHashes; ++k) {
    const text::MatchHash& h = settings.hash[k];
    if (h.ways == 0) continue;
    if (h.ways > 8 || (h.ways & (h.ways - 1)) != 0 || h.bytes < 4 || h.bytes > 32)
      fail(ErrorCode::invalid_argument, "text match: a hash of " + std::to_string(h.bytes) +
                                            " bytes with " + std::to_string(h.ways) +
                                            " ways; give 4 to 32 bytes, 1, 2, 4 or 8 ways");
    std::vector<uint32_t>& entries = tables_[hashes];
    entries.assign(size_t{h.ways} << bits, kEmpty);
    Table& t = tables[hashes++];
    t.segment = segment.data();
    t.entries = entries.data();
    t.bytes = h.bytes;
    t.ways = h.ways;
    t.near = k < 2 ? 1 + k : 0;
    t.shift = 64 - bits;
    t.min_gain = settings.min_gain;
    t.hashed = size < h.bytes ? 0 : size - h.bytes + 1;
    t.hash(0);
  }
  const uint32_t lanes = text::segment_lanes(size, settings.block_log2);
  if (hashes == 0) {
    out.lane_changes.assign(lanes + 1, 0);
    return;
  }

  Changes changes(settings.hash[0].bytes, out);
  text::LaneSpan span{0, 0};  // of the lane at hand
  uint32_t next_lane = 0;
  Group g{};
  for (g.begin = 0; g.begin < size; g.begin += kGroup) {
    g.count = std::min(kGroup, size - g.begin);
    for (uint32_t k = 0; k < hashes; ++k) tables[k].hash(g.begin + kGroup);
    text::LaneSpan s = span;
    for (uint32_t i = 0, lane = next_lane; i < g.count; ++i) {
      while (g.begin + i >= s.end) s = text::lane_span(size, settings.block_log2, lane++);
      g.end[i] = s.end;
    }
    std::fill_n(&g.found[0][0], kGroup * kMatchSlots, MatchOffer{0, 0});
    const MatchOffer run = tables[hashes - 1].nearest(g);
    if (text::fills_group(run.length, g.end[0] - g.begin)) {
      for (uint32_t i = 0; i < g.count; ++i) g.found[i][0] = {run.distance, run.length - i};
      for (uint32_t k = 0; k < hashes; ++k)
        tables[k].with_ways([&](auto w) { tables[k].put<w>(g); });
    } else {
      std::fill_n(g.gain, kGroup, 0u);
      for (uint32_t k = hashes; k-- > 0;)
        tables[k].with_ways([&](auto w) { tables[k].search<w>(g); });
      for (uint32_t i = 0; i < g.count; ++i) text::drop_doubles(g.found[i]);
    }
    for (uint32_t i = 0; i < g.count; ++i) {
      while (g.begin + i >= span.end) {
        span = text::lane_span(size, settings.block_log2, next_lane++);
        changes.lane();
      }
      for (uint32_t k = 0; k < kMatchSlots; ++k)
        changes.found(g.begin + i - span.begin, k, g.found[i][k]);
    }
  }
  while (next_lane++ < lanes) changes.lane();
  out.lane_changes.push_back(static_cast<uint32_t>(out.changes.size()));
}
}  // namespace gramzip::cpu
