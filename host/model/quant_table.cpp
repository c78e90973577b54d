// SPDX-License-Identifier: Apache-2.0
#include "host/model/quant_table.h"

#include <cmath>

#include "host/base/error.h"

namespace gramzip::quant {
namespace {
void pad4(std::vector<uint8_t>& out, size_t start) {
  out.resize(start + round_up(out.size() - start, 4), 0);
}

void append(std::vector<uint8_t>& out, uint32_t bytes, uint64_t x) {
  const size_t at = out.size();
  out.resize(at + bytes);
  store_element(out.data() + at, 0, bytes, x);
}

bool levels_are_finite(const Levels& l) {
  const ElementType type = l.scale_type == ScaleType::none ? l.type : ElementType::f32;
  const FloatLayout layout = float_layout(type);
  for (uint32_t i = 0; i < l.count(); ++i)
    if (!is_finite(layout, round_element(type, l.value(i)))) return false;
  return true;
}

void check_levels(const Levels& l, uint64_t groups) {
  const auto internal = [](const char* what) {
    fail(ErrorCode::internal, std::string("quantized levels: ").append(what));
  };
  if (l.count() < 1 || l.count() > kMaxLevels) internal("impossible number");
  if (l.coder == CoderChoice::horner && l.count() < 2) internal("too few for coder horner");
  if (l.uniform &&
      (!std::isnormal(l.step) || l.step < 0 || l.first < -kMaxFirst || l.first > kMaxFirst))
    internal("impossible step or first level");
  if (!levels_are_finite(l)) internal("one that is not finite");
  if ((l.scale_type == ScaleType::none) != (l.group == 0)) internal("groups without scales");
  if (l.trellis != 0) {
    if (l.trellis < kMinTrellisLog2 || l.trellis > kMaxTrellisLog2)
      internal("impossible number of states");
    if (l.count() % 2 != 0) internal("an odd number along a trellis");
    if (l.group != 0) internal("scales along a trellis");
  }
  if (l.group == 0) return;
  if (l.group < kMinGroup || l.group > kMaxGroup) internal("impossible size of groups");
  if (l.scales.size() < groups) internal("fewer scales than groups");
  if (!l.zero_points.empty() && l.zero_points.size() < groups) internal("fewer zero points");
}
}  // namespace

Head Table::head() const {
  return {static_cast<uint16_t>(count()),
          levels.uniform,
          levels.scale_type,
          !levels.zero_points.empty(),
          levels.group,
          phase,
          static_cast<uint16_t>(expansions.size()),
          levels.trellis};
}

Table make_table(const Levels& levels, uint64_t first_element, uint32_t n) {
  const uint64_t first = levels.group == 0 ? 0 : first_element / levels.group;
  const uint64_t end = levels.group == 0 ? 0 : ceil_div(first_element + n, levels.group);
  check_levels(levels, end);
  Table t;
  t.levels.type = levels.type;
  t.levels.uniform = levels.uniform;
  t.levels.step = levels.step;
  t.levels.first = levels.first;
  t.levels.corrections = levels.corrections;
  t.levels.listed = levels.listed;
  t.levels.scale_type = levels.scale_type;
  t.levels.group = levels.group;
  t.levels.coder = levels.coder;
  if (levels.coder == CoderChoice::automatic || levels.coder == CoderChoice::huffman)
    t.levels.trellis = levels.trellis;
  if (levels.group == 0) return t;
  t.phase = static_cast<uint32_t>(first_element % levels.group);
  const auto slice = [&](const auto& all) {
    return std::remove_cvref_t<decltype(all)>(all.begin() + static_cast<ptrdiff_t>(first),
                                              all.begin() + static_cast<ptrdiff_t>(end));
  };
  t.levels.scales = slice(levels.scales);
  if (!levels.zero_points.empty()) t.levels.zero_points = slice(levels.zero_points);
  for (float& s : t.levels.scales) {
    if (levels.scale_type == ScaleType::f16)
      s = static_cast<float>(
          element_value(ElementType::f16, round_element(ElementType::f16, double{s})));
    if (!std::isfinite(s)) fail(ErrorCode::internal, "quantized levels: a scale is not finite");
  }
  return t;
}

void keep_levels(Table& t, uint32_t begin, uint32_t end) {
  Levels& l = t.levels;
  const auto cut = [=](auto& all) {
    all.erase(all.begin() + end, all.end());
    all.erase(all.begin(), all.begin() + begin);
  };
  if (!l.uniform) return cut(l.listed);
  cut(l.corrections);
  l.first += static_cast<int32_t>(begin);
}

void store_quant_table(const Table& t, std::vector<uint8_t>& out) {
  const Levels& l = t.levels;
  const Head h = t.head();
  const size_t start = out.size();
  append(out, 2, h.levels);
  append(out, 1, h.uniform ? 1 : 0);
  append(out, 1, static_cast<uint32_t>(h.scale_type) + (h.zero_points ? 4 : 0));
  append(out, 4, h.group);
  append(out, 4, h.phase);
  append(out, 2, h.expansions);
  append(out, 1, h.trellis);
  append(out, 1, 0);
  if (l.uniform) {
    append(out, 8, static_cast<uint32_t>(l.first));
    append(out, 8, double_as_bits(l.step));
    for (const int8_t c : l.corrections) out.push_back(static_cast<uint8_t>(c));
  } else {
    const ElementType type = h.scale_type == ScaleType::none ? l.type : ElementType::f32;
    for (const double v : l.listed) append(out, element_info(type).bytes, round_element(type, v));
  }
  pad4(out, start);
  for (const float s : l.scales)
    append(out, scale_bytes(l.scale_type),
           l.scale_type == ScaleType::f16 ? round_element(ElementType::f16, double{s})
                                          : float_as_bits(s));
  pad4(out, start);
  out.insert(out.end(), l.zero_points.begin(), l.zero_points.end());
  pad4(out, start);
  for (const uint16_t e : t.expansions) append(out, 2, e);
  pad4(out, start);
}

Phrases make_phrases(uint32_t levels, std::span<const uint16_t> expansions) {
  Phrases p;
  p.begin.reserve(2 + levels + expansions.size() * levels);
  for (uint32_t i = 0; i < levels; ++i) {
    p.begin.push_back(i);
    p.levels.push_back(static_cast<uint16_t>(i));
  }
  p.begin.push_back(levels);  // the escape
  p.longest = 1;
  for (const uint16_t e : expansions) {
    const size_t end = e + 1u < p.begin.size() ? p.begin[e + 1u] : p.levels.size();
    const std::vector<uint16_t> front(p.levels.begin() + p.begin[e],
                                      p.levels.begin() + static_cast<ptrdiff_t>(end));
    p.longest = std::max(p.longest, static_cast<uint32_t>(front.size() + 1));
    for (uint32_t i = 0; i < levels; ++i) {
      p.begin.push_back(static_cast<uint32_t>(p.levels.size()));
      p.levels.insert(p.levels.end(), front.begin(), front.end());
      p.levels.push_back(static_cast<uint16_t>(i));
    }
  }
  p.begin.push_back(static_cast<uint32_t>(p.levels.size()));
  return p;
}

std::vector<uint16_t> make_phrase_base(uint32_t levels, std::span<const uint16_t> expansions) {
  std::vector<uint16_t> base(1 + levels + expansions.size() * levels, 0);
  for (size_t k = 0; k < expansions.size(); ++k)
    base[expansions[k]] = static_cast<uint16_t>(levels + 1 + k * levels);
  return base;
}
}  // namespace gramzip::quant
