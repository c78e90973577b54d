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
#include "host/model/trellis_levels.h"
#include "host/model/trellis_path.h"

namespace gramzip::quant {
namespace {
constexpr double kLn2 = 0.69314718055994530942;
constexpr double kGain = 1.31;         // of the trellis over the error of one quantizer
constexpr uint32_t kDrawn = 1u << 13;  // weights
constexpr uint32_t kRounds = 3;
constexpr double kTrust = 64;  // drawn weights that count as much as the place of a level
constexpr size_t kFewest = 8;  // levels, and different weights
constexpr uint32_t kLongest = 12;

class Designer {
 public:
  Designer(const Distribution& d, uint32_t log2)
      : cells_(cells_of(d)), mass_(cells_), log2_(log2), drawn_(draw()) {}

  // At a slope; false if there are no levels then.
  bool design(double lambda) {
    s_ = {};
    s_.lambda = lambda;
    if (cells_.size() < kFewest) return false;
    const double step = std::sqrt(3 * kGain * lambda / (2 * kLn2));
    s_.values = place_levels(cells_, mass_, step);
    if (s_.values.size() < kFewest) return false;
    use_ladder(step);
    first_prices();
    for (uint32_t round = 0; round < kRounds; ++round) {
      walk();
      learn();
      if (round + 1 < kRounds) move();
    }
    return true;
  }
  // With prices of this slope, by the codes and levels that there are.
  void reprice(double lambda) {
    s_.lambda = lambda;
    walk();
    double bits = static_cast<double>(s_.kept) * escape_bits();
    for (size_t i = 0; i < s_.values.size(); ++i)
      bits += static_cast<double>(s_.counts[i]) * s_.bits[i];
    s_.estimate.bits = s_.estimate.limited_bits = bits * each();
  }
  double weights() const { return mass_.total(); }
  double lambda() const { return s_.lambda; }
  const Estimate& estimate() const { return s_.estimate; }
  Design result() const { return {quantizer(), s_.estimate}; }

