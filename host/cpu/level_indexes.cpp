// SPDX-License-Identifier: Apache-2.0
// From elements to the numbers of their levels. Without scales: a table of all patterns, or of
// 32 and 64-bit elements a hash table. With scales: the level nearest to the element divided by
// its scale, and its neighbours; whatever is none of them is looked for by bisection.
#include <algorithm>
#include <cmath>

#include "gramzip/core/delta.h"
#include "host/cpu/quantize.h"

namespace gramzip::cpu {
namespace {
using quant::Levels;
using Bytes = std::span<const uint8_t>;

// Of every pattern of 8 or 16 bits.
template <class T>
void by_pattern(const Levels& levels, Bytes elements, std::span<uint16_t> indexes) {
  const uint32_t n = levels.count();
  thread_local std::vector<uint16_t> index;
  index.assign(size_t{1} << (8 * sizeof(T)), static_cast<uint16_t>(n));
  for (uint32_t i = n; i-- > 0;) index[levels.element(i, 0)] = static_cast<uint16_t>(i);
  const uint16_t* const table = index.data();
  for (size_t j = 0; j < indexes.size(); ++j)
    indexes[j] = table[load_le<T>(elements.data() + j * sizeof(T))];
}

// Open addressing, a quarter full at most.
template <class T>
void by_hash(const Levels& levels, Bytes elements, std::span<uint16_t> indexes) {
  struct Slot {
    T element;
    uint16_t index;
  };
  const uint32_t n = levels.count(), bits = std::max(ceil_log2(n) + 2, 4u), mask = (1u << bits) - 1;
  std::vector<Slot> slots(size_t{1} << bits, Slot{0, static_cast<uint16_t>(n)});
  const auto place = [shift = 64 - bits](T x) {
    return static_cast<uint32_t>((uint64_t{x} * 0x9e3779b97f4a7c15u) >> shift);
  };
  // The slot of x, or the free one where its search ends.
  const auto find = [&](T x) {
    uint32_t at = place(x);
    while (slots[at].index != n && slots[at].element != x) at = (at + 1) & mask;
    return at;
  };
  for (uint32_t i = 0; i < n; ++i) {
    const T x = static_cast<T>(levels.element(i, 0));
    Slot& s = slots[find(x)];
    if (s.index == n) s = {x, static_cast<uint16_t>(i)};
  }
  for (size_t j = 0; j < indexes.size(); ++j)
    indexes[j] = slots[find(load_le<T>(elements.data() + j * sizeof(T)))].index;
}

// Elements that share a scale.
class Group {
 public:
  Group(const Levels& levels, std::span<const double> middles, uint64_t g)
      : levels_(levels),
        middles_(middles),
        g_(g),
        n_(levels.count()),
        inverse_(levels.scales[g] != 0 ? 1 / static_cast<double>(levels.scales[g]) : 0),
        zero_(levels.zero_points.empty() ? 0 : levels.zero_points[g]),
        order_(delta::arithmetic(levels.type)),
        falls_(std::signbit(levels.scales[g])) {}

  uint32_t find(uint64_t x) const {
    const double v = element_value(levels_.type, x) * inverse_ + zero_;
    // Of a NaN: any.
    auto i = static_cast<uint32_t>(std::upper_bound(middles_.begin(), middles_.end(), v) -
                                   middles_.begin());
    if (levels_.element(i, g_) != x) {
      if (i > 0 && levels_.element(i - 1, g_) == x)
        --i;
      else if (i + 1 < n_ && levels_.element(i + 1, g_) == x)
        ++i;
      else
        return bisect(x);
    }
    while (i > 0 && levels_.element(i - 1, g_) == x) --i;
    return i;
  }

 private:
  // The first level whose element is not before x; elements go up with levels, or down.
  uint32_t bisect(uint64_t x) const {
    const uint64_t want = order_.order(x);
    uint32_t low = 0, high = n_;
    while (low < high) {
      const uint32_t i = (low + high) / 2;
      const uint64_t at = order_.order(levels_.element(i, g_));
      const bool before = falls_ ? at > want : at < want;
      if (before)
        low = i + 1;
      else
        high = i;
    }
    return low < n_ && levels_.element(low, g_) == x ? low : n_;
  }

  const Levels& levels_;
  std::span<const double> middles_;
  uint64_t g_;
  uint32_t n_;
  double inverse_, zero_;
  delta::Arithmetic order_;
  bool falls_;
};

void by_groups(const Levels& levels, uint64_t first, Bytes elements, std::span<uint16_t> indexes) {
  const uint32_t bytes = element_info(levels.type).bytes;
  std::vector<double> middles;
  for (uint32_t i = 1; i < levels.count(); ++i)
    middles.push_back((levels.value(i - 1) + levels.value(i)) / 2);
  for (size_t j = 0; j < indexes.size();) {
    const uint64_t g = (first + j) / levels.group;
    const size_t end = std::min<uint64_t>(indexes.size(), (g + 1) * levels.group - first);
    const Group group(levels, middles, g);
    for (; j < end; ++j)
      indexes[j] = static_cast<uint16_t>(group.find(load_element(elements.data(), j, bytes)));
  }
}
}  // namespace

void level_indexes(const Levels& levels, uint64_t first, Bytes elements,
                   std::span<uint16_t> indexes) {
  if (levels.scale_type != quant::ScaleType::none)
    return by_groups(levels, first, elements, indexes);
  switch (element_info(levels.type).bytes) {
    case 1:
      return by_pattern<uint8_t>(levels, elements, indexes);
    case 2:
      return by_pattern<uint16_t>(levels, elements, indexes);
    case 4:
      return by_hash<uint32_t>(levels, elements, indexes);
    default:
      return by_hash<uint64_t>(levels, elements, indexes);
  }
}
}  // namespace gramzip::cpu
