// SPDX-License-Identifier: Apache-2.0
// Finds the slope at which a figure (bytes of an archive, squared error) lands in a window. The
// figure is costly to measure and cheap to estimate, and the two are in nearly constant proportion.
#pragma once
#include <functional>
#include <optional>

namespace gramzip {
// What is looked for: a figure from least to most, best at aim. It falls or rises with x all the
// way. x stands for a slope as slope_at() in fixed_scale.h says.
struct SearchGoal {
  double least, most, aim;
  bool falls;
  // Ends where estimates, corrected by what was measured, jump over the goal: between there.
  bool stop_at_jump = false;
};
struct SearchResult {
  double x = 0;
  double figure = 0;  // measured at x
  bool met = false;   // within least and most
  int passes = 0;     // measurements
  // The figure measured at an end of what can be reached, where the goal lies beyond it.
  bool beyond = false;
  // Not met, and known on both sides of the goal, at a step of the figure that jumps over it:
  // where.
  bool between = false;
  double low = 0, high = 0;
};
// estimate(x) and measure(x) are positive. start: a first guess of x. Where the goal is not met,
// the result is the nearest x measured on the side `most` allows, if there is one.
SearchResult search_slope(const SearchGoal& goal, double start,
                          const std::function<double(double)>& estimate,
                          const std::function<double(double)>& measure);
}  // namespace gramzip
