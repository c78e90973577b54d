// SPDX-License-Identifier: Apache-2.0
#include "host/model/quant_design.h"

#include <gtest/gtest.h>

#include "host/base/error.h"
#include "host/model/precise_log.h"
#include "host/model/quant_steps.h"
#include "quant_samples.h"

namespace gramzip::quant {
namespace {
using testing::Elements;
constexpr ElementType kTypes[] = {ElementType::bf16, ElementType::f16,     ElementType::f32,
                                  ElementType::f64,  ElementType::f8_e4m3, ElementType::f8_e5m2};

void expect_valid(const Quantizer& q, const std::string& where) {
  SCOPED_TRACE(where);
  const uint32_t n = q.levels.count();
  ASSERT_GE(n, 1u);
  ASSERT_LT(n, kMaxLevels);
  ASSERT_EQ(q.thresholds.size(), n - 1);
  ASSERT_TRUE(std::is_sorted(q.thresholds.begin(), q.thresholds.end()));
  if (q.levels.uniform) {
    EXPECT_TRUE(std::isnormal(q.levels.step));
    EXPECT_GT(q.levels.step, 0);
    EXPECT_LE(std::abs(q.levels.first), kMaxFirst);
  }
  for (uint32_t i = 0; i < n; ++i) {
    EXPECT_TRUE(std::isfinite(q.levels.value(i))) << i;
    for (uint64_t g = 0; g < std::max<size_t>(q.levels.scales.size(), 1); ++g)
      EXPECT_TRUE(is_finite(float_layout(q.levels.type), q.levels.element(i, g))) << i << " " << g;
  }
}

double entropy_at(const Distribution& d, double target, double& db) {
  // The finest slope whose bits do not exceed the target.
  double low = 1e-6, high = 2;
  const double variance = d.sum_of_squares / static_cast<double>(d.count);
  Design best;
  for (int i = 0; i < 15; ++i) {
    const double middle = std::sqrt(low * high);
    const Design at = design_uniform(d, middle * variance);
    const bool fits = at.estimate.limited_bits <= target * static_cast<double>(d.count);
    (fits ? high : low) = middle;
    if (fits) best = at;
  }
  db = testing::decibels(d, best.estimate.squared_error);
  return best.estimate.limited_bits / static_cast<double>(d.count);
}

TEST(QuantDesign, LogarithmIsPrecise) {
  for (int e = 0; e < 60; ++e) EXPECT_EQ(model::precise_log2(std::ldexp(1.0, e)), e);
  std::mt19937_64 random(3);
  for (int i = 0; i < 200000; ++i) {
    const auto x = static_cast<double>((random() >> (random() % 60)) | 1);
    ASSERT_NEAR(model::precise_log2(x), std::log2(x), 1e-10) << x;
  }
}

// Every division of few cells, by brute force.
TEST(QuantDesign, BinsAreTheCheapest) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 200; ++round) {
    Elements w;
    const size_t values = 2 + random() % 9;
    for (size_t v = 0; v < values; ++v) {
      const uint64_t x = round_element(ElementType::bf16, testing::gaussian(random));
      w.insert(w.end(), 1 + random() % (random() % 4 == 0 ? 20000 : 300), x);
    }
    const Distribution d = testing::distribution_of(ElementType::bf16, w);
    Cells c = cells_of(d);
    if (round % 2 == 0) c.zero = random() % c.size();
    const size_t n = c.size();
    Price p;
    p.total = c.total;
    p.escape_bits = 16;
    p.level_bits = round % 3 * 10;
    p.slope = 4e-4 * std::ldexp(1.0, -static_cast<int>(random() % 16));
    const auto cost = [&](size_t begin, size_t end) {
      const double level = level_of(c, begin, end);
      double count = 0, error = 0;
      for (size_t i = begin; i < end; ++i) {
        count += c.count[i];
        error += c.count[i] * (c.mean[i] - level) * (c.mean[i] - level);
      }
      return error + p.slope * (p.bits(count) + p.level_bits);
    };
    const auto kept = [&](size_t begin, size_t end) {
      double count = 0;
      for (size_t i = begin; i < end; ++i) count += c.count[i];
      return p.slope * (p.bits(count) + 16 * count);
    };
    // Bit i of `ends`: a bin ends behind cell i; cells outside of low to high are kept.
    double best = kept(0, n);
    for (size_t low = 0; low < n; ++low)
      for (size_t high = low + 1; high <= n; ++high)
        for (uint32_t ends = 0; ends < 1u << (high - low - 1); ++ends) {
          double sum = kept(0, low) + kept(high, n);
          for (size_t i = low, begin = low; i < high; ++i)
            if (i + 1 == high || (ends >> (i - low) & 1) != 0)
              sum += cost(begin, i + 1), begin = i + 1;
          best = std::min(best, sum);
        }
    const Bins bins = best_bins(c, p, std::numeric_limits<double>::infinity());
    double found = kept(0, bins.begin.front()) + kept(bins.begin.back(), n);
    for (size_t b = 0; b < bins.size(); ++b) found += cost(bins.begin[b], bins.begin[b + 1]);
    EXPECT_NEAR(found, best, best * 1e-9) << round;
  }
}

