// SPDX-License-Identifier: Apache-2.0
// Quantizers of a given number of bits, or a given error.
#include <algorithm>
#include <cmath>

#include "host/base/error.h"
#include "host/model/quant_levels.h"

namespace gramzip::quant {
namespace {
constexpr double kNearSlopes = 1.0005;  // their ratio: nothing is looked for in between
constexpr double kWidest = 0x1p40;      // slopes tried, to both sides of a first guess
constexpr double kMostStretch = 1.05;
constexpr double kLeastStretch = 1e-5;
constexpr double kClose = 1e-5;  // share of what is asked for that may be left

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
    stretch(coarse_bins_, 1, 1 / kMostStretch);
    stretch(fine_bins_, 1, kMostStretch);
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
  }

  // The ends of bins nearer to the middle of the weights or farther from it, all in proportion.
  Bins stretched(const Bins& bins, double factor) const {
    const double middle = fine_.zero != kNoCell ? 0 : d_.sum / static_cast<double>(d_.count);
    if (bins.size() < 2) return bins;
    Bins moved;
    moved.begin.assign(1, bins.begin.front());
    for (size_t b = 1; b < bins.size(); ++b) {
      const double x = middle + (fine_.mean[bins.begin[b]] - middle) * factor;
      const auto at = std::lower_bound(fine_.mean.begin(), fine_.mean.end(), x);
      const auto i = static_cast<size_t>(at - fine_.mean.begin());
      if (i > moved.begin.back() && i < bins.begin.back()) moved.begin.push_back(i);
    }
    moved.begin.push_back(bins.begin.back());
    return moved;
  }
  // Narrower bins than the coarse ones, and wider ones than the fine ones.
  void stretch(const Bins& bins, double near, double far) {
    const bool near_fits = target_.fits(at(bins).estimate);
    while (std::fabs(far - near) > kLeastStretch && !close()) {
      const double middle = (near + far) / 2;
      (consider(stretched(bins, middle)) == near_fits ? near : far) = middle;
    }
  }

  const Distribution& d_;
  const Cells fine_;
  const Target target_;
  Bins fine_bins_, coarse_bins_;
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
