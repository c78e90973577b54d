// SPDX-License-Identifier: Apache-2.0
#include "host/model/quant_trellis.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "host/base/error.h"
#include "host/model/code_lengths.h"
#include "host/model/precise_log.h"
#include "host/model/quant_levels.h"
#include "host/model/trellis_path.h"

namespace gramzip::quant {
namespace {
constexpr double kLn2 = 0.69314718055994530942;
constexpr double kGain = 1.31;     // of the trellis over the error of one quantizer
constexpr double kRare = 0.25;     // of kLeastShare: levels of fewer weights stand farther apart
constexpr double kRarest = 0.066;  // of the same: they are worth a level even so
constexpr double kShared = 8;      // weights that a level has, on average, at least
constexpr uint32_t kWidest = 4;    // of steps between rare levels: beyond it escapes are less
constexpr uint32_t kDrawn = 1u << 13;  // weights
constexpr uint32_t kRounds = 3;
constexpr double kTrust = 64;  // drawn weights that count as much as the place of a level

// How many weights are where on the line; those of a cell are spread evenly over it.
class Mass {
 public:
  explicit Mass(const Cells& c) : below_(c.size() + 1, 0) {
    for (size_t i = 0; i < c.size(); ++i) {
      const Interval where = range_of(c, i);
      low_.push_back(where.low), high_.push_back(where.high);
      below_[i + 1] = below_[i] + c.count[i];
    }
  }
  double total() const { return below_.back(); }
  double below(double x) const {
    const size_t i = cell_from(x);
    if (i == high_.size() || x <= low_[i]) return below_[i];
    return below_[i] + (below_[i + 1] - below_[i]) * ((x - low_[i]) / (high_[i] - low_[i]));
  }
  double between(double a, double b) const { return below(b) - below(a); }
  // The value that n of the weights are below.
  double at(double n) const {
    const auto end = std::upper_bound(below_.begin() + 1, below_.end() - 1, n);
    const auto i = static_cast<size_t>(end - below_.begin()) - 1;
    const double part = (n - below_[i]) / (below_[i + 1] - below_[i]);
    return std::min(low_[i] + part * (high_[i] - low_[i]), high_[i]);
  }
  // The next place of weights at or above x, and below it; infinite if there is none.
  double first_from(double x) const {
    const size_t i = cell_from(x);
    return i == high_.size() ? std::numeric_limits<double>::infinity() : std::max(low_[i], x);
  }
  double last_below(double x) const {
    const auto i = std::lower_bound(low_.begin(), low_.end(), x) - low_.begin();
    return i == 0 ? -std::numeric_limits<double>::infinity()
                  : std::min(high_[static_cast<size_t>(i) - 1], x);
  }

 private:
  size_t cell_from(double x) const {
    return static_cast<size_t>(std::lower_bound(high_.begin(), high_.end(), x) - high_.begin());
  }
  std::vector<double> low_, high_, below_;
};

// Places of levels from `from` outwards, where it pays to have one.
void grow(const Mass& mass, double least, double from, double step, int sign, double end,
          std::vector<double>& out) {
  const double rare = std::max(kRare * kLeastShare * mass.total(), 2 * least),
               rarest = std::max(kRarest * kLeastShare * mass.total(), least);
  double x = from, width = step;
  // Of weights that would become a level a width away.
  const auto reach = [&](double w) {
    return sign > 0 ? mass.between(x, x + 2 * w) : mass.between(x - 2 * w, x);
  };
  while (sign * (end - x) > 0 && out.size() <= kMostLevels) {
    while (width < kWidest * step && reach(width) < rare) width *= 2;
    if (reach(width) >= (width < kWidest * step ? rare : rarest)) {
      x += sign * width;
      out.push_back(x);
    } else {  // on to where there are weights
      x = sign > 0 ? std::max(x + width, mass.first_from(x + width) - step)
                   : std::min(x - width, mass.last_below(x - width) + step);
    }
    width = std::max(step, width / 2);
  }
}

// Distinct elements, ascending, an even number of them.
std::vector<double> place_levels(const Cells& c, const Mass& mass, double step) {
  // Fewer weights are not worth the place of a level in the tables.
  const Price price = price_of(c, 1);
  const double least = price.level_bits / price.escape_bits;
  const double middle = std::floor(mass.at(mass.total() / 2) / step + 0.5) * step;
  std::vector<double> low, high;
  grow(mass, least, middle, step, -1, c.least, low);
  grow(mass, least, middle, step, 1, c.most, high);
  std::vector<double> all(low.rbegin(), low.rend());
  all.push_back(middle);
  all.insert(all.end(), high.begin(), high.end());
  std::vector<double> out;
  for (const double x : all) {
    const double element = element_value(c.type, round_element(c.type, x));
    if (std::isfinite(element) && (out.empty() || element > out.back())) out.push_back(element);
  }
  if (out.size() % 2 != 0) out.pop_back();
  return out;
}

class Designer {
 public:
  Designer(const Distribution& d, double lambda, uint32_t log2)
      : cells_(cells_of(d)), mass_(cells_), lambda_(lambda), log2_(log2) {}

