// SPDX-License-Identifier: Apache-2.0
#include "host/model/quant_codebooks.h"

#include <algorithm>
#include <cmath>

#include "gramzip/core/float_bits.h"

namespace gramzip::quant {
namespace {
// Appends the ends of bins of cells from begin to end, `most` at most: bin k ends where k / most of
// the weights are nearest, k from 1 on.
void equal_bins(const Cells& c, size_t begin, size_t end, double most, std::vector<size_t>& ends) {
  double total = 0, count = 0, k = 1;
  for (size_t i = begin; i < end; ++i) total += c.count[i];
  for (size_t i = begin; i + 1 < end && k < most; ++i) {
    count += c.count[i];
    // If less than half of the next cell is on this side, the end is here.
    const double reached = count + c.count[i + 1] / 2;
    if (reached <= total * (k / most)) continue;
    ends.push_back(i + 1);
    while (k < most && reached > total * (k / most)) ++k;
  }
  ends.push_back(end);
}
}  // namespace

std::vector<double> nf4_codebook() {
  return {-1.0,
          -0.6961928009986877,
          -0.5250730514526367,
          -0.39491748809814453,
          -0.28444138169288635,
          -0.18477343022823334,
          -0.09105003625154495,
          0.0,
          0.07958029955625534,
          0.16093020141124725,
          0.24611230194568634,
          0.33791524171829224,
          0.44070982933044434,
          0.5626170039176941,
          0.7229568362236023,
          1.0};
}

std::vector<double> fp8_codebook() {
  std::vector<double> levels;
  for (uint64_t x = 0x7e; x > 0; --x) levels.push_back(-element_value(ElementType::f8_e4m3, x));
  for (uint64_t x = 0; x <= 0x7e; ++x) levels.push_back(element_value(ElementType::f8_e4m3, x));
  return levels;
}

std::vector<double> middle_thresholds(const std::vector<double>& levels) {
  std::vector<double> thresholds;
  for (size_t i = 1; i < levels.size(); ++i)
    thresholds.push_back(levels[i - 1] / 2 + levels[i] / 2);
  return thresholds;
}

std::vector<double> fp8_thresholds(const std::vector<double>& levels) {
  std::vector<double> thresholds = middle_thresholds(levels);
  // Patterns alternate between even and odd; that of 0 is even.
  const size_t zero = levels.size() / 2;
  for (size_t i = 0; i < thresholds.size(); ++i)
    if ((i + zero) % 2 == 0) thresholds[i] = next_above(thresholds[i]);
  return thresholds;
}

Bins sorting_bins(const Cells& c, uint32_t bits) {
  const double most = static_cast<double>(uint32_t{1} << bits);
  Bins bins;
  if (c.size() == 0) return bins;
  if (c.zero == kNoCell) {
    equal_bins(c, 0, c.size(), most, bins.begin);
    return bins;
  }
  double below = 0, above = 0;
  for (size_t i = 0; i < c.zero; ++i) below += c.count[i];
  for (size_t i = c.zero + 1; i < c.size(); ++i) above += c.count[i];
  double low = below + above > 0 ? std::floor((most - 1) * below / (below + above) + 0.5) : 0;
  if (below > 0) low = std::max(low, 1.0);
  if (above > 0) low = std::min(low, most - 2);
  if (below > 0) equal_bins(c, 0, c.zero, low, bins.begin);
  bins.begin.push_back(c.zero + 1);
  if (above > 0) equal_bins(c, c.zero + 1, c.size(), most - 1 - low, bins.begin);
  return bins;
}

Ternary best_ternary(const Cells& c) {
  // With the n greatest magnitudes as +-s, s their mean, the error falls by n s^2.
  Ternary best;
  double most = 0, count = 0, sum = 0;
  size_t low = 0, high = c.size();
  while (low < high) {
    const bool from_low = std::fabs(c.mean[low]) >= std::fabs(c.mean[high - 1]);
    const size_t i = from_low ? low++ : --high;
    const double magnitude = std::fabs(c.mean[i]);
    count += c.count[i];
    sum += c.count[i] * magnitude;
    const double next =
        low < high ? std::max(std::fabs(c.mean[low]), std::fabs(c.mean[high - 1])) : 0;
    // Equal magnitudes are taken together.
    if (next == magnitude && low < high) continue;
    const double gain = sum * (sum / count);
    if (gain > most) {
      most = gain;
      best.level = sum / count;
      best.threshold = split_between(c.type, next, magnitude);
    }
  }
  return best;
}
}  // namespace gramzip::quant