TEST(QuantDesign, EstimatesAreWhatHappens) {
  for (const ElementType t : kTypes) {
    Elements w = testing::draw(t, 60000, testing::laplace);
    w.push_back(round_element(t, 1.5));  // far out
    w.push_back(round_element(t, -2));
    const Distribution d = testing::distribution_of(t, w);
    for (double slope = 1e-3; slope > 1e-12; slope /= 7) {
      const Design at = design_uniform(d, slope);
      const std::string where =
          std::string(element_info(t).name) + " " + std::to_string(std::log2(slope));
      expect_valid(at.quantizer, where);
      const testing::Measured m = testing::measure(at.quantizer, w);
      EXPECT_NEAR(at.estimate.bits, m.bits, 1e-7 * m.bits + 1e-6) << where;
      EXPECT_NEAR(at.estimate.squared_error, m.squared_error, 1e-6 * m.squared_error) << where;
      EXPECT_GE(at.estimate.limited_bits, at.estimate.bits * (1 - 1e-9)) << where;
      if (t == ElementType::f32 || t == ElementType::f64)
        EXPECT_GE(at.estimate.max_error, m.max_error) << where;
      else
        EXPECT_DOUBLE_EQ(at.estimate.max_error, m.max_error) << where;
    }
  }
}

TEST(QuantDesign, FinerSlopesTakeMoreBitsAndErrLess) {
  for (const ElementType t : {ElementType::bf16, ElementType::f32}) {
    const Distribution d = testing::distribution_of(t, testing::draw(t, 200000, testing::gaussian));
    const auto n = static_cast<double>(d.count);
    double bits = -1, error = 1e300;
    for (double octave = 2; octave > -30; octave -= 0.25) {
      const Estimate e = design_uniform(d, 4e-4 * std::exp2(octave)).estimate;
      EXPECT_GE(e.limited_bits, bits - 0.01 * n) << octave;
      EXPECT_LE(e.squared_error, error * 1.015) << octave;
      bits = e.limited_bits, error = e.squared_error;
    }
    // The end: all weights are kept, or have their own levels.
    const Design end = design_uniform(d, 1e-300);
    EXPECT_EQ(testing::measure(end.quantizer, testing::draw(t, 200000, testing::gaussian)).kept > 0,
              end.quantizer.levels.count() < 4000);
  }
}

