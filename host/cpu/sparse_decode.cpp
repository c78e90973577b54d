// SPDX-License-Identifier: Apache-2.0
// The lanes of a block of codec sparse_delta. The loops over all elements are in sparse_loops.inl.
#include <algorithm>
#include <cstring>

#include "gramzip/core/bitpack.h"
#include "host/base/cpu_features.h"
#include "host/cpu/lane_window.inl"
#include "host/cpu/sparse_delta.h"

namespace gramzip::cpu {
namespace {
constexpr size_t kSlack = 32;  // a gap, a change and a window past the end of a lane

// Takes codes with raw bits from a bit string.
struct Reader {
  const uint8_t* bits;
  uint64_t at;

  uint64_t take(const uint16_t* table) {
    constexpr uint32_t kMask = (1u << delta::kCodeLimit) - 1;
    const uint32_t e = table[window_at(bits, at) & kMask];
    const uint32_t symbol = huffman::entry_symbol(e), raw = delta::raw_bits(symbol);
    at += huffman::entry_length(e);
    const uint64_t low = raw > 32 ? window_at(bits, at) & 0xffffffffu : 0;
    const uint32_t rest = raw > 32 ? raw - 32 : raw;
    const uint64_t high = window_at(bits, at + (raw - rest)) & ((uint64_t{1} << rest) - 1);
    at += raw;
    return delta::bucket_base(symbol) + (low | high << (raw - rest));
  }
};

// A block's bit string cut into lanes: bad_block unless they fill it.
struct SparseLanes {
  delta::SparseHead head{};
  std::array<uint32_t, kLanes> bits{};
  uint64_t begin = 0;  // of lane 0

  bool parse(std::span<const uint8_t> coded) {
    if (coded.size() < 4) return false;
    head = delta::unpack_sparse_head(load_le<uint32_t>(coded.data()));
    if (head.lane_log2 > delta::kMaxLaneLog2 || head.extra_bits > delta::kMaxSparseExtra)
      return false;
    begin = delta::sparse_head_bits(head);
    if (begin > coded.size() * 8) return false;
    uint32_t least = UINT32_MAX, most = 0;
    uint64_t end = begin;
    for (uint32_t l = 0; l < 1u << head.lane_log2; ++l) {
      const auto extra =
          static_cast<uint32_t>(load_bits(coded.data(), 32 + l * head.extra_bits, head.extra_bits));
      least = std::min(least, extra);
      most = std::max(most, extra);
      bits[l] = head.least_bits + extra;
      end += bits[l];
    }
    if (least != 0 || ceil_log2(most + 1) != head.extra_bits || ceil_div(end, 8) != coded.size())
      return false;
    return rest_is_zero(coded.data(), 0, end, static_cast<uint32_t>(coded.size()));
  }
};
}  // namespace

const SparseLoops& sparse_loops() {
  static const SparseLoops& chosen = []() -> const SparseLoops& {
#if defined(GRAMZIP_HAVE_AVX512)
    if (cpu_features().avx512) return kSparseAvx512;
#endif
#if defined(GRAMZIP_HAVE_AVX2)
    if (cpu_features().avx2_bmi2) return kSparseAvx2;
#endif
    return kSparseBaseline;
  }();
  return chosen;
}

namespace {
// A lane on its way. Changes are written as they come.
struct Lane {
  Reader reader;
  uint64_t bits_end;
  uint32_t place, end;  // the next place, and the first one that is not the lane's
  uint32_t group;       // of the next place, or one before
  Change* out;

