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

BlockStatus SparseDecoder::decode(ElementType type, std::span<const uint8_t> coded,
                                  std::span<const uint8_t> base, const delta::Groups& groups,
                                  const DecodeTables& tables, std::span<uint8_t> out) {
  SparseLanes lanes;
  if (!lanes.parse(coded)) return BlockStatus::bad_block;
  const auto n = static_cast<uint32_t>(out.size() / element_info(type).bytes);
  if (coded_.size() < coded.size() + kSlack) coded_.resize(coded.size() + kSlack);
  std::memcpy(coded_.data(), coded.data(), coded.size());
  std::memset(coded_.data() + coded.size(), 0, kSlack);
  sparse_loops().count_groups(type, groups, base.data(), n, map_);
  const GroupBegins& begin = map_.begin;

  const uint64_t mask = delta::arithmetic(type).mask(),
                 weight = delta::total_weight(groups, begin.data());
  changes_.clear();
  std::array<size_t, delta::kMaxGroups + 1> first{};  // change of each group
  Reader r{coded_.data(), lanes.begin};
  uint32_t group = 0;
  for (uint32_t l = 0; l < 1u << lanes.head.lane_log2; ++l) {
    uint32_t place = delta::piece_begin(groups, begin.data(), weight, l, lanes.head.lane_log2);
    const uint32_t end =
        delta::piece_begin(groups, begin.data(), weight, l + 1, lanes.head.lane_log2);
    const uint64_t lane_end = r.at + lanes.bits[l];
    const auto enter = [&] {
      while (place >= begin[group + 1]) first[++group] = changes_.size();
    };
    while (r.at < lane_end) {
      if (place >= end) return BlockStatus::bad_stream;
      enter();
      const uint64_t gap =
          r.take(tables.single.data() + (size_t{delta::gap_table(group)} << delta::kCodeLimit));
      if (gap >= end - place) return BlockStatus::bad_stream;
      place += static_cast<uint32_t>(gap);
      enter();
      const uint64_t change =
          r.take(tables.single.data() + (size_t{delta::change_table(group)} << delta::kCodeLimit));
      if (change == mask) return BlockStatus::bad_stream;
      changes_.push_back({place++, change + 1});
    }
    if (r.at != lane_end) return BlockStatus::bad_stream;
  }
  while (group < groups.count) first[++group] = changes_.size();

  std::memcpy(out.data(), base.data(), out.size());
  for (uint32_t g = 0; g < groups.count; ++g)
    if (first[g] < first[g + 1])
      sparse_loops().apply(type, map_, g, base.data(),
                           std::span(changes_).subspan(first[g], first[g + 1] - first[g]),
                           out.data());
  return BlockStatus::ok;
}
}  // namespace gramzip::cpu