// Decibels at bits of ideal codes. The theory of entropy-coded scalar quantization at high rates
// gives 6.02 (bits - h) + 10.79 with h the differential entropy at variance 1: 2.047 and 1.943.
TEST(QuantDesign, ReachesTheTheory) {
  struct Case {
    double bits, gaussian, laplace;
  };
  // What the two have at least.
  constexpr Case kCases[] = {{0.3, 1.2, 2.0},     {0.5, 2.05, 3.1},  {1, 4.55, 5.75},
                             {2, 10.4, 11.3},     {3, 16.40, 17.12}, {4, 22.35, 23.05},
                             {4.5, 25.38, 26.03}, {6, 34.4, 35.0},   {8, 46.45, 47.0}};
  for (const ElementType t : {ElementType::bf16, ElementType::f32}) {
    const Distribution g = testing::distribution_of(t,
                                                    testing::draw(t, 1 << 20, testing::gaussian)),
                       l = testing::distribution_of(t, testing::draw(t, 1 << 20, testing::laplace));
    for (const Case& c : kCases) {
      double db = 0;
      entropy_at(g, c.bits, db);
      EXPECT_GE(db, c.gaussian) << element_info(t).name << " Gaussian at " << c.bits;
      entropy_at(l, c.bits, db);
      EXPECT_GE(db, c.laplace) << element_info(t).name << " Laplace at " << c.bits;
    }
  }
}

// What is asked for is met and used, and costs no more than slopes do.
TEST(QuantDesign, BitsAndErrorsAreMet) {
  for (const ElementType t : {ElementType::bf16, ElementType::f32}) {
    const Distribution d =
        testing::distribution_of(t, testing::draw(t, 1 << 18, testing::gaussian));
    const auto n = static_cast<double>(d.count);
    for (const double bits : {0.3, 0.9, 2.0, 3.3, 4.25, 4.5, 5.5, 6.0, 7.0}) {
      const Design design = design_for_bits(d, bits * n);
      expect_valid(design.quantizer, std::to_string(bits));
      EXPECT_LE(design.estimate.limited_bits, bits * n) << bits;
      EXPECT_GE(design.estimate.limited_bits, (bits - 0.006) * n) << bits;
      double db = 0;
      const double at = entropy_at(d, bits, db);
      EXPECT_GE(testing::decibels(d, design.estimate.squared_error), db - 0.03) << bits;
      const double most = design.estimate.squared_error * 1.0001;
      const Estimate again = design_for_error(d, most).estimate;
      EXPECT_LE(again.squared_error, most) << bits;
      EXPECT_GE(again.squared_error, most * 0.995) << bits;
      EXPECT_LE(again.limited_bits, std::max(bits, at) * n * 1.002) << bits;
    }
    // What there is not: the nearest.
    EXPECT_EQ(design_for_bits(d, -1).estimate.limited_bits, 0);
    EXPECT_EQ(design_for_error(d, -1).estimate.squared_error,
              design_for_bits(d, 1e30).estimate.squared_error);
    EXPECT_EQ(design_for_error(d, 1e30).estimate.limited_bits, 0);
  }
  Distribution none;
  expect_valid(design_for_bits(none, 5).quantizer, "none");
  expect_valid(design_for_error(none, 5).quantizer, "none");
  EXPECT_THROW(design_for_bits(none, std::nan("")), Error);
  EXPECT_THROW(design_for_error(none, std::nan("")), Error);
  EXPECT_THROW(design_uniform(none, 0), Error);
}

// Fewer bits for the same cost, in the codes that there are.
TEST(QuantDesign, TuningPays) {
  const ElementType t = ElementType::bf16;
  const Elements w = testing::draw(t, 1 << 19, testing::gaussian);
  const Distribution d = testing::distribution_of(t, w);
  double gain = 0;
  for (double octave = -2; octave > -9; octave -= 0.25) {
    const double slope = 4e-4 * std::exp2(octave);
    const Design plain = design_uniform(d, slope);
    Design tuned = tune_uniform(d, plain.quantizer, slope);
    tuned = tune_uniform(d, tuned.quantizer, slope);
    expect_valid(tuned.quantizer, "tuned");
    EXPECT_NEAR(tuned.estimate.squared_error, testing::measure(tuned.quantizer, w).squared_error,
                1e-6 * tuned.estimate.squared_error);
    const double before = plain.estimate.squared_error + slope * huffman_bits(d, plain.quantizer);
    const double after = tuned.estimate.squared_error + slope * huffman_bits(d, tuned.quantizer);
    EXPECT_LE(after, before * 1.0005) << octave;
    gain += 1 - after / before;
  }
  EXPECT_GT(gain / 28, 0.002);
  // Bits of ideal codes change nothing but the last places.
  const Design plain = design_uniform(d, 1e-5);
  const std::vector<uint64_t> counts = testing::measure(plain.quantizer, w).counts;
  std::vector<double> bits;
  for (const uint64_t n : counts)
    bits.push_back(n > 0 ? 19 - std::log2(static_cast<double>(n)) : 12);
  const Design same = tune_uniform(d, plain.quantizer, 1e-5, bits);
  EXPECT_NEAR(same.estimate.bits, plain.estimate.bits, 1e-3 * plain.estimate.bits);
  EXPECT_THROW(tune_uniform(d, plain.quantizer, 1e-5, std::vector<double>(2)), Error);
  expect_valid(tune_uniform(Distribution{}, Quantizer{}, 1).quantizer, "none");
}