  Design design() {
    Design out;
    if (cells_.size() < 16 || !std::isfinite(lambda_)) return out;
    const double step = std::sqrt(3 * kGain * lambda_ / (2 * kLn2));
    if (too_fine(step)) return out;
    values_ = place_levels(cells_, mass_, step);
    if (values_.size() < 8 || values_.size() > kMostLevels ||
        static_cast<double>(values_.size()) * kShared > mass_.total())
      return out;
    use_ladder(step);
    first_prices();
    draw();
    for (uint32_t round = 0; round < kRounds; ++round) {
      walk();
      if (round + 1 < kRounds) move();
    }
    out.quantizer = quantizer();
    out.estimate = estimate_;
    return out;
  }

 private:
  // More levels than there can be, even without the widest gaps between quantiles.
  bool too_fine(double step) const {
    constexpr size_t kParts = 64, kGaps = 4;
    std::vector<double> gaps;
    for (size_t i = 0; i < kParts; ++i) {
      const double part = mass_.total() / kParts, at = static_cast<double>(i) * part;
      gaps.push_back(mass_.at(at + part) - mass_.at(at));
    }
    std::sort(gaps.begin(), gaps.end());
    return std::accumulate(gaps.begin(), gaps.end() - kGaps, 0.0) > step * kMostLevels;
  }
  // Uniform levels if their table is smaller: all multiples of the step.
  void use_ladder(double step) {
    const auto number = [&](double x) { return std::floor(x / step + 0.5); };
    const double first = number(values_.front());
    double span = number(values_.back()) - first + 1;
    if (std::fmod(span, 2) != 0) span += 1;
    if (!std::isnormal(step) || std::fabs(first) > kMaxFirst || span > kMostLevels) return;
    // A level more takes code space of half the weights, one listed its bytes in each segment.
    const Price price = price_of(cells_, lambda_);
    const double bytes = element_info(cells_.type).bytes,
                 listed = static_cast<double>(values_.size());
    const double more = (span - listed) * mass_.total() / 2 * kLeastShare / kLn2;
    const double less = 8 * price.segments * (listed * bytes - span - kUniformBytes);
    if (more > less) return;
    Levels ladder;
    ladder.type = cells_.type;
    ladder.step = step;
    ladder.first = static_cast<int32_t>(first);
    ladder.corrections.assign(static_cast<size_t>(span), 0);
    std::vector<double> values;
    for (uint32_t i = 0; i < ladder.count(); ++i) {
      values.push_back(element_value(cells_.type, ladder.element(i, 0)));
      if (!std::isfinite(values[i]) || (i > 0 && values[i] <= values[i - 1])) return;
    }
    ladder_ = std::move(ladder);
    values_ = std::move(values);
  }
  // What can stand for x in place of level i.
  double nearest(size_t i, double x) {
    if (!ladder_) return element_value(cells_.type, round_element(cells_.type, x));
    const double number = ladder_->first + static_cast<double>(i);
    const double off = std::floor((x / ladder_->step - number) * 256 + 0.5);
    ladder_->corrections[i] = static_cast<int8_t>(std::clamp(off, -128.0, 127.0));
    return element_value(cells_.type, ladder_->element(static_cast<uint32_t>(i), 0));
  }
  // Prices of the levels as if weights went to the nearest one of a quantizer.
  void first_prices() {
    const size_t n = values_.size();
    bits_.assign(n, kLongestCode);
    for (size_t i = 0; i < n; ++i) {
      const double from =
          i < 2 ? -std::numeric_limits<double>::infinity() : (values_[i] + values_[i - 2]) / 2;
      const double to =
          i + 2 >= n ? std::numeric_limits<double>::infinity() : (values_[i] + values_[i + 2]) / 2;
      const double weights = mass_.between(from, to);
      if (weights > kLeastShare * mass_.total())
        bits_[i] = model::precise_log2(mass_.total()) - model::precise_log2(weights);
    }
  }
  void draw() {
    drawn_.resize(kDrawn);
    for (uint32_t i = 0; i < kDrawn; ++i) drawn_[i] = mass_.at((i + 0.5) * mass_.total() / kDrawn);
    uint64_t random = 1;
    for (uint32_t i = kDrawn - 1; i > 0;
         --i) {  // Knuth's generator for MMIX, Fisher and Yates' shuffle
      random = random * 6364136223846793005u + 1442695040888963407u;
      std::swap(drawn_[i], drawn_[(random >> 32) % (i + 1)]);
    }
  }
  Quantizer quantizer() const {
    Quantizer q;
    if (ladder_) {
      q.levels = *ladder_;
    } else {
      q.levels.type = cells_.type;
      q.levels.uniform = false;
      q.levels.listed = values_;
    }
    q.levels.trellis = static_cast<uint8_t>(log2_);
    q.thresholds.assign(values_.begin() + 1, values_.end());
    for (const double b : bits_) q.prices.push_back(lambda_ * b);
    q.prices.push_back(lambda_ * escape_bits());
    return q;
  }
  double escape_bits() const { return kLongestCode + 8 * element_info(cells_.type).bytes; }
  // Paths of the drawn weights: counts, sums, and from them the estimate and codes' lengths.
  void walk() {
    const size_t n = values_.size();
    const TrellisLevels levels(quantizer());
    std::vector<float> x(kRunElements);
    std::vector<uint16_t> below(kRunElements), path(kRunElements);
    counts_.assign(n, 0), sums_.assign(n, 0);
    double error = 0;
    uint64_t kept = 0;
    for (uint32_t at = 0; at < kDrawn; at += kRunElements) {
      for (uint32_t i = 0; i < kRunElements; ++i) {
        const double w = drawn_[at + i];
        const auto p =
            std::upper_bound(values_.begin() + 1, values_.end(), w) - (values_.begin() + 1);
        below[i] = static_cast<uint16_t>(p);
        x[i] = static_cast<float>(w * levels.per_unit);
      }
      find_path(levels, x.data(), below.data(), kRunElements, path.data());
      for (uint32_t i = 0; i < kRunElements; ++i) {
        if (path[i] == n) {
          ++kept;
          continue;
        }
        const double w = drawn_[at + i], off = w - values_[path[i]];
        ++counts_[path[i]];
        sums_[path[i]] += w;
        error += off * off;
      }
    }
    const double weight = mass_.total() / kDrawn;
    estimate_ = {};
    estimate_.squared_error = error * weight;
    for (size_t q = 0; q < 2; ++q) {
      std::vector<uint64_t> counts;
      double all = 0;
      for (size_t i = q; i < n; i += 2)
        counts.push_back(counts_[i]), all += static_cast<double>(counts_[i]);
      const CodeBook book = make_code_book(std::span<const uint64_t>(counts), 12);
      for (size_t s = 0; s < counts.size(); ++s) {
        const auto used = static_cast<double>(counts[s]);
        estimate_.limited_bits += used * weight * book.lengths[s];
        estimate_.bits += weight * ideal_bits(all, used);
        bits_[2 * s + q] = used > 0 ? book.lengths[s] : kLongestCode;
      }
    }
    const double escape = static_cast<double>(kept) * weight * escape_bits();
    estimate_.limited_bits += escape, estimate_.bits += escape;
  }
  // Levels to the middles of what becomes them.
  void move() {
    for (size_t i = 0; i < values_.size(); ++i) {
      const auto used = static_cast<double>(counts_[i]);
      const double before = values_[i];
      const int8_t correction = ladder_ ? ladder_->corrections[i] : int8_t{0};
      values_[i] = nearest(i, (sums_[i] + kTrust * before) / (used + kTrust));
      const bool apart = (i == 0 || values_[i] > values_[i - 1]) &&
                         (i + 1 == values_.size() || values_[i] < values_[i + 1]);
      if (apart) continue;
      values_[i] = before;
      if (ladder_) ladder_->corrections[i] = correction;
    }
  }

