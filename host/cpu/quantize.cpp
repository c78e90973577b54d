// SPDX-License-Identifier: Apache-2.0
// Types of 8 and 16 bits without scales go through a table of all patterns, which is made by the
// search that the others go through.
#include "host/cpu/quantize.h"

#include "gramzip/core/float_values.h"
#include "gramzip/core/wire.h"
#include "host/base/cpu_features.h"
#include "host/base/error.h"
#include "host/cpu/group_walk.h"
#include "host/cpu/quantize_loops.h"

namespace gramzip::cpu {
using quant::Levels;
using quant::LevelSearch;
using quant::ScaleType;

namespace {
constexpr uint32_t kMostMade = 512;  // levels that a group's elements are made of at once
constexpr size_t kAhead = 256;       // elements whose levels are found before they are stored
constexpr size_t kTogether = 16 * kRunElements;  // the same along a trellis

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

WeightScale scale_of(const Levels& levels, uint64_t g) {
  if (levels.group == 0) return {};
  return {true, levels.scales[g], levels.zero_points.empty() ? 0.0 : levels.zero_points[g]};
}

template <ElementType type, bool scaled, uint32_t few>
void search_levels(const LevelSearch& search, const WeightScale& w, const uint8_t* p, size_t n,
                   uint16_t* indexes) {
  using V = FloatValues<type>;
  const LevelSearch s = search;
  for (size_t i = 0; i < n; ++i) {
    const auto bits = load_le<typename V::Bits>(p + i * V::kBytes);
    // Values that are not finite are no numbers to compute with.
    const bool finite = V::finite(bits);
    double x = V::to_double(finite ? bits : 0);
    if constexpr (scaled) x = (w.scale != 0 ? x / w.scale : 0.0) + w.zero;
    indexes[i] = static_cast<uint16_t>(s.level<few>(x, finite));
  }
}

template <ElementType type>
void search_levels(const LevelSearch& s, const WeightScale& w, const uint8_t* p, size_t n,
                   uint16_t* indexes) {
#if defined(GRAMZIP_HAVE_AVX512)
  static const bool avx512 = cpu_features().avx512;
  if (avx512) {
    const size_t done = search_levels_avx512(s, type, w, p, n, indexes);
    p += done * FloatValues<type>::kBytes;
    indexes += done;
    n -= done;
  }
#endif
  if (w.scaled)
    s.steps <= 1 ? search_levels<type, true, 1>(s, w, p, n, indexes)
                 : search_levels<type, true, 0>(s, w, p, n, indexes);
  else
    s.steps <= 1 ? search_levels<type, false, 1>(s, w, p, n, indexes)
                 : search_levels<type, false, 0>(s, w, p, n, indexes);
}

// f(index) is the element of a level.
template <class Bits, class F>
void store_levels(const uint16_t* indexes, size_t n, uint32_t levels, uint8_t* p, F&& element) {
  // Kept elements are stored as they are: no branch that a processor would have to guess.
  const auto last = static_cast<uint16_t>(levels - 1);
  for (size_t i = 0; i < n; ++i, p += sizeof(Bits)) {
    const Bits made = element(std::min(indexes[i], last));
    store_le<Bits>(p, indexes[i] < levels ? made : load_le<Bits>(p));
  }
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
  using Bits = typename V::Bits;
  const float scale = levels.scales[g];
  const auto count = static_cast<uint32_t>(floats.size());
  const float zero = levels.zero_points.empty() ? 0.0f : levels.zero_points[g];
  // A level less 0 is that level.
  const auto element = [&](float level) { return V::from_float(scale * (level - zero)); };
  if (count <= kMostMade && count <= 2 * n) {
    Bits made[kMostMade];
    for (uint32_t i = 0; i < count; ++i) made[i] = element(floats[i]);
    return store_levels<Bits>(indexes, n, count, p, [&](uint16_t i) { return made[i]; });
  }
  store_levels<Bits>(indexes, n, count, p, [&](uint16_t i) { return element(floats[i]); });
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
  if (levels.trellis != 0) trellis_.emplace(q);
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

template <ElementType type>
void PreparedQuantizer::nearest(uint64_t first, std::span<const uint8_t> elements,
                                uint16_t* indexes) const {
  using V = FloatValues<type>;
  const size_t n = elements.size() / V::kBytes;
  const uint8_t* p = elements.data();
  if (!pattern_indexes_.empty()) {
    const uint16_t* table = pattern_indexes_.data();
    for (size_t i = 0; i < n; ++i) indexes[i] = table[load_le<typename V::Bits>(p + i * V::kBytes)];
    return;
  }
  const LevelSearch search = tables_.search();
  for_groups(first, n, q_.levels.group, [&](uint64_t g, size_t begin, size_t end) {
    search_levels<type>(search, scale_of(q_.levels, g), p + begin * V::kBytes, end - begin,
                        indexes + begin);
  });
}

template <ElementType type>
void PreparedQuantizer::walk(uint64_t first, std::span<const uint8_t> elements,
                             uint16_t* indexes) const {
  using V = FloatValues<type>;
  if (first % kRunElements != 0) fail(ErrorCode::internal, "a piece begins within a run");
  const size_t n = elements.size() / V::kBytes;
  float x[kRunElements];
  for (size_t at = 0; at < n; at += kRunElements) {
    const auto m = static_cast<uint32_t>(std::min<size_t>(kRunElements, n - at));
    const uint8_t* const p = elements.data() + at * V::kBytes;
    for (uint32_t i = 0; i < m; ++i)
      x[i] = static_cast<float>(V::to_double(load_le<typename V::Bits>(p + i * V::kBytes)) *
                                trellis_->per_unit);
    find_path(*trellis_, x, indexes + at, m, indexes + at);
  }
}

void PreparedQuantizer::to_indexes(uint64_t first, std::span<const uint8_t> elements,
                                   std::span<uint16_t> indexes) const {
  with_type(q_.levels.type, [&]<ElementType type>() {
    nearest<type>(first, elements, indexes.data());
    if (trellis_) walk<type>(first, elements, indexes.data());
  });
}

void PreparedQuantizer::quantize(uint64_t first, std::span<uint8_t> elements) const {
  with_type(q_.levels.type, [&]<ElementType type>() {
    using V = FloatValues<type>;
    using Bits = typename V::Bits;
    const size_t n = elements.size() / V::kBytes;
    if (trellis_) {
      uint16_t path[kTogether];
      for (size_t i = 0; i < n; i += kTogether) {
        const size_t m = std::min(kTogether, n - i);
        const std::span<uint8_t> some = elements.subspan(i * sizeof(Bits), m * sizeof(Bits));
        nearest<type>(first + i, some, path);
        walk<type>(first + i, some, path);
        store_levels<Bits>(path, m, q_.levels.count(), some.data(),
                           [&](uint16_t k) { return static_cast<Bits>(elements_[k]); });
      }
      return;
    }
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
        search_levels<type>(search, scale_of(q_.levels, g), p, m, indexes);
        if (q_.levels.group == 0)
          store_levels<Bits>(indexes, m, levels, p,
                             [&](uint16_t k) { return static_cast<Bits>(elements_[k]); });
        else
          store_scaled<type>(q_.levels, levels_, g, indexes, m, p);
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
