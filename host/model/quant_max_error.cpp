// SPDX-License-Identifier: Apache-2.0
// Quantizers that keep every weight within a limit of itself.
#include <algorithm>
#include <cmath>

#include "gramzip/core/float_bits.h"
#include "host/base/error.h"
#include "host/model/quant_levels.h"

namespace gramzip::quant {
namespace {
// Levels in order, each with the weights it stands for. Between two of them that are not linked are
// weights for which there is no level.
struct Bin {
  double level = 0;
  double number = 0;         // of an even bin
  double low = 0, high = 0;  // low <= weight < high; both included if exact
  double count = 0;
  double squared_error = 0;
  double max_error = 0;
  bool linked = true;  // with the one before
};
constexpr size_t kMostBins = size_t{1} << 20;
using BinList = std::vector<Bin>;

double nearest(ElementType t, double x) { return element_value(t, round_element(t, x)); }

// Of 16-bit and 8-bit types each weight is known. Bins hold as many as a level can stand for; one
// is about 0, others follow it outwards.
class ExactBins {
 public:
  ExactBins(const Cells& c, double limit) : c_(c), limit_(limit) {}

  BinList make() const {
    const auto at = [&](double x, bool above) {
      const auto i = above ? std::upper_bound(c_.mean.begin(), c_.mean.end(), x)
                           : std::lower_bound(c_.mean.begin(), c_.mean.end(), x);
      return static_cast<size_t>(i - c_.mean.begin());
    };
    const size_t low = at(-limit_, false), high = at(limit_, true);
    BinList bins;
    for (size_t end = low; end > 0;) {
      size_t begin = end - 1;
      while (begin > 0 && fits(c_.mean[begin - 1], c_.mean[end - 1])) --begin;
      bins.push_back(bin(begin, end));
      end = begin;
    }
    std::reverse(bins.begin(), bins.end());
    if (low < high) bins.push_back(bin(low, high));
    for (size_t begin = high; begin < c_.size();) {
      size_t end = begin + 1;
      while (end < c_.size() && fits(c_.mean[begin], c_.mean[end])) ++end;
      bins.push_back(bin(begin, end));
      begin = end;
    }
    return bins;
  }

 private:
  bool holds(double level, double low, double high) const {
    return high - level <= limit_ && level - low <= limit_;
  }
  double middle(double low, double high) const { return nearest(c_.type, low / 2 + high / 2); }
  bool fits(double low, double high) const { return holds(middle(low, high), low, high); }
  Bin bin(size_t begin, size_t end) const {
    Bin b;
    b.low = c_.mean[begin];
    b.high = c_.mean[end - 1];
    b.level = level_of(c_, begin, end);
    if (!holds(b.level, b.low, b.high))
      b.level = nearest(c_.type, std::clamp(b.level, b.high - limit_, b.low + limit_));
    if (!holds(b.level, b.low, b.high)) b.level = middle(b.low, b.high);
    // About 0 the level 0 holds whatever the middle is rounded to.
    if (!holds(b.level, b.low, b.high)) b.level = 0;
    for (size_t i = begin; i < end; ++i) {
      const double off = c_.mean[i] - b.level;
      b.count += c_.count[i];
      b.squared_error += c_.spread[i] + c_.count[i] * off * off;
    }
    b.max_error = std::max(b.high - b.level, b.level - b.low);
    return b;
  }

  const Cells& c_;
  double limit_;
};

// Of wider types only the buckets are known: bins are as wide as the step all along the line, one
// is about 0. Weights of a bucket that many bins share are taken to be spread evenly about their
// mean.
class EvenBins {
 public:
  EvenBins(const Cells& c, double limit, double step) : c_(c), limit_(limit), step_(step) {}

  BinList make() const {
    BinList bins;
    bool linked = true;
    // More bins than that are of no use: the rest is left out.
    for (size_t i = 0; i < c_.size() && bins.size() < kMostBins; ++i) {
      const Interval range = range_of(c_, i);
      const double first = number(range.low), last = number(range.high);
      if (!(last - first <= kMostLevels) || std::fabs(first) > 0x1p50 || std::fabs(last) > 0x1p50 ||
          !holds(first) || !holds(last)) {
        linked = false;  // no level does for these
        continue;
      }
      for (double n = first; n <= last; ++n) {
        if (bins.empty() || bins.back().number < n) bins.push_back(bin(n, linked));
        add(i, first == last ? Interval{c_.mean[i], c_.mean[i]} : likely(i, range), bins.back());
        linked = true;
      }
    }
    return bins;
  }
  double number(double x) const { return std::floor(x / step_ + 0.5); }

 private:
  Bin bin(double n, bool linked) const {
    Bin b;
    b.number = n;
    b.level = nearest(c_.type, n * step_);
    b.low = (n - 0.5) * step_;
    b.high = (n + 0.5) * step_;
    b.linked = linked;
    return b;
  }
  bool holds(double n) const {
    const Bin b = bin(n, true);
    return b.high - b.level <= limit_ && b.level - b.low <= limit_;
  }
  // As wide as the spread of a bucket says.
  Interval likely(size_t i, const Interval& range) const {
    const double half = std::sqrt(3 * c_.spread[i] / c_.count[i]);
    return {std::max(range.low, c_.mean[i] - half), std::min(range.high, c_.mean[i] + half)};
  }
  void add(size_t i, const Interval& range, Bin& b) const {
    const double width = range.high - range.low;
    const double low = std::max(range.low, b.low), high = std::min(range.high, b.high);
    if (width > 0) {
      const double count = c_.count[i] * (std::max(0.0, high - low) / width);
      const double off = low / 2 + high / 2 - b.level;
      b.count += count;
      b.squared_error += count * (off * off + (high - low) * (high - low) / 12);
    } else if (low <= high) {
      const double off = low - b.level;
      b.count += c_.count[i];
      b.squared_error += c_.count[i] * off * off + c_.spread[i];
    }
    b.max_error = std::max(b.high - b.level, b.level - b.low);
  }

