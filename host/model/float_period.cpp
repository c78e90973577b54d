// SPDX-License-Identifier: Apache-2.0
#include "host/model/float_period.h"

#include <algorithm>
#include <array>

#include "host/model/run_sample.h"

namespace gramzip::model {
namespace {
constexpr uint32_t kWindows = 2;
constexpr uint32_t kWindow = 8192;             // elements
constexpr uint32_t kFrom = 4 * kWindow;        // elements of a segment that is looked at
constexpr uint32_t kGainOver = 16, kGain = 1;  // of the variance within runs: 1/20 bit an element
constexpr std::array<uint16_t, 13> kPeriods{2, 3, 8, 9, 16, 32, 64, 96, 128, 192, 256, 384, 512};
static_assert(kWindow % kRunElements == 0);

using Window = std::array<uint8_t, kWindow>;

// Exponents, from 8 below their mean to 7 above it: a few zeros do not outweigh all else.
Window load_window(const uint8_t* p, ElementType type) {
  const Split split = make_split(Codec::floats, type, element_info(type).exponent_bits);
  std::array<uint16_t, kWindow> exponents;
  load_symbols(p, kWindow, split, exponents.data());
  uint32_t sum = 0;
  for (const uint16_t e : exponents) sum += e;
  const uint32_t mean = sum / kWindow;
  Window w;
  for (uint32_t i = 0; i < kWindow; ++i)
    w[i] = static_cast<uint8_t>(std::min(std::max(exponents[i] + 8u, mean) - mean, 15u));
  return w;
}

// The squares of the sums of runs, in the order of planes.
uint64_t squares_of_sums(const Window& w, uint32_t period) {
  uint64_t squares = 0;
  uint32_t sum = 0, left = kRunElements;
  for (uint32_t p = 0; p < period; ++p)
    for (uint32_t at = p; at < kWindow;) {
      const uint32_t n = std::min(left, (kWindow - at + period - 1) / period);
      for (uint32_t i = 0; i < n; ++i, at += period) sum += w[at];
      left -= n;
      if (left > 0) continue;
      squares += uint64_t{sum} * sum;
      sum = 0;
      left = kRunElements;
    }
  return squares;
}

uint64_t sum_of_squares(const Window& w) {
  uint64_t sum = 0;
  for (const uint32_t v : w) sum += uint64_t{v} * v;
  return sum;
}
}  // namespace

uint16_t choose_float_period(std::span<const uint8_t> content, ElementType type) {
  const uint32_t bytes = element_info(type).bytes;
  const size_t n = content.size() / bytes;
  if (n < kFrom) return 0;
  std::array<Window, kWindows> windows;
  // kRunElements times the sums of squares: of the values, and of what they differ by from the mean
  // of their run without a period.
  std::array<uint64_t, kWindows> values{}, side_by_side{};
  for (size_t i = 0; i < kWindows; ++i) {
    const size_t at = (n - kWindow) * (2 * i + 1) / (2 * kWindows);
    windows[i] = load_window(content.data() + at * bytes, type);
    values[i] = kRunElements * sum_of_squares(windows[i]);
    side_by_side[i] = values[i] - squares_of_sums(windows[i], 1);
  }
  uint16_t best_period = 0;
  uint64_t best = UINT64_MAX;
  for (const uint16_t period : kPeriods) {
    uint64_t sum = 0;
    bool gains = true;  // in each window: tensors that share a segment have no period in common
    for (size_t i = 0; i < kWindows && gains; ++i) {
      const uint64_t within = values[i] - squares_of_sums(windows[i], period);
      gains = within * kGainOver < side_by_side[i] * (kGainOver - kGain);
      sum += within;
    }
    if (gains && sum < best) {
      best = sum;
      best_period = period;
    }
  }
  return best_period;
}
}  // namespace gramzip::model
