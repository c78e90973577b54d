// SPDX-License-Identifier: Apache-2.0
// Quantizers of a given number of bits, or a given error.
#include <algorithm>
#include <cmath>

#include "host/base/error.h"
#include "host/model/quant_levels.h"
#include "host/model/quant_mix.h"

namespace gramzip::quant {
namespace {
constexpr double kNearSlopes = 1.0005;  // their ratio: nothing is looked for in between
constexpr double kWidest = 0x1p40;      // slopes tried, to both sides of a first guess
constexpr double kMostMoved = 2;  // slope by which ends of bins are moved, to that of the bins
constexpr double kClose = 1e-5;   // share of what is asked for that may be left

// What is asked for: at most so much of the one, as little as there is of the other.
struct Target {
  bool bits;
  double most;

  double spent(const Estimate& e) const { return bits ? e.limited_bits : e.squared_error; }
  double cost(const Estimate& e) const { return bits ? e.squared_error : e.limited_bits; }
  bool fits(const Estimate& e) const { return spent(e) <= most; }
};

class Search {
 public:
  Search(const Distribution& d, const Target& target)
      : d_(d), fine_(cells_of(d)), target_(target) {}

  Design find() {
    if (fine_.size() < 2 || !std::isfinite(d_.sum_of_squares))
      return at(uniform_bins(d_, fine_, 1));
    bracket();
    if (!bracketed_) return best_;
    mix();
    move();
    return best_;
  }

 private:
  Design at(const Bins& bins) const { return design_of(fine_, bins); }

  // Keeps the best of what fits. Returns whether it fits.
  bool consider(const Bins& bins) {
    Design design = at(bins);
    const bool fits = target_.fits(design.estimate);
    const bool better =
        !found_ ? fits || !any_ || target_.spent(design.estimate) < target_.spent(best_.estimate)
                : fits && target_.cost(design.estimate) < target_.cost(best_.estimate);
    any_ = true;
    found_ = found_ || fits;
    if (better) best_ = std::move(design);
    return fits;
  }
  bool close() const {
    return found_ && target_.spent(best_.estimate) >= target_.most * (1 - kClose);
  }

  // The two slopes between which the target is met.
  void bracket() {
    const double variance = d_.sum_of_squares / static_cast<double>(d_.count);
    double fine = variance / kWidest, coarse = variance * kWidest;
    if (!(fine > 0 && std::isfinite(coarse))) fine = 1e-300, coarse = 1e300;
    const Bins finest = uniform_bins(d_, fine_, fine), coarsest = uniform_bins(d_, fine_, coarse);
    fine_bins_ = finest, coarse_bins_ = coarsest;
    const bool fine_fits = consider(finest), coarse_fits = consider(coarsest);
    if (fine_fits == coarse_fits) {
      // All fit: the best has been kept. None does: so has the nearest.
      return;
    }
    bracketed_ = true;
    while (coarse / fine > kNearSlopes && !close()) {
      const double middle = std::sqrt(fine) * std::sqrt(coarse);
      Bins bins = uniform_bins(d_, fine_, middle);
      const bool fits = consider(bins);
      if (fits == fine_fits)
        fine = middle, fine_bins_ = std::move(bins);
      else
        coarse = middle, coarse_bins_ = std::move(bins);
    }
    slope_ = coarse;
  }

  void mix() {
    if (close()) return;
    const auto estimate = [](double bits, double error) {
      Estimate e;
      e.limited_bits = bits;
      e.squared_error = error;
      return e;
    };
    const Mixtures mixtures = mix_bins(
        fine_, price_of(fine_, slope_), fine_bins_, coarse_bins_,
        [&](double bits, double error) { return target_.cost(estimate(bits, error)); },
        [&](double bits, double error) {
          return target_.spent(estimate(bits, error)) - target_.most;
        });
    for (const Mixture& m : mixtures.fitting)
      if (m.bins.size() <= kMostLevels) consider(m.bins);
    // What has the more bits is where the ends of bins are moved from.
    for (const Mixture& m : target_.bits ? mixtures.exceeding : mixtures.fitting)
      if (m.bins.size() <= kMostLevels) fine_bins_ = m.bins;
  }

  // Moves the ends of the fine bins by slopes that are higher than theirs: fewer bits, more error,
  // little by little.
  void move() {
    double low = slope_, high = slope_ * kMostMoved;
    while (high / low > kNearSlopes && !close()) {
      const double middle = std::sqrt(low) * std::sqrt(high);
      Bins bins = fine_bins_;
      refine(fine_, price_of(fine_, middle), 1, bins);
      const bool fits = consider(bins);
      (fits == target_.bits ? high : low) = middle;
    }
  }

  const Distribution& d_;
  const Cells fine_;
  const Target target_;
  Bins fine_bins_, coarse_bins_;
  double slope_ = 0;
  bool bracketed_ = false, any_ = false, found_ = false;
  Design best_;
};
}  // namespace

Design design_for_bits(const Distribution& d, double bits) {
  if (std::isnan(bits)) fail(ErrorCode::invalid_argument, "a number of bits that is no number");
  return Search(d, {true, bits}).find();
}

Design design_for_error(const Distribution& d, double squared_error) {
  if (std::isnan(squared_error)) fail(ErrorCode::invalid_argument, "an error that is no number");
  return Search(d, {false, squared_error}).find();
}
}  // namespace gramzip::quant
