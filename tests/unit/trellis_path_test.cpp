// SPDX-License-Identifier: Apache-2.0
#include "host/model/trellis_path.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "host/base/cpu_features.h"
#include "host/base/error.h"

namespace gramzip::quant {
namespace {
struct Sample {
  Quantizer q;
  std::vector<double> weights;
  std::vector<uint16_t> below;
};

// Levels some steps apart, prices of up to 12 bits, weights among them and beyond.
Sample draw(uint32_t log2, uint32_t levels, uint32_t n, uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto share = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  Sample s;
  s.q.levels.type = ElementType::f32;
  s.q.levels.uniform = false;
  s.q.levels.trellis = static_cast<uint8_t>(log2);
  double at = -0.4 * levels;
  for (uint32_t i = 0; i < levels; ++i) {
    s.q.levels.listed.push_back(static_cast<float>(at));
    at += 0.5 + share() * (random() % 8 == 0 ? 3 : 1);
    s.q.prices.push_back(share());
  }
  s.q.prices.push_back(2.5);
  const std::vector<double>& v = s.q.levels.listed;
  s.q.thresholds.assign(v.begin() + 1, v.end());
  for (uint32_t i = 0; i < n; ++i) {
    const double range = v.back() - v.front();
    s.weights.push_back(v.front() + range * (1.2 * share() - 0.1));
    const auto place = std::upper_bound(v.begin() + 1, v.end(), s.weights[i]) - (v.begin() + 1);
    s.below.push_back(static_cast<uint16_t>(random() % 29 == 0 ? levels : place));
  }
  return s;
}

// What a path costs; infinite if the trellis has no such path.
double cost_of(const Sample& s, std::span<const uint16_t> path) {
  const Trellis t = trellis_of(s.q.levels.trellis);
  const uint32_t levels = s.q.levels.count();
  uint32_t state = 0;
  double cost = 0;
  for (size_t i = 0; i < path.size(); ++i) {
    const bool kept = s.below[i] == levels;
    if (path[i] == levels) {
      cost += kept ? 0 : s.q.prices[levels];
      state = t.next(state, 0);
      continue;
    }
    if (kept || (path[i] & 1u) != (state & 1u)) return INFINITY;
    const double off = s.weights[i] - s.q.levels.listed[path[i]];
    cost += off * off + s.q.prices[path[i]];
    state = t.next(state, path[i] >> 1 & 1u);
  }
  return cost;
}

// The cheapest of all paths, by trying both branches of every weight.
double least_cost(const Sample& s, size_t i, uint32_t state) {
  if (i == s.weights.size()) return 0;
  const Trellis t = trellis_of(s.q.levels.trellis);
  const uint32_t levels = s.q.levels.count();
  double least = INFINITY;
  for (uint32_t bit = 0; bit < 2; ++bit) {
    double here = bit == 0 ? (s.below[i] == levels ? 0 : s.q.prices[levels]) : INFINITY;
    for (uint32_t l = (state & 1u) + 2 * bit; l < levels && s.below[i] != levels; l += 4) {
      const double off = s.weights[i] - s.q.levels.listed[l];
      here = std::min(here, off * off + s.q.prices[l]);
    }
    if (std::isfinite(here))
      least = std::min(least, here + least_cost(s, i + 1, t.next(state, bit)));
  }
  return least;
}

std::vector<float> in_units(const Sample& s, const TrellisLevels& t) {
  std::vector<float> x;
  for (const double w : s.weights) x.push_back(static_cast<float>(w * t.per_unit));
  return x;
}

TEST(TrellisPath, IsTheCheapest) {
  for (uint32_t log2 = kLeastSearched; log2 <= kMaxTrellisLog2; ++log2)
    for (const uint32_t levels : {2u, 4u, 10u, 40u})
      for (uint32_t n = 1; n <= 10; ++n) {
        const Sample s = draw(log2, levels, n, 100 * log2 + n);
        const TrellisLevels t(s.q);
        std::vector<uint16_t> path(n);
        find_path_baseline(t, in_units(s, t).data(), s.below.data(), n, path.data());
        // Two neighbours of each subset are looked at, so levels far away may be missed for their
        // price.
        const double cost = cost_of(s, path), least = least_cost(s, 0, 0);
        ASSERT_TRUE(std::isfinite(cost)) << log2 << " " << levels << " " << n;
        ASSERT_GE(cost, least - 1e-4);
        if (levels <= 4) {
          ASSERT_NEAR(cost, least, 1e-4) << log2 << " " << levels << " " << n;
        }
      }
}

TEST(TrellisPath, IsTheSameOnEveryProcessor) {
  for (uint32_t log2 = kLeastSearched; log2 <= kMaxTrellisLog2; ++log2)
    for (const uint32_t n : {1u, 31u, 32u, 33u, 255u, 256u}) {
      const Sample s = draw(log2, 60, n, log2 + n);
      const TrellisLevels t(s.q);
      const std::vector<float> x = in_units(s, t);
      std::vector<uint16_t> path(n), other(n);
      find_path_baseline(t, x.data(), s.below.data(), n, path.data());
      EXPECT_TRUE(std::isfinite(cost_of(s, path)));
      find_path(t, x.data(), s.below.data(), n, other.data());
      EXPECT_EQ(path, other) << cpu_features_text();
#if defined(GRAMZIP_HAVE_AVX2)
      if (cpu_features().avx2_bmi2) {
        find_path_avx2(t, x.data(), s.below.data(), n, other.data());
        EXPECT_EQ(path, other) << "AVX2";
      }
#endif
      other = s.below;  // in place
      find_path(t, x.data(), other.data(), n, other.data());
      EXPECT_EQ(path, other);
    }
}

TEST(TrellisPath, GainsAsItShould) {
  // Uniform weights, no prices: granular gains of 64 and 256 states (Marcellin and Fischer: 1.22
  // and 1.33 dB; runs of 256 from a fixed state lose a little).
  for (const auto& [log2, gain] : {std::pair{4u, 1.05}, {6u, 1.17}, {8u, 1.24}}) {
    Sample s = draw(log2, 400, 0, 1);
    for (uint32_t i = 0; i < 400; ++i) s.q.levels.listed[i] = i, s.q.prices[i] = 0;
    s.q.prices[400] = 1e6;
    s.q.thresholds.assign(s.q.levels.listed.begin() + 1, s.q.levels.listed.end());
    const TrellisLevels t(s.q);
    std::mt19937_64 random(5);
    double error = 0;
    constexpr uint32_t kRuns = 64;
    for (uint32_t run = 0; run < kRuns; ++run) {
      float x[256];
      uint16_t below[256], path[256];
      for (uint32_t i = 0; i < 256; ++i) {
        const double w = 5 + 390 * (static_cast<double>(random() >> 11) * 0x1p-53);
        x[i] = static_cast<float>(w * t.per_unit);
        below[i] = static_cast<uint16_t>(w);
        s.weights.push_back(w);
      }
      find_path(t, x, below, 256, path);
      for (uint32_t i = 0; i < 256; ++i) error += std::pow(s.weights[256 * run + i] - path[i], 2);
    }
    // One quantizer of the same rate has steps of 2.
    EXPECT_GT(10 * std::log10(4.0 / 12 / (error / (256 * kRuns))), gain) << log2;
  }
}

TEST(TrellisPath, RefusesWhatIsNoTrellis) {
  Sample s = draw(6, 10, 1, 1);
  s.q.prices.pop_back();
  EXPECT_THROW(TrellisLevels{s.q}, Error);
  s = draw(6, 9, 1, 1);
  EXPECT_THROW(TrellisLevels{s.q}, Error);
  s = draw(6, 10, 1, 1);
  s.q.levels.trellis = 3;
  EXPECT_THROW(TrellisLevels{s.q}, Error);
}
}  // namespace
}  // namespace gramzip::quant
