// SPDX-License-Identifier: Apache-2.0
#include "host/model/quant_steps.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gramzip/core/float_bits.h"
#include "host/model/precise_log.h"

namespace gramzip::quant {
namespace {
using model::kLog2E;
using model::precise_log2;
constexpr size_t kNarrow = 24;  // cells: bins are tried up to it at any width

// Rounds normal numbers of a type to its nearest ones, and its subnormals: adds and takes away a
// power of two by which the lower bits fall off.
struct Rounding {
  bool needed;
  uint64_t lowest;  // the exponent of subnormals, as that of a double
  uint64_t shift;

  explicit Rounding(ElementType t) {
    const FloatLayout f = float_layout(t);
    needed = f.mantissa_bits < 20;
    lowest = static_cast<uint64_t>(1 - f.bias + 1023);
    shift = 52 - f.mantissa_bits;
  }
  double operator()(double x) const {
    const uint64_t exponent = std::max((double_as_bits(x) >> 52) & 0x7ff, lowest);
    const double big = bits_as_double((exponent + shift) << 52 | uint64_t{1} << 51);
    return (x + big) - big;
  }
};

// Costs of the bins that end at one place, by their number of cells.
struct Column {
  std::vector<double> count, sum, squares, cost;

  explicit Column(size_t n) : count(n), sum(n), squares(n), cost(n) {}
};

// Bins of cells from first + 1 to last, both before `end`, as sums about `origin`.
size_t gather(const Cells& c, size_t end, double reach, Column& column) {
  const double origin = c.mean[end - 1];
  double count = 0, sum = 0, squares = 0;
  size_t k = 0;
  for (; k < end; ++k) {
    const size_t i = end - 1 - k;
    const double x = c.mean[i] - origin;
    if (k >= kNarrow && -x > reach) break;
    const double weighted = c.count[i] * x;
    count += c.count[i];
    sum += weighted;
    squares += c.spread[i] + weighted * x;
    column.count[k] = count;
    column.sum[k] = sum;
    column.squares[k] = squares;
  }
  return k;
}

template <bool Rounded>
void bin_costs(const Rounding& rounding, const Price& p, double origin, size_t from, size_t n,
               Column& column) {
  const double log_total = precise_log2(p.total);
  const double rare = p.total * kLeastShare;
  const double *counts = column.count.data(), *sums = column.sum.data(),
               *squares = column.squares.data();
  double* costs = column.cost.data();
  const double slope = p.slope, level_bits = p.level_bits;
  for (size_t k = from; k < n; ++k) {
    const double count = counts[k], middle = sums[k] / count;
    double error = squares[k] - sums[k] * middle;
    if (Rounded) {
      const double mean = origin + middle, off = rounding(mean) - mean;
      error += count * off * off;
    }
    error = error < 0 ? 0 : error;
    const double ideal = count * (log_total - precise_log2(count));
    const double limited = kLongestCode * count + (rare - count) * kLog2E;
    costs[k] = error + slope * ((count < rare ? limited : ideal) + level_bits);
  }
}
// Bins whose level is 0 whatever their mean.
void zero_bin_costs(const Price& p, double origin, size_t from, size_t n, Column& column) {
  for (size_t k = from; k < n; ++k) {
    const double count = column.count[k];
    const double error = column.squares[k] + 2 * origin * column.sum[k] + origin * origin * count;
    column.cost[k] = error + p.slope * (p.bits(count) + p.level_bits);
  }
}

double nearest(ElementType t, double x) { return element_value(t, round_element(t, x)); }
}  // namespace

double Price::bits(double n) const {
  if (n <= 0) return 0;
  const double rare = total * kLeastShare;
  if (n < rare) return kLongestCode * n + (rare - n) * kLog2E;
  return n * (precise_log2(total) - precise_log2(n));
}

double level_of(const Cells& c, size_t begin, size_t end) {
  if (c.zero >= begin && c.zero < end) return 0;
  const double origin = c.mean[begin];
  double count = 0, sum = 0;
  for (size_t i = begin; i < end; ++i) {
    count += c.count[i];
    sum += c.count[i] * (c.mean[i] - origin);
  }
  const double mean = origin + sum / count;
  return std::isfinite(mean) ? nearest(c.type, mean) : origin;
}

Bins best_bins(const Cells& c, const Price& price, double reach) {
  const size_t n = c.size();
  const Rounding rounding(c.type);
  // best[i]: of the cells before i. At first: all of them kept as they are.
  std::vector<double> best(n + 1), kept(n + 1, 0);
  std::vector<size_t> from(n + 1, kNoCell);
  for (size_t i = 0; i < n; ++i) kept[i + 1] = kept[i] + c.count[i];
  const auto escape = [&](double count) {
    return price.slope * (price.bits(count) + count * price.escape_bits);
  };
  for (size_t i = 0; i <= n; ++i) best[i] = escape(kept[i]);
  Column column(n);
  for (size_t end = 1; end <= n; ++end) {
    const double origin = c.mean[end - 1];
    const size_t tried = gather(c, end, reach, column);
    // The first bin that holds the zeros.
    const size_t zeros = c.zero < end ? std::min(tried, end - 1 - c.zero) : tried;
    if (rounding.needed)
      bin_costs<true>(rounding, price, origin, 0, zeros, column);
    else
      bin_costs<false>(rounding, price, origin, 0, zeros, column);
    zero_bin_costs(price, origin, zeros, tried, column);
    double least = best[end];
    size_t least_from = from[end];
    for (size_t k = 0; k < tried; ++k) {
      const double cost = best[end - 1 - k] + column.cost[k];
      if (cost < least) least = cost, least_from = end - 1 - k;
    }
    best[end] = least;
    from[end] = least_from;
  }
  size_t end = n;
  double least = best[n];
  for (size_t i = 0; i < n; ++i) {
    const double cost = best[i] + escape(c.total - kept[i]);
    if (cost < least) least = cost, end = i;
  }
  Bins bins;
  bins.begin.assign(1, end);
  while (from[end] != kNoCell) bins.begin.push_back(end = from[end]);
  std::reverse(bins.begin.begin(), bins.begin.end());
  return bins;
}

void refine(const Cells& c, const Price& price, uint32_t rounds, Bins& bins,
            std::span<const double> bits) {
  struct Line {
    double level, bits;
    double start;  // from here on it is the cheapest
  };
  std::vector<Line> lines;
  const double log_total = precise_log2(price.total);
  for (uint32_t round = 0; round < rounds && bins.size() > 1; ++round) {
    lines.clear();
    for (size_t b = 0; b < bins.size(); ++b) {
      double count = 0;
      for (size_t i = bins.begin[b]; i < bins.begin[b + 1]; ++i) count += c.count[i];
      Line line{level_of(c, bins.begin[b], bins.begin[b + 1]),
                round == 0 && !bits.empty()
                    ? bits[b]
                    : std::min(kLongestCode, log_total - precise_log2(count)),
                -std::numeric_limits<double>::infinity()};
      // The lower envelope of squared error + slope * bits.
      bool cheapest = true;
      while (!lines.empty()) {
        const Line& last = lines.back();
        const double gap = line.level - last.level;
        if (gap <= 0) {  // two bins with one level
          cheapest = line.bits < last.bits;
          if (!cheapest) break;
        } else {
          line.start = last.level + gap / 2 + price.slope * (line.bits - last.bits) / (2 * gap);
          if (line.start > last.start) break;
        }
        lines.pop_back();
      }
      if (!cheapest) continue;
      if (lines.empty()) line.start = -std::numeric_limits<double>::infinity();
      lines.push_back(line);
    }
    const size_t first = bins.begin.front(), last = bins.begin.back();
    Bins moved;
    moved.begin.assign(1, first);
    size_t i = first;
    for (size_t k = 1; k < lines.size(); ++k) {
      while (i < last && c.mean[i] < lines[k].start) ++i;
      if (i > moved.begin.back() && i < last) moved.begin.push_back(i);
    }
    moved.begin.push_back(last);
    const bool same = moved.begin == bins.begin;
    bins = std::move(moved);
    if (same) break;
  }
}
}  // namespace gramzip::quant
