// SPDX-License-Identifier: Apache-2.0
// The classic methods: levels at fixed places, scaled to a tensor or to its groups.
#include <algorithm>
#include <cmath>

#include "gramzip/core/float_bits.h"
#include "host/base/error.h"
#include "host/model/precise_log.h"
#include "host/model/quant_codebooks.h"
#include "host/model/quant_levels.h"

namespace gramzip::quant {
namespace {
constexpr double kLeastStep = 2.3e-308;  // normal
constexpr double kLargestF16 = 65504;
constexpr double kLeastF16 = 0x1p-14;  // normal
constexpr double kLargestF32 = 3.4028234663852886e38;
constexpr uint32_t kClips = 40;  // steps that are tried for a tensor
constexpr uint32_t kWorse = 4;   // so many worse ones in a row end the search

double nearest(ElementType t, double x) { return element_value(t, round_element(t, x)); }
double largest_of(const Range& r) { return std::max(std::fabs(r.least), std::fabs(r.most)); }

// Integers first to first + count - 1, and the thresholds in their middles.
struct Integers {
  int32_t first;
  uint32_t count;
  double last() const { return static_cast<double>(first) + count - 1; }
};
Quantizer integer_levels(ElementType type, const Integers& n, double step) {
  Quantizer q;
  q.levels.type = type;
  q.levels.step = step;
  q.levels.first = n.first;
  q.levels.corrections.assign(n.count, 0);
  for (uint32_t i = 1; i < n.count; ++i)
    q.thresholds.push_back((static_cast<double>(n.first) + i - 0.5) * step);
  return q;
}

// Listed values, each rounded to the type; what is then equal becomes one level.
Quantizer listed_levels(ElementType type, const std::vector<double>& values,
                        const std::vector<double>& thresholds) {
  Quantizer q;
  q.levels.type = type;
  q.levels.uniform = false;
  for (size_t i = 0; i < values.size(); ++i) {
    const double v = nearest(type, values[i]);
    if (!std::isfinite(v) || (!q.levels.listed.empty() && v <= q.levels.listed.back())) continue;
    if (!q.levels.listed.empty()) q.thresholds.push_back(thresholds[i - 1]);
    q.levels.listed.push_back(v);
  }
  return q;
}
Quantizer scaled_levels(ElementType type, double scale, std::vector<double> values,
                        std::vector<double> thresholds) {
  for (double& v : values) v *= scale;
  for (double& t : thresholds) t *= scale;
  return listed_levels(type, values, thresholds);
}

// Steps of one tensor: as wide as its largest weight asks for, or narrower ones if what they gain
// within is more than what they lose at the ends.
Quantizer best_step(const Cells& c, const Integers& n, double step) {
  const auto make = [&](double s) {
    if (s >= kLeastStep) return integer_levels(c.type, n, s);
    std::vector<double> values, thresholds;  // such a step is not written
    for (uint32_t i = 0; i < n.count; ++i) {
      values.push_back((static_cast<double>(n.first) + i) * s);
      thresholds.push_back(values.back() + s / 2);
    }
    return listed_levels(c.type, values, thresholds);
  };
  Quantizer best = make(step);
  double error = estimate_of(c, best).squared_error;
  uint32_t worse = 0;
  for (uint32_t i = 0; i < kClips && worse < kWorse && step >= kLeastStep; ++i) {
    step *= 0.95;
    Quantizer q = make(step);
    const double e = estimate_of(c, q).squared_error;
    worse = e < error ? 0 : worse + 1;
    if (e < error) error = e, best = std::move(q);
  }
  return best;
}

// The scale nearest to `wanted` with which levels from `lowest` to `highest` are finite elements.
float fit_scale(ElementType type, ScaleType scale_type, double wanted, double lowest,
                double highest) {
  if (!(wanted > 0)) return 0;
  const ElementType t = scale_type == ScaleType::f16 ? ElementType::f16 : ElementType::f32;
  const FloatLayout layout = float_layout(type);
  uint64_t bits = std::max<uint64_t>(round_element(t, wanted), 1);
  const auto fits = [&] {
    if (!is_finite(float_layout(t), bits)) return false;
    const auto scale = static_cast<float>(element_value(t, bits));
    for (const double level : {lowest, highest})
      if (!is_finite(layout, scaled_element(type, scale, static_cast<float>(level)))) return false;
    return true;
  };
  while (bits > 1 && !fits()) --bits;
  return static_cast<float>(element_value(t, bits));
}

void require_f32(const Range& r) {
  if (largest_of(r) > kLargestF32)
    fail(ErrorCode::invalid_argument, "weights beyond the range of F32 cannot have scales");
}

// F16 where it has room for the largest scale, and bits enough.
ScaleType scale_type_for(const MethodOptions& o, double most) {
  const bool fits = most <= kLargestF16 && (most == 0 || most >= kLeastF16);
  return o.scale_type == ScaleType::f16 && fits ? ScaleType::f16 : ScaleType::f32;
}

// Scales of groups; `unit`: the magnitude of the level that the largest weight of a group is.
void scale_groups(const MethodOptions& o, std::span<const Range> ranges, double unit,
                  double outermost, Levels& levels) {
  double most = 0;
  for (const Range& r : ranges) {
    require_f32(r);
    most = std::max(most, largest_of(r));
  }
  levels.scale_type = scale_type_for(o, most / unit);
  levels.group = o.group;
  for (const Range& r : ranges)
    levels.scales.push_back(
        fit_scale(levels.type, levels.scale_type, largest_of(r) / unit, -outermost, outermost));
}

void scale_with_zero_points(const MethodOptions& o, std::span<const Range> ranges, double last,
                            Levels& levels) {
  double most = 0;
  const auto wanted = [&](const Range& r) {
    return std::max(r.most, 0.0) / last - std::min(r.least, 0.0) / last;
  };
  for (const Range& r : ranges) {
    require_f32(r);
    most = std::max(most, wanted(r));
  }
  levels.scale_type = scale_type_for(o, most);
  levels.group = o.group;
  for (const Range& r : ranges) {
    const double scale = wanted(r);
    const double zero =
        scale > 0 ? std::clamp(std::floor(-std::min(r.least, 0.0) / scale + 0.5), 0.0, last) : 0;
    levels.zero_points.push_back(static_cast<uint8_t>(zero));
    levels.scales.push_back(fit_scale(levels.type, levels.scale_type, scale, -zero, last - zero));
  }
}

Quantizer linear(const MethodOptions& o, const Cells& c, const Range& all,
                 std::span<const Range> ranges) {
  const int32_t half = (1 << (o.bits - 1)) - 1;
  const auto count = uint32_t{1} << o.bits;
  if (o.group > 0) {
    const Integers n = o.asymmetric ? Integers{0, count} : Integers{-half, count - 1};
    Quantizer q = integer_levels(c.type, n, 1);
    if (o.asymmetric)
      scale_with_zero_points(o, ranges, n.last(), q.levels);
    else
      scale_groups(o, ranges, half, half, q.levels);
    return q;
  }
  if (!o.asymmetric) {
    double step = largest_of(all) / half;
    while (!std::isfinite(step * half)) step = next_below(step);
    return best_step(c, {-half, count - 1}, step);
  }
  // Levels from the least weight to the greatest, 0 among them.
  const double low = std::min(all.least, 0.0), high = std::max(all.most, 0.0);
  double step = high / (count - 1) - low / (count - 1);
  const auto zero =
      step > 0 ? static_cast<int32_t>(std::min(std::floor(-low / step + 0.5), count - 1.0)) : 0;
  const Integers n{-zero, count};
  while (!std::isfinite(nearest(c.type, n.last() * step)) ||
         !std::isfinite(nearest(c.type, n.first * step)))
    step = step * (1 - 0x1p-10);
  return best_step(c, n, step);
}

Quantizer ternary(const MethodOptions& o, const Cells& c, std::span<const Range> ranges) {
  const Ternary best = best_ternary(c);
  if (o.group == 0) {
    const double level = nearest(c.type, best.level);
    const double threshold = std::max(best.threshold, next_above(0));
    return listed_levels(c.type, {-level, 0, level}, {next_above(-threshold), threshold});
  }
  // Groups are taken to be alike: their scales are to their largest weights as that of the tensor
  // is to the mean of these.
  double sum = 0;
  for (const Range& r : ranges) sum += largest_of(r) / static_cast<double>(ranges.size());
  Quantizer q = integer_levels(c.type, {-1, 3}, 1);
  const double unit = best.level > 0 ? std::max(1.0, sum / best.level) : 1;
  scale_groups(o, ranges, unit, 1, q.levels);
  return q;
}

Quantizer quantizer_for(const MethodOptions& o, const Distribution& d, const Cells& c,
                        std::span<const Range> ranges) {
  const Range all{d.least, d.most};
  switch (o.method) {
    case Method::linear:
    case Method::mean_constrained:
      return linear(o, c, all, ranges);
    case Method::sorting:
      return make_quantizer(c, sorting_bins(c, o.bits), true);
    case Method::ternary:
      return ternary(o, c, ranges);
    case Method::nf4: {
      const std::vector<double> levels = nf4_codebook();
      if (o.group == 0)
        return scaled_levels(c.type, largest_of(all), levels, middle_thresholds(levels));
      Quantizer q = listed_levels(ElementType::f32, levels, middle_thresholds(levels));
      q.levels.type = c.type;
      scale_groups(o, ranges, 1, 1, q.levels);
      return q;
    }
    case Method::fp8: {
      const std::vector<double> levels = fp8_codebook();
      if (o.group == 0)
        return scaled_levels(c.type, largest_of(all) / kLargestFp8, levels, fp8_thresholds(levels));
      Quantizer q = listed_levels(ElementType::f32, levels, fp8_thresholds(levels));
      q.levels.type = c.type;
      scale_groups(o, ranges, kLargestFp8, kLargestFp8, q.levels);
      return q;
    }
    case Method::uniform:
    case Method::trellis:
      break;
  }
  fail(ErrorCode::invalid_argument, "the uniform method is designed by a slope or a limit");
}
}  // namespace

Design design_method(const MethodOptions& options, const Distribution& d,
                     std::span<const Range> ranges) {
  const bool by_bits = options.method == Method::linear ||
                       options.method == Method::mean_constrained ||
                       options.method == Method::sorting;
  if (by_bits && (options.bits < 2 || options.bits > 8))
    fail(ErrorCode::invalid_argument, "bits of a level are 2 to 8");
  if (options.group > 0 && (options.group < kMinGroup || options.group > kMaxGroup))
    fail(ErrorCode::invalid_argument, "groups that share a scale have 8 to 2^31 weights");
  const Cells c = cells_of(d);
  Design design;
  if (d.least == 0 && d.most == 0 && (options.group == 0 || ranges.empty())) {
    design.quantizer = listed_levels(d.type, {0}, {});
    design.estimate = estimate_of(c, design.quantizer);
    return design;
  }
  design.quantizer = quantizer_for(options, d, c, ranges);
  const Levels& levels = design.quantizer.levels;
  if (levels.scale_type == ScaleType::none) {
    design.estimate = estimate_of(c, design.quantizer);
  } else {
    Estimate& e = design.estimate;
    e.known = false;
    e.bits = c.total * model::precise_log2(levels.count());
    e.limited_bits = e.bits;
  }
  return design;
}

const char* method_name(Method m) {
  switch (m) {
    case Method::uniform:
      return "uniform";
    case Method::trellis:
      return "trellis";
    case Method::linear:
      return "linear";
    case Method::mean_constrained:
      return "mean-constrained";
    case Method::sorting:
      return "sorting";
    case Method::nf4:
      return "nf4";
    case Method::fp8:
      return "fp8";
    case Method::ternary:
      return "ternary";
  }
  return "unknown";
}
}  // namespace gramzip::quant
