// SPDX-License-Identifier: Apache-2.0
#include "host/model/quant_design.h"

#include <algorithm>
#include <cmath>

#include "host/base/error.h"
#include "host/model/quant_levels.h"
#include "host/model/quant_steps.h"

namespace gramzip::quant {
namespace {
constexpr double kLn2 = 0.69314718055994530942;
constexpr double kReach = 8;     // of bins, in steps
constexpr double kWork = 12000;  // cells by steps they reach
constexpr int kSlopes = 16;      // between powers of two, where levels become too many
constexpr size_t kFew = 700;     // cells: bins of any width are tried

Bins bins_at(const Distribution& d, const Cells& fine, double slope) {
  // At high rates: slope = step^2 ln 2 / 6.
  const double step = std::sqrt(slope * 6 / kLn2);
  const double range = d.most - d.least;
  const double cells = std::clamp(std::sqrt(kWork * (step / range)), 6.0, 48.0);
  // Powers of two: within an octave of steps all slopes choose between the same bins, so that bits
  // and error are monotone.
  const Cells coarse = merge_cells(fine, std::ldexp(1.0, std::ilogb(step / cells)));
  const double reach =
      coarse.size() <= kFew ? std::numeric_limits<double>::infinity() : kReach * step;
  const Price price = price_of(fine, slope);
  Bins bins = best_bins(coarse, price, reach);
  for (size_t& b : bins.begin) b = coarse.begin[b];
  refine(fine, price, 4, bins);
  return bins;
}
// With as many levels as there can be, or a few less, at a slope above `slope`; of all that are too
// fine the same one. `levels`: at `slope`.
Bins finest_bins(const Distribution& d, const Cells& fine, double slope, size_t levels) {
  int octave = std::ilogb(slope);
  int part = static_cast<int>((std::ldexp(slope, -octave) - 1) * kSlopes);
  for (;;) {
    // Levels are as the square root of the slope, or a little more.
    const double ratio = static_cast<double>(levels) / kMostLevels;
    const double enough = slope * (1 + 0.8 * (ratio * ratio - 1));
    do {
      part = (part + 1) % kSlopes;
      if (part == 0) ++octave;
      slope = std::ldexp(1 + part / double{kSlopes}, octave);
    } while (slope < enough);
    Bins bins = bins_at(d, fine, slope);
    levels = bins.size();
    if (levels <= kMostLevels) return bins;
  }
}
}  // namespace

Bins uniform_bins(const Distribution& d, const Cells& fine, double slope) {
  Bins bins;
  if (fine.size() == 1) {
    bins.begin = {0, 1};
  } else if (fine.size() > 1 && std::isfinite(d.sum_of_squares)) {
    bins = bins_at(d, fine, slope);
    if (bins.size() > kMostLevels) bins = finest_bins(d, fine, slope, bins.size());
  }
  return bins;
}

Design design_of(const Cells& fine, const Bins& bins) {
  Design design;
  design.quantizer = make_quantizer(fine, bins);
  design.estimate = estimate_of(fine, design.quantizer);
  return design;
}

Design design_uniform(const Distribution& d, double lambda) {
  if (!(lambda > 0 && std::isfinite(lambda)))
    fail(ErrorCode::invalid_argument, "the slope of a quantizer is above 0 and finite");
  const Cells fine = cells_of(d);
  return design_of(fine, uniform_bins(d, fine, lambda));
}
}  // namespace gramzip::quant
