// SPDX-License-Identifier: Apache-2.0
// From elements to the numbers of their levels. Without scales: a table of all patterns, or of
// 32 and 64-bit elements a hash table. With scales: the level nearest to the element divided by
// its scale, and its neighbours; whatever is none of them is looked for by bisection.
#include <algorithm>
#include <cmath>

#include "gramzip/core/delta.h"
#include "host/cpu/quantize.h"
#include "host/cpu/scaled_levels.h"

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

template <class T>
double value_of(const FloatLayout& layout, T x) {
  if constexpr (sizeof(T) == 8) return bits_as_double(x);
  if constexpr (sizeof(T) == 4) return static_cast<double>(quant::bits_as_float(x));
  if (sizeof(T) == 2 && layout.exponent_bits == 8)
    return static_cast<double>(quant::bits_as_float(uint32_t{static_cast<uint16_t>(x)} << 16));
  return bits_as_double(double_bits_of(layout, x));
}

// The level nearest to a value before scale and rounding, or about that: any number below `levels`
// is right, a good one is fast.
class NearestLevel {
 public:
  explicit NearestLevel(const Levels& l) : uniform_(l.uniform), levels_(l.count()) {
    if (uniform_) {
      per_step_ = 1 / l.step;
      first_ = l.first;
      return;
    }
    for (uint32_t i = 1; i < levels_; ++i) middles_.push_back((l.value(i - 1) + l.value(i)) / 2);
  }
  uint32_t operator()(double v) const {
    if (uniform_) {
      const double at = v * per_step_ - first_ + 0.5;
      const double last = levels_ - 1;
      return static_cast<uint32_t>(at > 0 ? (at < last ? at : last) : 0);  // 0 for a NaN
    }
    if (levels_ <= 32) {
      uint32_t i = 0;
      for (const double m : middles_) i += m <= v ? 1 : 0;
      return i;
    }
    return static_cast<uint32_t>(std::upper_bound(middles_.begin(), middles_.end(), v) -
                                 middles_.begin());
  }

 private:
  bool uniform_;
  uint32_t levels_;
  double per_step_ = 0, first_ = 0;
  std::vector<double> middles_;
};

// The first of `levels` elements that is x, or `levels`. They ascend, or descend if `falls`.
template <class T>
uint32_t bisect(const T* elements, uint32_t levels, T x, const delta::Arithmetic& order,
                bool falls) {
  const T want = order.order(x);
  uint32_t low = 0, high = levels;
  while (low < high) {
    const uint32_t i = (low + high) / 2;
    const T at = order.order(elements[i]);
    if (falls ? at > want : at < want)
      low = i + 1;
    else
      high = i;
  }
  return low < levels && elements[low] == x ? low : levels;
}

template <class T>
void by_groups(const Levels& levels, uint64_t first, Bytes elements, std::span<uint16_t> indexes) {
  const uint32_t n = levels.count();
  const FloatLayout layout = float_layout(levels.type);
  const delta::Arithmetic order = delta::arithmetic(levels.type);
  const NearestLevel nearest(levels);
  const ScaledLevels<T> scaled(levels);
  std::vector<T> level(n);
  for (size_t j = 0; j < indexes.size();) {
    const uint64_t g = (first + j) / levels.group;
    const size_t end = std::min<uint64_t>(indexes.size(), (g + 1) * levels.group - first);
    scaled.of_group(g, level.data());
    const float scale = levels.scales[g];
    const double inverse = scale != 0 ? 1 / static_cast<double>(scale) : 0,
                 zero = levels.zero_points.empty() ? 0 : levels.zero_points[g];
    for (; j < end; ++j) {
      const T x = load_le<T>(elements.data() + j * sizeof(T));
      uint32_t i = nearest(value_of(layout, x) * inverse + zero);
      if (level[i] != x) {
        if (i > 0 && level[i - 1] == x)
          --i;
        else if (i + 1 < n && level[i + 1] == x)
          ++i;
        else
          i = bisect(level.data(), n, x, order, std::signbit(scale));
      }
      if (i > 0 && i < n && level[i - 1] == x)
        i = bisect(level.data(), n, x, order, std::signbit(scale));
      indexes[j] = static_cast<uint16_t>(i);
    }
  }
}
}  // namespace

void level_indexes(const Levels& levels, uint64_t first, Bytes elements,
                   std::span<uint16_t> indexes) {
  const bool scaled = levels.scale_type != quant::ScaleType::none;
  switch (element_info(levels.type).bytes) {
    case 1:
      return scaled ? by_groups<uint8_t>(levels, first, elements, indexes)
                    : by_pattern<uint8_t>(levels, elements, indexes);
    case 2:
      return scaled ? by_groups<uint16_t>(levels, first, elements, indexes)
                    : by_pattern<uint16_t>(levels, elements, indexes);
    case 4:
      return scaled ? by_groups<uint32_t>(levels, first, elements, indexes)
                    : by_hash<uint32_t>(levels, elements, indexes);
    default:
      return scaled ? by_groups<uint64_t>(levels, first, elements, indexes)
                    : by_hash<uint64_t>(levels, elements, indexes);
  }
}
}  // namespace gramzip::cpu
