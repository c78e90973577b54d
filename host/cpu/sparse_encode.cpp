// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "host/cpu/delta_types.inl"
#include "host/cpu/lane_writer.inl"
#include "host/cpu/sparse_delta.h"

namespace gramzip::cpu {
namespace {
// A gap and the change behind it: f(lane, gap's group, gap, change's group, change).
template <class F>
void for_gaps(const delta::Groups& groups, const BlockChanges& block, const F& f) {
  const uint32_t* const begin = block.begin.data();
  const uint64_t weight = delta::total_weight(groups, begin);
  size_t next = 0;
  uint32_t group = 0;
  for (uint32_t lane = 0; lane < 1u << block.lane_log2; ++lane) {
    uint32_t place = delta::piece_begin(groups, begin, weight, lane, block.lane_log2);
    const uint32_t end = delta::piece_begin(groups, begin, weight, lane + 1, block.lane_log2);
    for (; next < block.changes.size() && block.changes[next].place < end; ++next) {
      const Change& c = block.changes[next];
      while (place >= begin[group + 1]) ++group;
      const uint32_t from = group;
      while (c.place >= begin[group + 1]) ++group;
      f(lane, from, c.place - place, group, c.difference - 1);
      place = c.place + 1;
    }
  }
}

// Raw bits of any number into the string.
void put_raw(LaneWriter& w, uint64_t raw, uint32_t bits) {
  for (; bits > 32; bits -= 32, raw >>= 32) {
    w.put({static_cast<uint32_t>(raw), 32});
    w.flush();
  }
  w.put({static_cast<uint32_t>(raw), bits});
  w.flush();
}
}  // namespace

uint64_t changed_elements(ElementType type, std::span<const uint8_t> content, const uint8_t* base) {
  return with_elements(type, [&](auto e) {
    using E = decltype(e);
    const size_t n = content.size() / sizeof(typename E::Word);
    uint64_t changes = 0;
    for (size_t i = 0; i < n; ++i)
      changes += E::load(base, i) != E::load(content.data(), i) ? 1 : 0;
    return changes;
  });
}

void count_changes(ElementType type, std::span<const uint8_t> content, const uint8_t* base,
                   model::ChangeCounts& counts) {
  with_elements(type, [&](auto e) {
    using E = decltype(e);
    const size_t n = content.size() / sizeof(typename E::Word);
    for (size_t i = 0; i < n; ++i) {
      const auto x = E::load(base, i), y = E::load(content.data(), i);
      const uint32_t exponent = E::arithmetic.exponent(x);
      ++counts.elements[exponent];
      if (x == y) continue;
      ++counts.changes[exponent];
      ++counts.symbols[size_t{exponent} * kSparseSymbols +
                       delta::bucket(E::arithmetic.difference(x, y) - 1)];
    }
  });
}

BlockChanges find_changes(ElementType type, const delta::Groups& groups,
                          std::span<const uint8_t> content, const uint8_t* base) {
  return with_elements(type, [&](auto e) {
    using E = decltype(e);
    const size_t n = content.size() / sizeof(typename E::Word);
    std::array<uint8_t, delta::kMaxExponents> group_of;
    for (uint32_t x = 0; x < E::arithmetic.exponents(); ++x)
      group_of[x] = static_cast<uint8_t>(groups.of(x));
    std::array<uint32_t, delta::kMaxGroups> seen{};
    std::array<std::vector<Change>, delta::kMaxGroups> changes;
    for (size_t i = 0; i < n; ++i) {
      const auto x = E::load(base, i), y = E::load(content.data(), i);
      const uint32_t g = group_of[E::arithmetic.exponent(x)], place = seen[g]++;
      if (x != y) changes[g].push_back({place, E::arithmetic.difference(x, y)});
    }
    BlockChanges block;
    delta::group_begins(seen.data(), groups.count, block.begin.data());
    for (uint32_t g = 0; g < groups.count; ++g)
      for (const Change& c : changes[g])
        block.changes.push_back({block.begin[g] + c.place, c.difference});
    block.lane_log2 = delta::lane_log2_of(static_cast<uint32_t>(block.changes.size()));
    return block;
  });
}

void count_symbols(const delta::Groups& groups, const BlockChanges& block,
                   std::span<std::vector<uint32_t>> counts) {
  for_gaps(groups, block,
           [&](uint32_t, uint32_t from, uint32_t gap, uint32_t group, uint64_t change) {
             ++counts[delta::gap_table(from)][delta::bucket(gap)];
             ++counts[delta::change_table(group)][delta::bucket(change)];
           });
}

uint32_t encode_sparse_block(const delta::Groups& groups, const BlockChanges& block,
                             const EncodeTables& tables, uint32_t room, uint8_t* out) {
  const auto code_of = [&](uint32_t table, uint32_t symbol) {
    return tables.single[size_t{table} * tables.symbols + symbol];
  };
  std::array<uint32_t, kLanes> bits{};
  for_gaps(groups, block,
           [&](uint32_t lane, uint32_t from, uint32_t gap, uint32_t group, uint64_t change) {
             const uint32_t g = delta::bucket(gap), c = delta::bucket(change);
             bits[lane] += code_of(delta::gap_table(from), g).length + delta::raw_bits(g) +
                           code_of(delta::change_table(group), c).length + delta::raw_bits(c);
           });
  const uint32_t lanes = 1u << block.lane_log2;
  const auto [least, most] = std::minmax_element(bits.begin(), bits.begin() + lanes);
  const delta::SparseHead head{*least, ceil_log2(*most - *least + 1), block.lane_log2};
  uint64_t total = delta::sparse_head_bits(head);
  for (const uint32_t b : bits) total += b;
  if (ceil_div(total, 8) >= room) return 0;

  LaneWriter w{out};
  put_raw(w, delta::pack_sparse_head(head), 32);
  for (uint32_t l = 0; l < lanes; ++l) put_raw(w, bits[l] - *least, head.extra_bits);
  for_gaps(groups, block,
           [&](uint32_t, uint32_t from, uint32_t gap, uint32_t group, uint64_t change) {
             const uint32_t g = delta::bucket(gap), c = delta::bucket(change);
             w.put(code_of(delta::gap_table(from), g));
             put_raw(w, delta::raw_value(gap, g), delta::raw_bits(g));
             w.put(code_of(delta::change_table(group), c));
             put_raw(w, delta::raw_value(change, c), delta::raw_bits(c));
           });
  w.flush();
  return static_cast<uint32_t>(ceil_div(total, 8));
}
}  // namespace gramzip::cpu
