// SPDX-License-Identifier: Apache-2.0
#include "host/model/quant_levels.h"

#include <algorithm>
#include <cmath>

#include "gramzip/core/float_bits.h"
#include "host/model/precise_log.h"

namespace gramzip::quant {
namespace {
// Code lengths of a level in the tables, in bytes: those of a few classes.
constexpr double kCodeBytes = 2;
constexpr double kLeastStep = 2.3e-308;    // normal
constexpr double kSegmentBytes = 1 << 22;  // that have their own tables

// Uniform levels that stand in for values, which ascend; none if they cannot, or not exactly.
// Place: the number of the level of each value.
bool make_ladder(ElementType type, std::span<const double> values, bool exact, Levels& levels,
                 std::vector<uint32_t>& place) {
  double gap = std::numeric_limits<double>::infinity();
  for (size_t i = 1; i < values.size(); ++i) gap = std::min(gap, values[i] - values[i - 1]);
  // Steps as wide as the least gap, so that no two values are nearest to the same one; a little
  // less against roundings, but values that are multiples of it are to remain so.
  double step = gap;
  const auto number = [&](double x) { return std::floor(x / step + 0.5); };
  for (size_t i = 1; i < values.size() && step == gap; ++i)
    if (number(values[i]) == number(values[i - 1])) step = gap * (1 - 0x1p-40);
  const double first = number(values.front()), span = number(values.back()) - first + 1;
  if (!(step >= kLeastStep && std::isfinite(step) && std::fabs(first) <= kMaxFirst &&
        ladder_is_smaller(type, span, static_cast<double>(values.size()))))
    return false;
  levels.step = step;
  levels.first = static_cast<int32_t>(first);
  levels.corrections.assign(static_cast<size_t>(span), 0);
  for (size_t i = 0; i < values.size(); ++i) {
    const double n = number(values[i]);
    const double off = std::floor((values[i] / step - n) * 256 + 0.5);
    place[i] = static_cast<uint32_t>(n - first);
    levels.corrections[place[i]] = static_cast<int8_t>(std::clamp(off, -128.0, 127.0));
  }
  if (exact) {
    levels.uniform = true;
    for (size_t i = 0; i < values.size(); ++i)
      if (element_value(type, levels.element(place[i], 0)) != values[i]) return false;
  }
  return true;
}

// All weights of a bin are one value.
bool exact_bins(const Cells& c, const Bins& bins) {
  for (size_t b = 0; b < bins.size(); ++b)
    if (bins.begin[b + 1] - bins.begin[b] > 1 || c.spread[bins.begin[b]] > 0) return false;
  return true;
}
}  // namespace

Price price_of(const Cells& c, double slope) {
  const uint32_t bytes = element_info(c.type).bytes;
  Price p;
  p.slope = slope;
  p.total = c.total;
  p.escape_bits = 8 * bytes;
  p.segments = std::ceil(c.total * bytes / kSegmentBytes);
  p.level_bits = p.segments * 8 * (std::min(bytes, 2u) + kCodeBytes);
  return p;
}

double ideal_bits(double total, double n) {
  return n > 0 ? n * (model::precise_log2(total) - model::precise_log2(n)) : 0;
}

bool ladder_is_smaller(ElementType type, double span, double listed) {
  return span <= kMostLevels &&
         span * (1 + kCodeBytes) < listed * (element_info(type).bytes + kCodeBytes);
}

Quantizer make_quantizer(const Cells& c, const Bins& bins, bool listed) {
  Quantizer q;
  q.levels.type = c.type;
  std::vector<double> values;
  std::vector<size_t> begins;  // of bins with a level of their own
  for (size_t b = 0; b < bins.size(); ++b) {
    const double level = level_of(c, bins.begin[b], bins.begin[b + 1]);
    if (!values.empty() && level <= values.back()) continue;
    values.push_back(level);
    begins.push_back(bins.begin[b]);
  }
  const auto split = [&](size_t i) { return split_between(c.type, c.mean[i - 1], c.mean[i]); };
  if (values.empty()) {
    values.push_back(0);
    std::swap(q.lowest, q.highest);
  } else {
    if (bins.begin.front() > 0) q.lowest = split(bins.begin.front());
    if (bins.begin.back() < c.size()) q.highest = next_below(split(bins.begin.back()));
  }
  std::vector<uint32_t> place(values.size());
  q.levels.uniform = !listed && values.size() > 1 &&
                     make_ladder(c.type, values, exact_bins(c, bins), q.levels, place);
  if (!q.levels.uniform) {
    for (uint32_t i = 0; i < place.size(); ++i) place[i] = i;
    q.levels.corrections.clear();
    q.levels.listed = values;
  }
  for (size_t i = 1; i < values.size(); ++i)
    q.thresholds.insert(q.thresholds.end(), place[i] - place[i - 1], split(begins[i]));
  return q;
}

Estimate estimate_of(const Cells& c, const Quantizer& q) {
  Estimate e;
  const Price price = price_of(c, 1);
  const auto add_symbol = [&](double n) {
    e.bits += ideal_bits(c.total, n);
    e.limited_bits += price.bits(n);
  };
  double kept = 0, count = 0, level = 0;
  size_t number = 0;
  const auto load = [&] {
    level = element_value(c.type, q.levels.element(static_cast<uint32_t>(number), 0));
  };
  load();
  for (size_t i = 0; i < c.size(); ++i) {
    const double x = c.mean[i];
    if (x < q.lowest || x > q.highest) {
      kept += c.count[i];
      continue;
    }
    if (number < q.thresholds.size() && q.thresholds[number] <= x) {
      add_symbol(count);
      count = 0;
      while (number < q.thresholds.size() && q.thresholds[number] <= x) ++number;
      load();
    }
    count += c.count[i];
    const double off = x - level;
    e.squared_error += c.spread[i] + c.count[i] * off * off;
    const bool one = c.spread[i] == 0 && c.type != ElementType::f64;
    const Interval range = one ? Interval{x, x} : range_of(c, i);
    e.max_error =
        std::max({e.max_error, std::fabs(range.low - level), std::fabs(range.high - level)});
  }
  add_symbol(count);
  add_symbol(kept);
  e.bits += kept * price.escape_bits;
  e.limited_bits += kept * price.escape_bits;
  return e;
}
}  // namespace gramzip::quant
