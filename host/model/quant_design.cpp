// SPDX-License-Identifier: Apache-2.0
#include "host/model/quant_design.h"

#include <algorithm>
#include <cmath>

#include "host/model/quant_levels.h"
#include "host/model/quant_steps.h"

namespace gramzip::quant {
namespace {
constexpr double kLn2 = 0.69314718055994530942;
constexpr double kReach = 8;     // of bins, in steps
constexpr double kWork = 12000;  // cells by steps they reach
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
}  // namespace

Design design_uniform(const Distribution& d, double lambda) {
  const Cells fine = cells_of(d);
  Design design;
  Bins bins;
  if (fine.size() == 1) {
    bins.begin = {0, 1};
  } else if (fine.size() > 1 && std::isfinite(d.sum_of_squares)) {
    bins = bins_at(d, fine, lambda);
    // More levels than there can be: coarser, at fixed steps, so that all finer slopes end alike.
    if (bins.size() > kMostLevels) {
      double slope = std::ldexp(1.0, std::ilogb(lambda) + 1);
      const auto cells = [&] { return merge_cells(fine, std::sqrt(slope * 6 / kLn2)).size(); };
      while (cells() > kMostLevels + kMostLevels / 2) slope *= 2;
      while ((bins = bins_at(d, fine, slope)).size() > kMostLevels) slope *= 1.25;
    }
  }
  design.quantizer = make_quantizer(fine, bins);
  design.estimate = estimate_of(fine, design.quantizer);
  return design;
}
}  // namespace gramzip::quant
