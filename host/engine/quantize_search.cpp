// SPDX-License-Identifier: Apache-2.0
#include "host/engine/quantize_search.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace gramzip {
namespace {
constexpr int kMostPasses = 10;
constexpr double kStep = 4;          // of x, while an interval is looked for
constexpr double kFarthest = 160;    // from the start: beyond it nothing changes any more
constexpr int kMostEstimates = 40;   // for one x
constexpr double kStepWidth = 1e-2;  // of x: a figure that jumps over the goal within it is a step

class Search {
 public:
  Search(const SearchGoal& goal, double start, const std::function<double(double)>& estimate,
         const std::function<double(double)>& measure)
      : goal_(goal), start_(start), estimate_(estimate), measure_(measure) {}

  SearchResult run() {
    SearchResult best;
    double x = solve([](double) { return 1.0; });
    for (int pass = 1; pass <= kMostPasses; ++pass) {
      const double figure = measured(x);
      if (figure >= goal_.least && figure <= goal_.most) return {x, figure, true, pass, false};
      const double next = propose();
      if (goal_.stop_at_jump && jump_) {
        interval_ = *jump_;
        break;
      }
      if (known_.count(next) > 0 || interval_.second - interval_.first < kStepWidth) break;
      x = next;
    }
    // The largest figure below what is allowed, else the smallest.
    const double* figure = nullptr;
    for (const auto& [at, f] : known_) {
      const bool better =
          figure == nullptr || (f <= goal_.most ? *figure > goal_.most || f > *figure
                                                : *figure > goal_.most && f < *figure);
      if (better) best.x = at, figure = &f;
    }
    best.figure = *figure;
    best.passes = static_cast<int>(known_.size());
    std::tie(best.low, best.high) = interval_;
    best.between = best.low > -HUGE_VAL && best.high < HUGE_VAL;
    best.beyond = !best.between;
    return best;
  }

 private:
  double estimated(double x) {
    const auto [at, fresh] = estimates_.try_emplace(x, 0.0);
    if (fresh) at->second = estimate_(x);
    return at->second;
  }
  double measured(double x) {
    const auto [at, fresh] = known_.try_emplace(x, 0.0);
    if (fresh) at->second = measure_(x);
    return at->second;
  }
  // True if the figure at x is on the side of larger x.
  bool too_far(double figure) const {
    return goal_.falls ? figure < goal_.aim : figure > goal_.aim;
  }

  // x at which estimate(x) * ratio(x) is the aim, or an end of what estimates reach.
  template <class Ratio>
  double solve(const Ratio& ratio) {
    const auto at = [&](double x) { return estimated(x) * ratio(x); };
    double low = start_, high = start_;
    while (too_far(at(low)) && low > start_ - kFarthest) low -= kStep;
    while (!too_far(at(high)) && high < start_ + kFarthest) high += kStep;
    if (too_far(at(low))) return low;
    if (!too_far(at(high))) return high;
    if (low < start_) high = std::min(high, low + kStep);
    if (high > start_) low = std::max(low, high - kStep);
    // Regula falsi with halving of a side that stays (Illinois), of what grows as a logarithm does.
    const double near = std::min(goal_.most - goal_.aim, goal_.aim - goal_.least) / 4;
    const auto off = [&](double figure) { return (figure - goal_.aim) / (figure + goal_.aim); };
    double f_low = off(at(low)), f_high = off(at(high));
    double x = low;
    int side = 0;
    jump_.reset();
    for (int i = 0; i < kMostEstimates && high - low > 1e-4; ++i) {
      x = f_low == f_high ? (low + high) / 2 : (low * f_high - high * f_low) / (f_high - f_low);
      if (!(x > low && x < high) || i % 8 == 7) x = (low + high) / 2;
      const double figure = at(x);
      if (std::abs(figure - goal_.aim) <= near) return x;
      if (too_far(figure)) {
        high = x, f_high = off(figure);
        if (side == 1) f_low /= 2;
        side = 1;
      } else {
        low = x, f_low = off(figure);
        if (side == -1) f_high /= 2;
        side = -1;
      }
    }
    const double low_figure = at(low), high_figure = at(high);
    if (std::abs(low_figure - high_figure) > goal_.most - goal_.least) jump_ = {low, high};
    return x;
  }

  // From what was measured: estimates corrected by the ratio at the nearest measurements, within
  // the interval that they leave.
  double propose() {
    double low = -HUGE_VAL, high = HUGE_VAL;
    for (const auto& [x, figure] : known_) {
      if (too_far(figure)) {
        high = std::min(high, x);
      } else {
        low = std::max(low, x);
      }
    }
    interval_ = {low, high};
    const auto ratio_at = [this](double x) { return known_.at(x) / estimated(x); };
    const bool both = low > -HUGE_VAL && high < HUGE_VAL;
    double x = 0;
    if (both) {
      const double a = ratio_at(low), b = ratio_at(high);
      x = solve(
          [&](double at) { return a + (b - a) * std::clamp((at - low) / (high - low), 0., 1.); });
      const double margin = (high - low) / 64;
      if (known_.size() > 4 || !(x > low && x < high)) {
        // Towards the middle where the corrected estimate does not help.
        if (!(x > low + margin && x < high - margin) || known_.size() % 2 == 0)
          x = (low + high) / 2;
      }
      return x;
    }
    const double one = low > -HUGE_VAL ? low : high, r = ratio_at(one);
    x = solve([&](double) { return r; });
    // On the side where the goal is; far enough to find its other end.
    const double step = 0.02 * static_cast<double>(1u << std::min<size_t>(known_.size(), 20));
    if (low > -HUGE_VAL && !(x > low)) x = std::min(low + step, start_ + kFarthest);
    if (high < HUGE_VAL && !(x < high)) x = std::max(high - step, start_ - kFarthest);
    return x;
  }

  const SearchGoal goal_;
  const double start_;
  const std::function<double(double)>&estimate_, &measure_;
  std::map<double, double> estimates_, known_;
  std::optional<std::pair<double, double>> jump_;  // of the last estimates that were solved
  std::pair<double, double> interval_ = {-HUGE_VAL, HUGE_VAL};
};
}  // namespace

SearchResult search_slope(const SearchGoal& goal, double start,
                          const std::function<double(double)>& estimate,
                          const std::function<double(double)>& measure) {
  return Search(goal, start, estimate, measure).run();
}
}  // namespace gramzip
