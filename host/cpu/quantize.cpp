// SPDX-License-Identifier: Apache-2.0
// Types of 8 and 16 bits without scales go through a table of all patterns, which is made by the
// search that the others go through.
#include "host/cpu/quantize.h"

#include "gramzip/core/float_values.h"
#include "gramzip/core/wire.h"
#include "host/base/error.h"
#include "host/cpu/group_walk.h"

namespace gramzip::cpu {
using quant::Levels;
using quant::LevelSearch;
using quant::ScaleType;

namespace {
constexpr size_t kAhead = 256;  // elements whose levels are found before they are stored

template <class F>
void with_type(ElementType t, F&& f) {
  if (!with_float_type(t, f)) fail(ErrorCode::internal, "only floats are quantized");
}
void check_groups(const Levels& levels) {
  const bool scaled = levels.scale_type != ScaleType::none;
  if (scaled != (levels.group != 0) ||
      (!levels.zero_points.empty() && levels.zero_points.size() != levels.scales.size()))
    fail(ErrorCode::internal, "scales of a quantizer do not fit its groups");
}

// x of a weight in a group: see Quantizer.
struct Plain {
  double operator()(double w) const { return w; }
};
struct Scaled {
  double scale, zero;
  double operator()(double w) const { return (scale != 0 ? w / scale : 0.0) + zero; }
};
Scaled scaled(const Levels& levels, uint64_t g) {
  return {levels.scales[g], levels.zero_points.empty() ? 0.0 : levels.zero_points[g]};
}

template <ElementType type, uint32_t few, class X>
void search_levels(const LevelSearch& search, const X& x, const uint8_t* p, size_t n,
                   uint16_t* indexes) {
  using V = FloatValues<type>;
  const LevelSearch s = search;
  for (size_t i = 0; i < n; ++i) {
    const auto bits = load_le<typename V::Bits>(p + i * V::kBytes);
    // Values that are not finite are no numbers to compute with.
    const bool finite = V::finite(bits);
    indexes[i] = static_cast<uint16_t>(s.level<few>(x(V::to_double(finite ? bits : 0)), finite));
  }
}

template <ElementType type, class X>
void search_levels(const LevelSearch& search, const X& x, const uint8_t* p, size_t n,
                   uint16_t* indexes) {
  if (search.steps <= 1)
    search_levels<type, 1>(search, x, p, n, indexes);
  else
    search_levels<type, 0>(search, x, p, n, indexes);
}

// f(index) is the element of a level.
template <class Bits, class F>
void store_levels(const uint16_t* indexes, size_t n, uint32_t levels, uint8_t* p, F&& element) {
  for (size_t i = 0; i < n; ++i)
    if (indexes[i] < levels) store_le<Bits>(p + i * sizeof(Bits), element(indexes[i]));
}

std::vector<uint64_t> level_elements(const Levels& levels) {
  std::vector<uint64_t> elements(levels.count());
  for (uint32_t i = 0; i < elements.size(); ++i) elements[i] = levels.element(i, 0);
  return elements;
}
std::vector<float> level_floats(const Levels& levels) {
  std::vector<float> floats(levels.count());
  for (uint32_t i = 0; i < floats.size(); ++i) floats[i] = static_cast<float>(levels.value(i));
  return floats;
}

// The elements of indexes in group g.
template <ElementType type>
void store_scaled(const Levels& levels, const std::vector<float>& floats, uint64_t g,
                  const uint16_t* indexes, size_t n, uint8_t* p) {
  using V = FloatValues<type>;
  const float scale = levels.scales[g];
  const auto count = static_cast<uint32_t>(floats.size());
  if (levels.zero_points.empty())
    return store_levels<typename V::Bits>(
        indexes, n, count, p, [&](uint16_t i) { return V::from_float(scale * floats[i]); });
  const auto zero = static_cast<float>(levels.zero_points[g]);
  store_levels<typename V::Bits>(
      indexes, n, count, p, [&](uint16_t i) { return V::from_float(scale * (floats[i] - zero)); });
}
}  // namespace

PreparedQuantizer::PreparedQuantizer(const quant::Quantizer& q) : q_(q), tables_(q) {
  const Levels& levels = q.levels;
  check_groups(levels);
  if (levels.scale_type != ScaleType::none) {
    levels_ = level_floats(levels);
    return;
  }
  elements_ = level_elements(levels);
  with_type(levels.type, [&]<ElementType type>() {
    if constexpr (FloatValues<type>::kBytes <= 2) prepare_patterns<type>();
  });
}

template <ElementType type>
void PreparedQuantizer::prepare_patterns() {
  using V = FloatValues<type>;
  constexpr size_t patterns = size_t{1} << (8 * V::kBytes);
  pattern_indexes_.resize(patterns);
  pattern_elements_.resize(patterns);
  const LevelSearch s = tables_.search();
  for (size_t x = 0; x < patterns; ++x) {
    const auto bits = static_cast<typename V::Bits>(x);
    const bool finite = V::finite(bits);
    const uint32_t i = s.level(V::to_double(finite ? bits : 0), finite);
    pattern_indexes_[x] = static_cast<uint16_t>(i);
    pattern_elements_[x] = static_cast<uint16_t>(i < elements_.size() ? elements_[i] : x);
  }
}

void PreparedQuantizer::to_indexes(uint64_t first, std::span<const uint8_t> elements,
                                   std::span<uint16_t> indexes) const {
  with_type(q_.levels.type, [&]<ElementType type>() {
    using V = FloatValues<type>;
    const size_t n = elements.size() / V::kBytes;
    const uint8_t* p = elements.data();
    if (!pattern_indexes_.empty()) {
      const uint16_t* table = pattern_indexes_.data();
      for (size_t i = 0; i < n; ++i)
        indexes[i] = table[load_le<typename V::Bits>(p + i * V::kBytes)];
      return;
    }
    const LevelSearch search = tables_.search();
    for_groups(first, n, q_.levels.group, [&](uint64_t g, size_t begin, size_t end) {
      const uint8_t* from = p + begin * V::kBytes;
      uint16_t* to = indexes.data() + begin;
      if (q_.levels.group == 0)
        search_levels<type>(search, Plain{}, from, end - begin, to);
      else
        search_levels<type>(search, scaled(q_.levels, g), from, end - begin, to);
    });
  });
}

void PreparedQuantizer::quantize(uint64_t first, std::span<uint8_t> elements) const {
  with_type(q_.levels.type, [&]<ElementType type>() {
    using V = FloatValues<type>;
    using Bits = typename V::Bits;
    const size_t n = elements.size() / V::kBytes;
    if (!pattern_elements_.empty()) {
      const uint16_t* table = pattern_elements_.data();
      uint8_t* p = elements.data();
      for (size_t i = 0; i < n; ++i, p += sizeof(Bits))
        store_le<Bits>(p, static_cast<Bits>(table[load_le<Bits>(p)]));
      return;
    }
    const LevelSearch search = tables_.search();
    const auto levels = q_.levels.count();
    uint16_t indexes[kAhead];
    for_groups(first, n, q_.levels.group, [&](uint64_t g, size_t begin, size_t end) {
      for (size_t i = begin; i < end; i += kAhead) {
        const size_t m = std::min(kAhead, end - i);
        uint8_t* p = elements.data() + i * sizeof(Bits);
        if (q_.levels.group == 0) {
          search_levels<type>(search, Plain{}, p, m, indexes);
          store_levels<Bits>(indexes, m, levels, p,
                             [&](uint16_t k) { return static_cast<Bits>(elements_[k]); });
        } else {
          search_levels<type>(search, scaled(q_.levels, g), p, m, indexes);
          store_scaled<type>(q_.levels, levels_, g, indexes, m, p);
        }
      }
    });
  });
}

void quantize_to_indexes(const quant::Quantizer& q, uint64_t first,
                         std::span<const uint8_t> elements, std::span<uint16_t> indexes) {
  PreparedQuantizer(q).to_indexes(first, elements, indexes);
}
void quantize(const quant::Quantizer& q, uint64_t first, std::span<uint8_t> elements) {
  PreparedQuantizer(q).quantize(first, elements);
}

void dequantize(const Levels& levels, uint64_t first, std::span<const uint16_t> indexes,
                std::span<uint8_t> elements) {
  check_groups(levels);
  with_type(levels.type, [&]<ElementType type>() {
    using Bits = typename FloatValues<type>::Bits;
    if (levels.group == 0) {
      const std::vector<uint64_t> table = level_elements(levels);
      return store_levels<Bits>(indexes.data(), indexes.size(), levels.count(), elements.data(),
                                [&](uint16_t k) { return static_cast<Bits>(table[k]); });
    }
    const std::vector<float> floats = level_floats(levels);
    for_groups(first, indexes.size(), levels.group, [&](uint64_t g, size_t begin, size_t end) {
      store_scaled<type>(levels, floats, g, indexes.data() + begin, end - begin,
                         elements.data() + begin * sizeof(Bits));
    });
  });
}
}  // namespace gramzip::cpu
