// SPDX-License-Identifier: Apache-2.0
// Where weights are on the line, and where levels of a trellis should be.
#pragma once
#include <algorithm>
#include <limits>
#include <vector>

#include "host/model/quant_cells.h"

namespace gramzip::quant {
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
  // The next place at or above x, and at or below it, from which there may be more weights within
  // twice `width`: a little before the next ones, or the end of the cell at hand, which is even.
  // Infinite if there is none.
  double denser_from(double x, double width) const {
    const size_t i = cell_from(x);
    if (i == high_.size()) return std::numeric_limits<double>::infinity();
    return low_[i] > x ? low_[i] - width / 4 : high_[i] - 2 * width;
  }
  double denser_below(double x, double width) const {
    const auto i = std::upper_bound(low_.begin(), low_.end(), x) - low_.begin();
    if (i == 0) return -std::numeric_limits<double>::infinity();
    const auto at = static_cast<size_t>(i) - 1;
    return high_[at] < x ? high_[at] + width / 4 : low_[at] + 2 * width;
  }

 private:
  size_t cell_from(double x) const {
    return static_cast<size_t>(std::lower_bound(high_.begin(), high_.end(), x) - high_.begin());
  }
  std::vector<double> low_, high_, below_;
};

// Levels `step` apart, farther where weights are rare, and none where they are kept for less:
// distinct elements, ascending, an even number of them. None at all if there would be more than
// there can be, or hardly fewer than weights.
std::vector<double> place_levels(const Cells& c, const Mass& mass, double step);
}  // namespace gramzip::quant