 private:
  // Uniform levels if their table is smaller: all multiples of the step.
  void use_ladder(double step) {
    const auto number = [&](double x) { return std::floor(x / step + 0.5); };
    const double first = number(s_.values.front());
    double span = number(s_.values.back()) - first + 1;
    if (std::fmod(span, 2) != 0) span += 1;
    if (!std::isnormal(step) || std::fabs(first) > kMaxFirst || span > kMostLevels) return;
    // A level more takes code space of half the weights, one listed its bytes in each segment.
    const Price price = price_of(cells_, s_.lambda);
    const double bytes = element_info(cells_.type).bytes,
                 listed = static_cast<double>(s_.values.size());
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
    s_.ladder = std::move(ladder);
    s_.values = std::move(values);
  }
  // What can stand for x in place of level i.
  double nearest(size_t i, double x) {
    if (!s_.ladder) return element_value(cells_.type, round_element(cells_.type, x));
    const double number = s_.ladder->first + static_cast<double>(i);
    const double off = std::floor((x / s_.ladder->step - number) * 256 + 0.5);
    s_.ladder->corrections[i] = static_cast<int8_t>(std::clamp(off, -128.0, 127.0));
    return element_value(cells_.type, s_.ladder->element(static_cast<uint32_t>(i), 0));
  }
  // Prices of the levels as if weights went to the nearest one of a quantizer.
  void first_prices() {
    const size_t n = s_.values.size();
    s_.bits.assign(n, kLongestCode);
    for (size_t i = 0; i < n; ++i) {
      const double from =
          i < 2 ? -std::numeric_limits<double>::infinity() : (s_.values[i] + s_.values[i - 2]) / 2;
      const double to = i + 2 >= n ? std::numeric_limits<double>::infinity()
                                   : (s_.values[i] + s_.values[i + 2]) / 2;
      const double weights = mass_.between(from, to);
      if (weights > kLeastShare * mass_.total())
        s_.bits[i] = model::precise_log2(mass_.total()) - model::precise_log2(weights);
    }
  }
  // Weights of the distribution in an order by chance.
  std::vector<double> draw() const {
    std::vector<double> drawn(mass_.total() > 0 ? kDrawn : 0);
    for (size_t i = 0; i < drawn.size(); ++i)
      drawn[i] = mass_.at((static_cast<double>(i) + 0.5) * mass_.total() / kDrawn);
    uint64_t random = 1;  // Knuth's generator for MMIX; Fisher and Yates' shuffle
    for (size_t i = drawn.size(); i-- > 1;) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      std::swap(drawn[i], drawn[(random >> 32) % (i + 1)]);
    }
    return drawn;
  }
  double each() const { return mass_.total() / kDrawn; }
  Quantizer quantizer() const {
    Quantizer q;
    if (s_.ladder) {
      q.levels = *s_.ladder;
    } else {
      q.levels.type = cells_.type;
      q.levels.uniform = false;
      q.levels.listed = s_.values;
    }
    q.levels.trellis = static_cast<uint8_t>(log2_);
    q.thresholds.assign(s_.values.begin() + 1, s_.values.end());
    for (const double b : s_.bits) q.prices.push_back(s_.lambda * b);
    q.prices.push_back(s_.lambda * escape_bits());
    return q;
  }
  double escape_bits() const { return kLongestCode + 8 * element_info(cells_.type).bytes; }
  // Paths of the drawn weights: counts, sums and the error.
  void walk() {
    const std::vector<double>& values = s_.values;
    const TrellisLevels levels(quantizer());
    std::vector<float> x(kRunElements);
    std::vector<uint16_t> path(kRunElements);
    s_.counts.assign(values.size(), 0), s_.sums.assign(values.size(), 0);
    s_.kept = 0;
    double error = 0;
    for (uint32_t at = 0; at < kDrawn; at += kRunElements) {
      const double* const w = drawn_.data() + at;
      for (uint32_t i = 0; i < kRunElements; ++i) {
        const auto above = std::upper_bound(values.begin() + 1, values.end(), w[i]);
        path[i] = static_cast<uint16_t>(above - values.begin() - 1);
        x[i] = static_cast<float>(w[i] * levels.per_unit);
      }
      find_path(levels, x.data(), path.data(), kRunElements, path.data());
      for (uint32_t i = 0; i < kRunElements; ++i) {
        if (path[i] == values.size()) {
          ++s_.kept;
          continue;
        }
        const double off = w[i] - values[path[i]];
        ++s_.counts[path[i]];
        s_.sums[path[i]] += w[i];
        error += off * off;
      }
    }
    s_.estimate = {};
    s_.estimate.squared_error = error * each();
  }
  // Codes from the counts, and what they take.
  void learn() {
    double bits = 0, ideal = 0;
    for (size_t q = 0; q < 2; ++q) {
      std::vector<uint64_t> counts;
      for (size_t i = q; i < s_.counts.size(); i += 2) counts.push_back(s_.counts[i]);
      const double all =
          static_cast<double>(std::accumulate(counts.begin(), counts.end(), uint64_t{0}));
      const CodeBook book = make_code_book(std::span<const uint64_t>(counts), kLongest);
      for (size_t s = 0; s < counts.size(); ++s) {
        const auto used = static_cast<double>(counts[s]);
        bits += used * book.lengths[s];
        ideal += ideal_bits(all, used);
        s_.bits[2 * s + q] = used > 0 ? book.lengths[s] : kLongestCode;
      }
    }
    const double escapes = static_cast<double>(s_.kept) * escape_bits();
    s_.estimate.limited_bits = (bits + escapes) * each();
    s_.estimate.bits = (ideal + escapes) * each();
  }
  // Levels to the middles of what becomes them.
  void move() {
    for (size_t i = 0; i < s_.values.size(); ++i) {
      const auto used = static_cast<double>(s_.counts[i]);
      const double before = s_.values[i];
      const int8_t correction = s_.ladder ? s_.ladder->corrections[i] : int8_t{0};
      s_.values[i] = nearest(i, (s_.sums[i] + kTrust * before) / (used + kTrust));
      const bool apart = (i == 0 || s_.values[i] > s_.values[i - 1]) &&
                         (i + 1 == s_.values.size() || s_.values[i] < s_.values[i + 1]);
      if (apart) continue;
      s_.values[i] = before;
      if (s_.ladder) s_.ladder->corrections[i] = correction;
    }
  }