  Cells cells_;
  Mass mass_;
  double lambda_;
  uint32_t log2_;
  std::vector<double> values_, bits_;  // of levels
  std::optional<Levels> ladder_;       // which are uniform
  std::vector<double> drawn_, sums_;
  std::vector<uint64_t> counts_;
  Estimate estimate_;
};
}  // namespace

Design design_trellis(const Distribution& d, double lambda, uint32_t states_log2) {
  if (!(lambda > 0 && std::isfinite(lambda)))
    fail(ErrorCode::invalid_argument, "the slope of a quantizer is above 0 and finite");
  return Designer(d, lambda, states_log2).design();
}

namespace {
constexpr int kHalvings = 24;  // of the ratio of slopes

// `spent` falls, nearly, as the slope falls or rises.
template <class Spent>
Design search_slopes(const Distribution& d, uint32_t log2, bool falls, double most,
                     const Spent& spent) {
  Design best;
  const double variance = d.count > 0 ? d.sum_of_squares / static_cast<double>(d.count) : 0;
  double fine = variance * 0x1p-30, coarse = variance * 16;
  if (!(fine > 0 && std::isfinite(coarse))) return best;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = std::sqrt(fine) * std::sqrt(coarse);
    Design design = design_trellis(d, middle, log2);
    const bool none = design.quantizer.levels.trellis == 0;
    // Without levels: there would be too many, or too few.
    const bool fits = none ? (middle > variance / 64) == falls : spent(design.estimate) <= most;
    if (fits && !none &&
        (best.quantizer.levels.trellis == 0 || spent(design.estimate) > spent(best.estimate)))
      best = std::move(design);
    (fits == falls ? coarse : fine) = middle;
  }
  return best;
}
}  // namespace

Design design_trellis_for_bits(const Distribution& d, double bits, uint32_t states_log2) {
  return search_slopes(d, states_log2, true, bits,
                       [](const Estimate& e) { return e.limited_bits; });
}

Design design_trellis_for_error(const Distribution& d, double squared_error, uint32_t states_log2) {
  return search_slopes(d, states_log2, false, squared_error,
                       [](const Estimate& e) { return e.squared_error; });
}
}  // namespace gramzip::quant
