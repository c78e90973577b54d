// SPDX-License-Identifier: Apache-2.0
// Weights drawn with a fixed seed, their distributions, and what a quantizer really does to them:
// weight by weight, without the arithmetic of the library's design.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <vector>

#include "gramzip/core/float_bits.h"
#include "host/model/distribution.h"
#include "host/model/quantizer.h"

namespace gramzip::testing {
using Elements = std::vector<uint64_t>;

inline Elements draw(ElementType t, size_t n, const std::function<double(std::mt19937_64&)>& one,
                     uint64_t seed = 7) {
  std::mt19937_64 random(seed);
  Elements w(n);
  for (uint64_t& x : w) x = round_element(t, one(random));
  return w;
}
inline double uniform01(std::mt19937_64& r) {
  return (static_cast<double>(r() >> 11) + 0.5) * 0x1p-53;
}
// Of standard deviation 0.02, as weights have.
inline double gaussian(std::mt19937_64& r) {
  const double u = uniform01(r);
  return 0.02 * std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * uniform01(r));
}
inline double laplace(std::mt19937_64& r) {
  const double u = 2 * uniform01(r) - 1;
  return (u < 0 ? 0.02 : -0.02) * std::sqrt(0.5) * std::log(1 - std::fabs(u));
}

// The key of a weight's bucket; ascends as the weights do.
inline int64_t bucket_key(ElementType t, uint64_t x) {
  const double value = element_value(t, x);
  uint64_t pattern = x;
  FloatLayout f = float_layout(t);
  if (t == ElementType::f64) {
    pattern = round_element(ElementType::f32, value);
    f = float_layout(ElementType::f32);
  }
  auto magnitude = static_cast<int64_t>(pattern & (f.sign_bit() - 1));
  if (f.exponent_bits == 8 && f.mantissa_bits == 23) magnitude >>= 12;
  return std::signbit(value) ? -1 - magnitude : magnitude;
}

inline quant::Distribution distribution_of(ElementType t, const Elements& w) {
  quant::Distribution d;
  d.type = t;
  std::map<int64_t, quant::Bucket> buckets;
  for (const uint64_t x : w) {
    if (!is_finite(float_layout(t), x)) {
      ++d.not_finite;
      continue;
    }
    const double v = element_value(t, x);
    quant::Bucket& b = buckets[bucket_key(t, x)];
    b.sum += v;
    b.sum_of_squares += v * v;
    ++b.count;
    d.sum += v;
    d.sum_of_squares += v * v;
    d.least = d.count == 0 ? v : std::min(d.least, v);
    d.most = d.count == 0 ? v : std::max(d.most, v);
    ++d.count;
  }
  for (const auto& [key, bucket] : buckets) d.buckets.push_back(bucket);
  return d;
}

struct Measured {
  double bits = 0, squared_error = 0, max_error = 0;
  uint64_t kept = 0;
  std::vector<uint64_t> counts;
};
// What the definition of Quantizer says, for finite weights. bits: their order-0 entropy, and the
// elements of those that are kept.
inline Measured measure(const quant::Quantizer& q, const Elements& w) {
  const ElementType t = q.levels.type;
  Measured m;
  m.counts.assign(q.levels.count(), 0);
  double n = 0;
  for (size_t i = 0; i < w.size(); ++i) {
    if (!is_finite(float_layout(t), w[i])) continue;
    ++n;
    const uint64_t group = q.levels.group == 0 ? 0 : i / q.levels.group;
    const double v = element_value(t, w[i]);
    double x = v;
    if (q.levels.scale_type != quant::ScaleType::none) {
      const double scale = q.levels.scales[group];
      x = scale == 0 ? 0 : v / scale;
      if (!q.levels.zero_points.empty()) x += q.levels.zero_points[group];
    }
    if (x < q.lowest || x > q.highest) {
      ++m.kept;
      continue;
    }
    const auto level = static_cast<uint32_t>(
        std::upper_bound(q.thresholds.begin(), q.thresholds.end(), x) - q.thresholds.begin());
    ++m.counts[level];
    const double error = std::fabs(v - element_value(t, q.levels.element(level, group)));
    m.squared_error += error * error;
    m.max_error = std::max(m.max_error, error);
  }
  for (const uint64_t c : m.counts)
    if (c > 0) m.bits += static_cast<double>(c) * std::log2(n / static_cast<double>(c));
  const auto kept = static_cast<double>(m.kept);
  if (m.kept > 0) m.bits += kept * (std::log2(n / kept) + 8 * element_info(t).bytes);
  return m;
}
inline double decibels(const quant::Distribution& d, double squared_error) {
  return 10 * std::log10(d.sum_of_squares / squared_error);
}
}  // namespace gramzip::testing
