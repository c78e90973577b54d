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

struct Ladder {
  double step = 0;
  double first = 0, last = 0;
};
// Steps as wide as the least gap, so that no two values are nearest to the same one.
Ladder ladder_of(std::span<const double> values) {
  double gap = std::numeric_limits<double>::infinity();
  for (size_t i = 1; i < values.size(); ++i) gap = std::min(gap, values[i] - values[i - 1]);
  Ladder l;
  l.step = gap * (1 - 0x1p-40);
  l.first = std::floor(values.front() / l.step + 0.5);
  l.last = std::floor(values.back() / l.step + 0.5);
  return l;
}
}  // namespace

Price price_of(const Cells& c, double slope) {
  const uint32_t bytes = element_info(c.type).bytes;
  Price p;
  p.slope = slope;
  p.total = c.total;
  p.escape_bits = 8 * bytes;
  const double segments = std::ceil(c.total * bytes / kSegmentBytes);
  p.level_bits = segments * 8 * (std::min(bytes, 2u) + kCodeBytes);
  return p;
}

double ideal_bits(double total, double n) {
  return n > 0 ? n * (model::precise_log2(total) - model::precise_log2(n)) : 0;
}

bool ladder_is_smaller(ElementType type, double span, double listed) {
  return span <= kMostLevels &&
         span * (1 + kCodeBytes) < listed * (element_info(type).bytes + kCodeBytes);
}

Levels make_levels(ElementType type, std::span<const double> values, std::vector<uint32_t>& place) {
  Levels levels;
  levels.type = type;
  place.resize(values.size());
  const Ladder l = values.size() > 1 ? ladder_of(values) : Ladder{};
  levels.uniform =
      values.size() > 1 && l.step >= kLeastStep && std::isfinite(l.step) &&
      std::fabs(l.first) <= kMaxFirst &&
      ladder_is_smaller(type, l.last - l.first + 1, static_cast<double>(values.size()));
  if (!levels.uniform) {
    levels.listed.assign(values.begin(), values.end());
    for (uint32_t i = 0; i < place.size(); ++i) place[i] = i;
    return levels;
  }
  levels.step = l.step;
  levels.first = static_cast<int32_t>(l.first);
  levels.corrections.assign(static_cast<size_t>(l.last - l.first) + 1, 0);
  for (size_t i = 0; i < values.size(); ++i) {
    const double n = std::floor(values[i] / l.step + 0.5);
    const double off = std::floor((values[i] / l.step - n) * 256 + 0.5);
    place[i] = static_cast<uint32_t>(n - l.first);
    levels.corrections[place[i]] = static_cast<int8_t>(std::clamp(off, -128.0, 127.0));
  }
  return levels;
}

Quantizer make_quantizer(const Cells& c, const Bins& bins) {
  Quantizer q;
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
  std::vector<uint32_t> place;
  q.levels = make_levels(c.type, values, place);
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
    const Interval range = c.spread[i] > 0 ? range_of(c, i) : Interval{x, x};
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
