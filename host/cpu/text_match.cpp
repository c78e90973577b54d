// SPDX-License-Identifier: Apache-2.0
// Every hash has a table of slots with the last positions of each, newest first. Positions go in
// groups of text::kGroup: the slots of the next group are computed and prefetched while a group is
// searched.
#include "host/cpu/text_match.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace gramzip::cpu {
namespace {
using text::kGroup;
using text::kMatchHashes;
using text::kMatchSlots;
using text::MatchOffer;

// Table entry: position in bits 8 to 31, 8 bits of the hash below its slot in bits 0 to 7. The last
// position of the largest segment is nobody's candidate, so all ones is free for "none".
constexpr uint32_t kEmpty = 0xffffffffu;

// Bytes from q on that are those from p on, at most `limit`.
uint32_t common_bytes(const uint8_t* q, const uint8_t* p, uint32_t limit) {
  uint32_t n = 0;
  for (; n + 8 <= limit; n += 8)
    if (const uint64_t x = load_le<uint64_t>(q + n) ^ load_le<uint64_t>(p + n))
      return n + static_cast<uint32_t>(std::countr_zero(x)) / 8;
  while (n < limit && q[n] == p[n]) ++n;
  return n;
}

// One hash while a segment is searched.
struct Table {
  uint32_t* entries = nullptr;
  uint32_t bytes = 0, ways = 0, shift = 0;
  uint32_t row[2][kGroup];  // of this group's and the next one's positions: first entry of the slot
  uint8_t tag[2][kGroup];

  void hash(const uint8_t* segment, uint32_t size, uint32_t group, uint32_t half) {
    const uint32_t end = size < bytes ? 0 : size - bytes + 1;  // of the positions that have a hash
    for (uint32_t i = 0; i < kGroup && group + i < end; ++i) {
      const uint64_t h = text::match_hash(segment + group + i, bytes);
      row[half][i] = static_cast<uint32_t>(h >> shift) * ways;
      tag[half][i] = static_cast<uint8_t>(h >> (shift - 8));
      __builtin_prefetch(entries + row[half][i], 1);
    }
  }
  void insert(uint32_t half, uint32_t i, uint32_t position) {
    uint32_t* e = entries + row[half][i];
    for (uint32_t w = ways - 1; w > 0; --w) e[w] = e[w - 1];
    e[0] = position << 8 | tag[half][i];
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

struct Search {
  const uint8_t* segment;
  uint32_t size;
  Table* tables;
  uint32_t hashes;

  // The nearest candidate of the longest hash, 0: none.
  MatchOffer nearest_long(uint32_t half, uint32_t i, uint32_t p, uint32_t rest) const {
    const Table& t = tables[hashes - 1];
    if (p + t.bytes > size || rest < t.bytes) return {0, 0};
    const uint32_t* e = t.entries + t.row[half][i];
    for (uint32_t w = 0; w < t.ways && e[w] != kEmpty; ++w) {
      if ((e[w] & 255u) != t.tag[half][i]) continue;
      const uint32_t q = e[w] >> 8, n = common_bytes(segment + q, segment + p, rest);
      if (n >= t.bytes) return {p - q, n};
    }
    return {0, 0};
  }

  void offers(uint32_t half, uint32_t i, uint32_t p, uint32_t rest, MatchOffer* out) const {
    uint32_t best = 0;
    for (uint32_t k = hashes; k-- > 0;) {
      const Table& t = tables[k];
      if (p + t.bytes > size || rest < t.bytes) continue;
      const uint32_t* e = t.entries + t.row[half][i];
      bool nearest = k < 2;
      for (uint32_t w = 0; w < t.ways && e[w] != kEmpty; ++w) {
        if ((e[w] & 255u) != t.tag[half][i]) continue;
        const uint32_t q = e[w] >> 8, n = common_bytes(segment + q, segment + p, rest);
        if (n < t.bytes) continue;
        const MatchOffer m{p - q, n};
        if (nearest) out[1 + k] = m;
        nearest = false;
        const uint32_t gain = text::match_gain(n, m.distance);
        if (gain > best) {
          best = gain;
          out[0] = m;
        }
      }
    }
  }
};
}  // namespace

void MatchFinder::find(std::span<const uint8_t> segment, const text::ParseSettings& settings,
                       SegmentMatches& out) {
  const auto size = static_cast<uint32_t>(segment.size());
  const uint8_t* bytes = segment.data();
  out.changes.clear();
  out.lane_changes.clear();
  const uint32_t bits = text::slot_log2(settings, size);
  Table tables[kMatchHashes];
  uint32_t hashes = 0;
  for (const text::MatchHash& h : settings.hash) {
    if (h.ways == 0) continue;
    std::vector<uint32_t>& entries = tables_[hashes];
    entries.assign(size_t{h.ways} << bits, kEmpty);
    tables[hashes].entries = entries.data();
    tables[hashes].bytes = h.bytes;
    tables[hashes].ways = h.ways;
    tables[hashes].shift = 64 - bits;
    ++hashes;
  }
  const uint32_t lanes = text::segment_lanes(size, settings.block_log2);
  if (hashes == 0) {
    out.lane_changes.assign(lanes + 1, 0);
    return;
  }
  const Search search{bytes, size, tables, hashes};
  Changes changes(settings.hash[0].bytes, out);
  for (uint32_t k = 0; k < hashes; ++k) tables[k].hash(bytes, size, 0, 0);

  uint32_t p = 0;
  MatchOffer run{0, 0};  // of the group at hand
  uint32_t run_end = 0;
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    const text::LaneSpan span = text::lane_span(size, settings.block_log2, lane);
    changes.lane();
    for (; p < span.end; ++p) {
      const uint32_t i = p % kGroup, half = p / kGroup % 2, rest = span.end - p;
      if (i == 0) {
        for (uint32_t k = 0; k < hashes; ++k) tables[k].hash(bytes, size, p + kGroup, half ^ 1);
        run = search.nearest_long(half, i, p, rest);
        run_end = text::fills_group(run.length, rest) ? p + run.length : 0;
      }
      MatchOffer offers[kMatchSlots] = {};
      if (run_end > 0)
        offers[0] = {run.distance, run_end - p};
      else
        search.offers(half, i, p, rest, offers);
      for (uint32_t s = 0; s < kMatchSlots; ++s) changes.found(p - span.begin, s, offers[s]);
      for (uint32_t k = 0; k < hashes; ++k)
        if (p + tables[k].bytes <= size) tables[k].insert(half, i, p);
    }
  }
  out.lane_changes.push_back(static_cast<uint32_t>(out.changes.size()));
}
}  // namespace gramzip::cpu
