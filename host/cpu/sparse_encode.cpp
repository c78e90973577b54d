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

// The same where one flush holds a gap, its code and that of the change too.
void put_last_raw(LaneWriter& w, uint64_t raw, uint32_t bits) {
  constexpr uint32_t kFits = 56 - 2 * delta::kCodeLimit - delta::raw_bits(delta::kGapSymbols - 1);
  if (bits <= kFits) {
    w.put_raw(raw, bits);
    w.flush();
  } else {
    w.flush();
    put_raw(w, raw, bits);
  }
}

// A string of `bits` bits onto another one.
void append(LaneWriter& w, const uint8_t* from, uint64_t bits) {
  for (; bits > 32; bits -= 32, from += 4) put_raw(w, load_le<uint32_t>(from), 32);
  put_raw(w, load_le<uint32_t>(from) & ((uint64_t{1} << bits) - 1), static_cast<uint32_t>(bits));
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

namespace {
// So few that a branch which asks whether an element changes is cheaper than work for all.
bool are_few(uint64_t changes, size_t elements) { return changes * 8 < elements; }

// The symbols of changes, kUnchanged for the rest, and the exponents of n elements.
template <class E>
void change_symbols(const uint8_t* __restrict content, const uint8_t* __restrict base, size_t n,
                    uint8_t* __restrict symbols, uint16_t* __restrict exponents) {
  using Word = typename E::Word;
  for (size_t i = 0; i < n; ++i) {
    const Word x = E::load(base, i);
    const Word z = E::arithmetic.difference(x, E::load(content, i));
    const uint32_t same = 0 - uint32_t{z == 0};
    symbols[i] =
        static_cast<uint8_t>(bucket_of(static_cast<Word>(z - 1)) | (same & model::kUnchanged));
    exponents[i] = static_cast<uint16_t>(E::arithmetic.exponent(x));
  }
}
static_assert((model::kUnchanged & (model::kUnchanged + 1)) == 0, "any symbol or it is itself");
}  // namespace

void count_changes(ElementType type, std::span<const uint8_t> content, const uint8_t* base,
                   model::ChangeCounts& counts) {
  with_elements(type, [&](auto e) {
    using E = decltype(e);
    constexpr size_t kPiece = 1024, kBytes = sizeof(typename E::Word);
    const size_t n = content.size() / kBytes;
    const auto count = [&](uint32_t exponent, uint32_t symbol) {
      ++counts.symbols[size_t{exponent} * kSparseSymbols + symbol];
    };
    if (are_few(changed_elements(type, content, base), n)) {
      std::array<uint32_t, delta::kMaxExponents> unchanged{};
      for (size_t i = 0; i < n; ++i) {
        const auto x = E::load(base, i), y = E::load(content.data(), i);
        const uint32_t exponent = E::arithmetic.exponent(x);
        if (x == y)
          ++unchanged[exponent];
        else
          count(exponent, delta::bucket(E::arithmetic.difference(x, y) - 1));
      }
      for (uint32_t x = 0; x < E::arithmetic.exponents(); ++x)
        counts.symbols[size_t{x} * kSparseSymbols + model::kUnchanged] += unchanged[x];
      return;
    }
    uint8_t symbols[kPiece];
    uint16_t exponents[kPiece];
    for (size_t at = 0; at < n; at += kPiece) {
      const size_t some = std::min(kPiece, n - at);
      change_symbols<E>(content.data() + at * kBytes, base + at * kBytes, some, symbols, exponents);
      for (size_t i = 0; i < some; ++i) count(exponents[i], symbols[i]);
    }
  });
}

namespace {
template <class E>
BlockChanges list_few(const delta::Groups& groups, const uint8_t* group_of, const uint8_t* content,
                      const uint8_t* base, size_t n) {
  std::array<uint32_t, delta::kMaxGroups> seen{};
  std::array<std::vector<Change>, delta::kMaxGroups> changes;
  for (size_t i = 0; i < n; ++i) {
    const auto x = E::load(base, i), y = E::load(content, i);
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
}
}  // namespace

BlockChanges find_changes(ElementType type, const delta::Groups& groups,
                          std::span<const uint8_t> content, const uint8_t* base) {
  return with_elements(type, [&](auto e) {
    using E = decltype(e);
    const size_t n = content.size() / sizeof(typename E::Word);
    std::array<uint8_t, delta::kMaxExponents> group_of;
    for (uint32_t x = 0; x < E::arithmetic.exponents(); ++x)
      group_of[x] = static_cast<uint8_t>(groups.of(x));
    if (are_few(changed_elements(type, content, base), n))
      return list_few<E>(groups, group_of.data(), content.data(), base, n);
    std::array<uint32_t, delta::kMaxGroups> counts{}, changes{};
    for (size_t i = 0; i < n; ++i) {
      const auto x = E::load(base, i);
      const uint32_t g = group_of[E::arithmetic.exponent(x)];
      ++counts[g];
      changes[g] += x != E::load(content.data(), i) ? 1 : 0;
    }
    BlockChanges block;
    delta::group_begins(counts.data(), groups.count, block.begin.data());
    // Each element is written as if it changed, and its place taken by the next if it does not: no
    // branch. So each group needs one place more; these are closed at the end.
    std::array<uint32_t, delta::kMaxGroups> place{}, next{};
    uint32_t total = 0;
    for (uint32_t g = 0; g < groups.count; ++g) {
      place[g] = block.begin[g];
      next[g] = total + g;
      total += changes[g];
    }
    block.changes.resize(total + groups.count);
    for (size_t i = 0; i < n; ++i) {
      const auto x = E::load(base, i), y = E::load(content.data(), i);
      const uint32_t g = group_of[E::arithmetic.exponent(x)];
      block.changes[next[g]] = {place[g]++, E::arithmetic.difference(x, y)};
      next[g] += x != y ? 1 : 0;
    }
    for (uint32_t g = 1; g < groups.count; ++g) {
      const auto from = block.changes.begin() + (next[g] - changes[g]);
      std::copy(from, from + changes[g], from - g);
    }
    block.changes.resize(total);
    block.lane_log2 = delta::lane_log2_of(total);
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
  // The lanes as one string, which goes behind the head when their lengths are known.
  thread_local std::vector<uint8_t> string;
  constexpr size_t kMostBytes = 18;  // of a gap and a change: 12 + 16 and 12 + 61 bits
  string.resize(kMostBytes * block.changes.size() + 16);
  std::array<uint64_t, kLanes> ends{};
  LaneWriter lanes_out{string.data()};
  for_gaps(groups, block,
           [&](uint32_t lane, uint32_t from, uint32_t gap, uint32_t group, uint64_t change) {
             const uint32_t g = delta::bucket(gap), c = delta::bucket(change);
             lanes_out.put(code_of(delta::gap_table(from), g));
             lanes_out.put_raw(delta::raw_value(gap, g), delta::raw_bits(g));
             lanes_out.put(code_of(delta::change_table(group), c));
             put_last_raw(lanes_out, delta::raw_value(change, c), delta::raw_bits(c));
             ends[lane] = static_cast<uint64_t>(lanes_out.at - string.data()) * 8 + lanes_out.count;
           });
  lanes_out.flush();
  store_le<uint64_t>(lanes_out.at, lanes_out.bits);

  const uint32_t lanes = 1u << block.lane_log2;
  std::array<uint32_t, kLanes> bits{};
  uint64_t before = 0;
  for (uint32_t l = 0; l < lanes; ++l) {
    const uint64_t end = std::max(ends[l], before);  // a lane without changes has no bits
    bits[l] = static_cast<uint32_t>(end - before);
    before = end;
  }
  const auto [least, most] = std::minmax_element(bits.begin(), bits.begin() + lanes);
  const delta::SparseHead head{*least, ceil_log2(*most - *least + 1), block.lane_log2};
  const uint64_t total = delta::sparse_head_bits(head) + before;
  if (ceil_div(total, 8) >= room) return 0;

  LaneWriter w{out};
  put_raw(w, delta::pack_sparse_head(head), 32);
  for (uint32_t l = 0; l < lanes; ++l) put_raw(w, bits[l] - *least, head.extra_bits);
  append(w, string.data(), before);
  return static_cast<uint32_t>(ceil_div(total, 8));
}
}  // namespace gramzip::cpu
