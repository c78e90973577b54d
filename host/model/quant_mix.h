// SPDX-License-Identifier: Apache-2.0
// Divisions between two others: bins of the one here, of the other there.
#pragma once
#include <functional>
#include <vector>

#include "host/model/quant_steps.h"

namespace gramzip::quant {
struct Mixture {
  Bins bins;
  double bits = 0, squared_error = 0;
};

// Bins of one division along a stretch of the line and of the other one elsewhere, joined where
// both have an end of a bin at nearly the same place. Of all with `fits(bits, squared_error)` the
// one for which `cost` is least comes first, and of the others the one for which `excess` is; each
// may be missing. Nearly as good as the two divisions, if these cost the same.
struct Mixtures {
  std::vector<Mixture> fitting, exceeding;
};
using Measure = std::function<double(double bits, double squared_error)>;
Mixtures mix_bins(const Cells& c, const Price& price, const Bins& a, const Bins& b,
                  const Measure& cost, const Measure& excess);
}  // namespace gramzip::quant