TEST(QuantDesign, ZerosOfPrunedWeightsRemain) {
  for (const ElementType t : {ElementType::bf16, ElementType::f16, ElementType::f32}) {
    Elements w = testing::draw(t, 100000, [](std::mt19937_64& r) {
      const double x = testing::gaussian(r) + 0.003;
      return std::fabs(x) < 0.02 ? 0 : x;
    });
    const Distribution d = testing::distribution_of(t, w);
    for (double slope = 1e-2; slope > 1e-11; slope /= 5) {
      const Quantizer q = design_uniform(d, slope).quantizer;
      const auto zero = static_cast<uint32_t>(
          std::upper_bound(q.thresholds.begin(), q.thresholds.end(), 0.0) - q.thresholds.begin());
      EXPECT_EQ(q.levels.element(zero, 0), 0u) << slope;
    }
    MethodOptions sorting;
    sorting.method = Method::sorting;
    sorting.bits = 3;
    const Quantizer q = design_method(sorting, d, {}).quantizer;
    EXPECT_EQ(q.levels.count(), 8u);
    EXPECT_EQ(std::count(q.levels.listed.begin(), q.levels.listed.end(), 0.0), 1);
  }
}

TEST(QuantDesign, FewValuesAreKeptWithoutError) {
  for (const ElementType t : kTypes) {
    const Elements w = testing::draw(t, 20000, [](std::mt19937_64& r) {
      return std::ldexp(static_cast<double>(r() % 31) - 11, -6);
    });
    const Distribution d = testing::distribution_of(t, w);
    const Design design = design_uniform(d, 1e-12);
    EXPECT_EQ(design.estimate.squared_error, 0) << element_info(t).name;
    EXPECT_EQ(testing::measure(design.quantizer, w).squared_error, 0) << element_info(t).name;
    EXPECT_EQ(testing::measure(design.quantizer, w).kept, 0u);
  }
}