  bool done() const { return reader.at >= bits_end; }
  // One change; false if it does not fit the lane. The place after the last change may lie behind
  // the block, where no group is.
  bool step(const uint16_t* tables, const GroupBegins& begin, uint64_t mask) {
    if (place >= end) return false;
    while (place >= begin[group + 1]) ++group;
    const uint64_t gap =
        reader.take(tables + (size_t{delta::gap_table(group)} << delta::kCodeLimit));
    if (gap >= end - place) return false;
    place += static_cast<uint32_t>(gap);
    while (place >= begin[group + 1]) ++group;
    const uint64_t change =
        reader.take(tables + (size_t{delta::change_table(group)} << delta::kCodeLimit));
    *out++ = {place++, change + 1};
    return change != mask;
  }
};
constexpr uint32_t kTogether = 4;  // lanes side by side: each waits for its look-ups

// The lanes from `lane` on, kTogether of them or the last ones.
bool run_lanes(Lane* lane, uint32_t count, const uint16_t* tables, const GroupBegins& begin,
               uint64_t mask) {
  if (count == kTogether) {
    Lane l[kTogether];
    std::copy_n(lane, kTogether, l);
    while (!(l[0].done() | l[1].done() | l[2].done() | l[3].done())) {
      bool fits = true;
#pragma GCC unroll 4
      for (Lane& one : l) fits &= one.step(tables, begin, mask);
      if (!fits) return false;
    }
    std::copy_n(l, kTogether, lane);
  }
  for (uint32_t i = 0; i < count; ++i) {
    while (!lane[i].done())
      if (!lane[i].step(tables, begin, mask)) return false;
    if (lane[i].reader.at != lane[i].bits_end) return false;
  }
  return true;
}
}  // namespace

BlockStatus SparseDecoder::decode(ElementType type, std::span<const uint8_t> coded,
                                  std::span<const uint8_t> base, const delta::Groups& groups,
                                  const DecodeTables& tables, std::span<uint8_t> out) {
  SparseLanes cut;
  if (!cut.parse(coded)) return BlockStatus::bad_block;
  const auto n = static_cast<uint32_t>(out.size() / element_info(type).bytes);
  if (coded_.size() < coded.size() + kSlack) coded_.resize(coded.size() + kSlack);
  std::memcpy(coded_.data(), coded.data(), coded.size());
  std::memset(coded_.data() + coded.size(), 0, kSlack);
  sparse_loops().count_groups(type, groups, base.data(), n, map_);
  const GroupBegins& begin = map_.begin;

  // A lane's changes begin at its first place, so that all have room; then they move together.
  if (changes_.size() < n) changes_.resize(n);
  const uint64_t mask = delta::arithmetic(type).mask(),
                 weight = delta::total_weight(groups, begin.data());
  const uint32_t log2 = cut.head.lane_log2, count = 1u << log2;
  uint64_t at = cut.begin;
  uint32_t place = 0, group = 0;
  size_t found = 0;
  for (uint32_t first = 0; first < count; first += kTogether) {
    const uint32_t together = std::min(kTogether, count - first);
    Lane lanes[kTogether];
    Change* start[kTogether];
    for (uint32_t i = 0; i < together; ++i) {
      const uint32_t l = first + i;
      const uint32_t end = delta::piece_begin(groups, begin.data(), weight, l + 1, log2);
      while (place < n && place >= begin[group + 1]) ++group;
      start[i] = changes_.data() + place;
      lanes[i] = {{coded_.data(), at}, at + cut.bits[l], place, end, group, start[i]};
      at += cut.bits[l];
      place = end;
    }
    if (!run_lanes(lanes, together, tables.single.data(), begin, mask))
      return BlockStatus::bad_stream;
    for (uint32_t i = 0; i < together; ++i) {
      const auto some = static_cast<size_t>(lanes[i].out - start[i]);
      std::memmove(changes_.data() + found, start[i], some * sizeof(Change));
      found += some;
    }
  }

  std::memcpy(out.data(), base.data(), out.size());
  const Change* from = changes_.data();
  const Change* const last = from + found;
  for (uint32_t g = 0; g < groups.count && from < last; ++g) {
    const Change* const to = std::lower_bound(
        from, last, begin[g + 1], [](const Change& c, uint32_t p) { return c.place < p; });
    if (from < to) sparse_loops().apply(type, map_, g, base.data(), {from, to}, out.data());
    from = to;
  }
  return BlockStatus::ok;
}
}  // namespace gramzip::cpu