  struct State {
    double lambda = 0;
    std::vector<double> values, bits;  // of levels
    std::optional<Levels> ladder;      // which are uniform
    std::vector<uint64_t> counts;
    std::vector<double> sums;
    uint64_t kept = 0;
    Estimate estimate;
  };
  const Cells cells_;
  const Mass mass_;
  const uint32_t log2_;
  const std::vector<double> drawn_;
  State s_;
};
}  // namespace

Design design_trellis(const Distribution& d, double lambda, uint32_t states_log2) {
  if (!(lambda > 0 && std::isfinite(lambda)))
    fail(ErrorCode::invalid_argument, "the slope of a quantizer is above 0 and finite");
  Designer designer(d, states_log2);
  return designer.design(lambda) ? designer.result() : Design{};
}

namespace {
constexpr int kSlopes = 6, kPrices = 12;  // that are tried
constexpr double kNear = 0.003;           // of what is asked for

// spent(estimate) is to be `most`; next(lambda, spent) is the slope at which it should be.
template <class Spent, class Next>
Design search(const Distribution& d, uint32_t log2, bool falls, double most, const Spent& spent,
              const Next& next) {
  Designer designer(d, log2);
  std::optional<Designer> best;
  const auto off = [&](const Designer& x) { return std::fabs(spent(x.estimate()) - most); };
  double lambda = d.sum_of_squares / std::max(designer.weights(), 1.0) / 64;
  for (int i = 0; i < kSlopes; ++i) {
    if (!(lambda > 0 && std::isfinite(lambda)) || !designer.design(lambda)) break;
    if (!best || off(designer) < off(*best)) best.emplace(designer);
    if (off(designer) <= kNear * most) break;
    const double factor = next(lambda, spent(designer.estimate())) / lambda;
    lambda *= std::clamp(factor, 1.0 / 256, 256.0);
  }
  if (!best) return {};
  // The rest by prices alone.
  Design found;
  double low = best->lambda() / 2, high = best->lambda() * 2;
  for (int i = 0; i < kPrices; ++i) {
    const double middle = std::sqrt(low * high);
    best->reprice(middle);
    const bool fits = spent(best->estimate()) <= most;
    if (fits && spent(best->estimate()) > spent(found.estimate)) found = best->result();
    (fits == falls ? high : low) = middle;
  }
  return found;
}
}  // namespace

Design design_trellis_for_bits(const Distribution& d, double bits, uint32_t states_log2) {
  const auto weights = static_cast<double>(d.count);
  return search(
      d, states_log2, true, bits, [](const Estimate& e) { return e.limited_bits; },
      [&](double lambda, double spent) {  // 6 dB a bit
        const double exponent = 2 * (spent - bits) / weights;
        return std::ldexp(lambda, static_cast<int>(exponent)) *
               (1 + 0.7 * (exponent - static_cast<int>(exponent)));
      });
}

Design design_trellis_for_error(const Distribution& d, double squared_error, uint32_t states_log2) {
  return search(
      d, states_log2, false, squared_error, [](const Estimate& e) { return e.squared_error; },
      [&](double lambda, double spent) { return lambda * squared_error / spent; });
}
}  // namespace gramzip::quant