TEST(QuantDesign, NoWeightIsBeyondTheLimit) {
  for (const ElementType t : kTypes) {
    const FloatLayout f = float_layout(t);
    std::vector<Elements> inputs;
    inputs.push_back(testing::draw(t, 30000, testing::gaussian));
    inputs.push_back(testing::draw(
        t, 30000, [](std::mt19937_64& r) { return 1 + 1e-3 * testing::gaussian(r); }));
    // Every magnitude.
    inputs.push_back(testing::draw(t, 30000, [](std::mt19937_64& r) {
      return std::ldexp(testing::gaussian(r), static_cast<int>(r() % 40) - 30);
    }));
    // The edges of buckets and of types.
    Elements edges{
        0, f.sign_bit(), 1, f.sign_bit() | 1, f.infinity() - 1, (f.infinity() - 1) | f.sign_bit()};
    for (int e = -8; e < 8; ++e)
      for (const double x : {1.0, 1 + 0x1p-11, 1 + 0x1p-10, 1.5})
        for (const int step : {-1, 0, 1}) {
          const uint64_t bits = round_element(t, std::ldexp(x, e)) + static_cast<uint64_t>(step);
          for (int i = 0; i < 3; ++i) edges.push_back(bits), edges.push_back(bits | f.sign_bit());
        }
    inputs.push_back(edges);
    for (size_t i = 0; i < inputs.size(); ++i) {
      const Distribution d = testing::distribution_of(t, inputs[i]);
      for (const double limit : {1e30, 300.0, 1.0, 0.01, 1e-3, 3.3e-4, 1e-5, 1e-7, 1e-20, 0.0}) {
        const Design design = design_max_error(d, limit);
        const std::string where = std::string(element_info(t).name) + " input " +
                                  std::to_string(i) + " limit " + std::to_string(limit);
        expect_valid(design.quantizer, where);
        const testing::Measured m = testing::measure(design.quantizer, inputs[i]);
        EXPECT_LE(m.max_error, limit) << where;
        EXPECT_GE(design.estimate.max_error, m.max_error) << where;
        // Even bins share out the weights of their buckets; that is near where these are many.
        const bool shared = t == ElementType::f32 || t == ElementType::f64;
        if (shared && (i == 1 || i == 3 || m.kept > 0)) continue;
        EXPECT_NEAR(design.estimate.bits, m.bits, shared ? 0.03 * m.bits + 300 : 1e-6 * m.bits)
            << where;
        EXPECT_NEAR(design.estimate.squared_error, m.squared_error,
                    shared ? 0.05 * m.squared_error + limit * limit * 100 : 1e-6 * m.squared_error)
            << where;
      }
    }
  }
  const Distribution none;
  EXPECT_THROW(design_max_error(none, -1), Error);
  EXPECT_THROW(design_max_error(none, std::nan("")), Error);
}

// The limit is used: bits are those of a step of twice the limit.
TEST(QuantDesign, LimitsAreUsed) {
  for (const ElementType t : {ElementType::bf16, ElementType::f32}) {
    const Elements w = testing::draw(t, 300000, testing::gaussian);
    const Distribution d = testing::distribution_of(t, w);
    for (const double limit : {0.01, 0.004, 0.001}) {
      const testing::Measured m = testing::measure(design_max_error(d, limit).quantizer, w);
      EXPECT_GT(m.max_error, limit * (t == ElementType::bf16 ? 0.95 : 0.999));
      EXPECT_LT(m.bits / 300000, 2.047 - std::log2(2 * limit / 0.02) + 0.07) << limit;
    }
  }
}

uint64_t fingerprint(const Quantizer& q) {
  uint64_t hash = 14695981039346656037u;
  const auto add = [&](uint64_t x) { hash = (hash ^ x) * 1099511628211u, hash ^= hash >> 29; };
  for (uint32_t i = 0; i < q.levels.count(); ++i) add(double_as_bits(q.levels.value(i)));
  for (const double t : q.thresholds) add(double_as_bits(t));
  add(double_as_bits(q.lowest));
  add(double_as_bits(q.highest));
  return hash;
}

// The same levels on every machine. Weights are sums of integers, so that they are, too.
TEST(QuantDesign, IsTheSameEverywhere) {
  for (const ElementType t : {ElementType::bf16, ElementType::f32}) {
    const Elements w = testing::draw(t, 50000, [](std::mt19937_64& r) {
      int64_t sum = -(6 << 20);
      for (int i = 0; i < 12; ++i) sum += static_cast<int64_t>(r() >> 44);
      return std::ldexp(static_cast<double>(sum), -26);
    });
    const Distribution d = testing::distribution_of(t, w);
    uint64_t all = 0;
    for (double slope = 1e-3; slope > 1e-9; slope /= 8) {
      all = all * 31 + fingerprint(design_uniform(d, slope).quantizer);
      all = all * 31 + fingerprint(design_max_error(d, std::sqrt(slope)).quantizer);
    }
    all = all * 31 + fingerprint(design_for_bits(d, 3.2 * 50000).quantizer);
    EXPECT_EQ(all, t == ElementType::bf16 ? 159029697392257110u : 3981039541133068842u)
        << element_info(t).name;
  }
}
}  // namespace
}  // namespace gramzip::quant