  const Cells& c_;
  double limit_, step_;
};

// Of the stretches of at most kMostLevels linked bins the one of most weights.
Interval fullest(const BinList& bins) {
  size_t begin = 0, best_begin = 0, best_end = 0;
  double count = 0, best = -1;
  for (size_t end = 0; end < bins.size(); ++end) {
    if (!bins[end].linked) begin = end, count = 0;
    if (end - begin == kMostLevels) count -= bins[begin++].count;
    count += bins[end].count;
    if (count > best) best = count, best_begin = begin, best_end = end + 1;
  }
  return {static_cast<double>(best_begin), static_cast<double>(best_end)};
}

// How many bins, from the outermost one on, cost more than their weights kept as they are.
template <typename Iterator>
size_t cut(const Price& p, Iterator from, Iterator to) {
  double count = 0, bins = 0, best = 0;
  size_t cut = 0;
  for (Iterator i = from; i != to; ++i) {
    count += i->count;
    bins += p.bits(i->count) + p.level_bits;
    const double gain = bins - (p.bits(count) + count * p.escape_bits);
    if (gain > best) best = gain, cut = static_cast<size_t>(i - from) + 1;
  }
  return cut;
}
// step: of even bins, 0 for exact ones.
Quantizer quantizer_of(ElementType type, const BinList& bins, double step) {
  Quantizer q;
  q.levels.type = type;
  q.levels.uniform = false;
  if (bins.empty()) {
    q.levels.listed = {0};
    std::swap(q.lowest, q.highest);
    return q;
  }
  // Of even bins `high` is the first weight beyond.
  q.lowest = bins.front().low;
  q.highest = step > 0 ? next_below(bins.back().high) : bins.back().high;
  const double first = step > 0 ? bins.front().number : 0;
  const double span = step > 0 ? bins.back().number - first + 1 : 0;
  q.levels.uniform = step > 0 && std::fabs(first) <= kMaxFirst &&
                     ladder_is_smaller(type, span, static_cast<double>(bins.size()));
  if (q.levels.uniform) {
    q.levels.step = step;
    q.levels.first = static_cast<int32_t>(first);
    q.levels.corrections.assign(static_cast<size_t>(span), 0);
  } else {
    for (const Bin& b : bins) q.levels.listed.push_back(b.level);
  }
  for (size_t i = 1; i < bins.size(); ++i) {
    const double split =
        step > 0 ? bins[i].low : split_between(type, bins[i - 1].high, bins[i].low);
    const size_t steps =
        q.levels.uniform ? static_cast<size_t>(bins[i].number - bins[i - 1].number) : size_t{1};
    q.thresholds.insert(q.thresholds.end(), steps, split);
  }
  return q;
}
}  // namespace

Design design_max_error(const Distribution& d, double limit) {
  if (!(limit >= 0)) fail(ErrorCode::invalid_argument, "the largest error is below 0 or no number");
  const Cells c = cells_of(d);
  const bool wide = d.type == ElementType::f32 || d.type == ElementType::f64;
  // What the rounding of a level, and of the arithmetic here, may add to an error.
  const double rounding = d.type == ElementType::f64 ? 0x1p-50 : 0x1p-23;
  BinList bins;
  double step = 0;
  if (!wide) {
    bins = ExactBins(c, limit).make();
  } else {
    const double most = std::max(std::fabs(d.least), std::fabs(d.most));
    // Levels far out are few; those that the margin would not do for are left out.
    const double margin = std::min(most, kMostLevels * limit) * rounding;
    step = 2 * (limit - margin);
    if (step >= 2.3e-308 && std::isfinite(step)) bins = EvenBins(c, limit, step).make();
  }
  const Interval most_full = fullest(bins);
  bins.erase(bins.begin() + static_cast<ptrdiff_t>(most_full.high), bins.end());
  bins.erase(bins.begin(), bins.begin() + static_cast<ptrdiff_t>(most_full.low));
  const Price price = price_of(c, 1);
  bins.erase(bins.end() - static_cast<ptrdiff_t>(cut(price, bins.rbegin(), bins.rend())),
             bins.end());
  bins.erase(bins.begin(),
             bins.begin() + static_cast<ptrdiff_t>(cut(price, bins.begin(), bins.end())));

  Design design;
  design.quantizer = quantizer_of(c.type, bins, step);
  Estimate& e = design.estimate;
  double kept = c.total;
  for (const Bin& b : bins) {
    kept -= b.count;
    e.bits += ideal_bits(c.total, b.count);
    e.limited_bits += price.bits(b.count);
    e.squared_error += b.squared_error;
    if (b.count > 0) e.max_error = std::max(e.max_error, b.max_error);
  }
  if (kept >= 0.5) {
    e.bits += ideal_bits(c.total, kept) + kept * price.escape_bits;
    e.limited_bits += price.bits(kept) + kept * price.escape_bits;
  }
  return design;
}
}  // namespace gramzip::quant
