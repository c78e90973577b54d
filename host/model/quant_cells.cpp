// SPDX-License-Identifier: Apache-2.0
#include "host/model/quant_cells.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gramzip/core/float_bits.h"

namespace gramzip::quant {
namespace {
constexpr double kPrunedShare = 16;
// A bucket of equal values has a spread of 0 but for the roundings of its sums.
constexpr double kNoise = 1e-13;
constexpr double kLargestF32 = 3.4028234663852886e38;

// The least magnitude of the bucket of a value of a wide type, as an F32 pattern.
uint64_t bucket_edge(double magnitude) {
  return round_element(ElementType::f32, magnitude) & ~uint64_t{0xfff};
}
// The least magnitude of the weights in the bucket that begins with this pattern: an F64 belongs to
// the bucket of the nearest F32.
double least_magnitude(ElementType type, uint64_t edge) {
  const double least = element_value(ElementType::f32, edge);
  if (type != ElementType::f64 || edge == 0) return least;
  return (least + element_value(ElementType::f32, edge - 1)) / 2;
}
}  // namespace

double next_above(double x) {
  if (x == 0) return bits_as_double(1);
  const uint64_t bits = double_as_bits(x);
  return bits_as_double(x > 0 ? bits + 1 : bits - 1);
}
double next_below(double x) { return -next_above(-x); }

double split_between(ElementType type, double below, double above) {
  const bool wide = type == ElementType::f32 || type == ElementType::f64;
  if (!wide || std::max(std::fabs(below), std::fabs(above)) > kLargestF32) {
    const double middle = below / 2 + above / 2;
    return middle > below && middle <= above ? middle : above;
  }
  if (above > 0) return least_magnitude(type, bucket_edge(above));
  const uint64_t edge = bucket_edge(-below);
  // Of 0 there are two; both are at or above 0.
  return edge == 0 ? 0 : next_above(-least_magnitude(type, edge));
}

Interval range_of(const Cells& c, size_t i) {
  const double mean = c.mean[i];
  const bool wide = c.type == ElementType::f32 || c.type == ElementType::f64;
  // An F64 is known as the nearest F32 alone.
  const bool known =
      c.type == ElementType::f32 && (c.count[i] == 1 || (mean == 0 && c.spread[i] == 0));
  if (!wide || known) return {mean, mean};
  if (std::fabs(mean) > kLargestF32) return {c.least, c.most};
  const uint64_t edge = bucket_edge(std::fabs(mean));
  const double low = least_magnitude(c.type, edge), high = least_magnitude(c.type, edge + 0x1000);
  const Interval bucket = mean == 0  ? Interval{-high, high}
                          : mean < 0 ? Interval{-high, -low}
                                     : Interval{low, high};
  return {std::max(bucket.low, c.least), std::min(bucket.high, c.most)};
}

Cells cells_of(const Distribution& d) {
  Cells c;
  c.type = d.type;
  c.least = d.least;
  c.most = d.most;
  c.count.reserve(d.buckets.size());
  c.mean.reserve(d.buckets.size());
  c.spread.reserve(d.buckets.size());
  for (const Bucket& b : d.buckets) {
    const auto n = static_cast<double>(b.count);
    // No -0; and sums of the largest F64 overflow.
    const double mean = std::clamp(b.mean(), d.least, d.most) + 0.0;
    double spread = b.sum_of_squares - b.sum * mean;
    if (!(spread > b.sum_of_squares * kNoise)) spread = 0;
    if (!c.mean.empty() && c.mean.back() == mean) {
      c.count.back() += n;
      c.spread.back() += spread;
    } else {
      c.count.push_back(n);
      c.mean.push_back(mean);
      c.spread.push_back(spread);
    }
    c.total += n;
  }
  const auto zero = std::lower_bound(c.mean.begin(), c.mean.end(), 0.0);
  if (zero != c.mean.end() && *zero == 0) {
    const auto i = static_cast<size_t>(zero - c.mean.begin());
    if (c.spread[i] == 0 && c.count[i] * kPrunedShare >= c.total) c.zero = i;
  }
  return c;
}

Cells merge_cells(const Cells& fine, double width) {
  Cells c;
  c.type = fine.type;
  c.least = fine.least;
  c.most = fine.most;
  c.total = fine.total;
  size_t begin = 0;
  const size_t n = fine.size();
  while (begin < n) {
    // Whole multiples of the width are boundaries.
    const double index = std::floor(fine.mean[begin] / width);
    const double limit = (index + 1) * width;
    double count = fine.count[begin], sum = 0, squares = fine.spread[begin];
    const double origin = fine.mean[begin];
    size_t end = begin + 1;
    for (; end < n && fine.mean[end] < limit; ++end) {
      const double x = fine.mean[end] - origin, weighted = fine.count[end] * x;
      count += fine.count[end];
      sum += weighted;
      squares += fine.spread[end] + weighted * x;
    }
    if (fine.zero >= begin && fine.zero < end) c.zero = c.size();
    c.begin.push_back(begin);
    c.count.push_back(count);
    c.mean.push_back(origin + sum / count);
    c.spread.push_back(std::max(0.0, squares - sum * (sum / count)));
    begin = end;
  }
  c.begin.push_back(n);
  return c;
}
}  // namespace gramzip::quant
