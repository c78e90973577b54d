// SPDX-License-Identifier: Apache-2.0
#include "host/model/trellis_levels.h"

#include <cmath>
#include <numeric>

#include "host/model/quant_levels.h"

namespace gramzip::quant {
namespace {
constexpr double kRare = 0.25;     // of kLeastShare: levels of fewer weights stand farther apart
constexpr double kRarest = 0.066;  // of the same: they are worth a level even so
constexpr double kShared = 8;      // weights that a level has, on average, at least
constexpr uint32_t kWidest = 4;    // of steps between rare levels: beyond it escapes are less

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
      const double next = sign > 0
                              ? std::max(x + width, mass.denser_from(x + width, kWidest * step))
                              : std::min(x - width, mass.denser_below(x - width, kWidest * step));
      if (!(sign * (next - x) > 0)) return;  // steps below the places' last bits
      x = next;
    }
    width = std::max(step, width / 2);
  }
}

// More levels than there can be, even without the widest gaps between quantiles.
bool too_fine(const Mass& mass, double step) {
  constexpr size_t kParts = 64, kGaps = 4;
  std::vector<double> gaps;
  for (size_t i = 0; i < kParts; ++i) {
    const double part = mass.total() / kParts, at = static_cast<double>(i) * part;
    gaps.push_back(mass.at(at + part) - mass.at(at));
  }
  std::sort(gaps.begin(), gaps.end());
  return std::accumulate(gaps.begin(), gaps.end() - kGaps, 0.0) > step * kMostLevels;
}
}  // namespace

std::vector<double> place_levels(const Cells& c, const Mass& mass, double step) {
  if (too_fine(mass, step)) return {};
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
  if (out.size() > kMostLevels || static_cast<double>(out.size()) * kShared > mass.total())
    return {};
  return out;
}

}  // namespace gramzip::quant
