// SPDX-License-Identifier: Apache-2.0
// The classic methods and what has no proper distribution.
#include <gtest/gtest.h>

#include "host/base/error.h"
#include "host/model/quant_codebooks.h"
#include "host/model/quant_design.h"
#include "quant_samples.h"

namespace gramzip::quant {
namespace {
using testing::Elements;
constexpr ElementType kTypes[] = {ElementType::bf16, ElementType::f16,     ElementType::f32,
                                  ElementType::f64,  ElementType::f8_e4m3, ElementType::f8_e5m2};

std::vector<Range> ranges_of(ElementType t, const Elements& w, uint32_t group) {
  std::vector<Range> ranges((w.size() + group - 1) / group);
  std::vector<uint8_t> seen(ranges.size(), 0);
  for (size_t i = 0; i < w.size(); ++i) {
    if (!is_finite(float_layout(t), w[i])) continue;
    const double x = element_value(t, w[i]);
    Range& r = ranges[i / group];
    r.least = seen[i / group] ? std::min(r.least, x) : x;
    r.most = seen[i / group] ? std::max(r.most, x) : x;
    seen[i / group] = 1;
  }
  return ranges;
}
MethodOptions options(Method m, uint32_t bits = 4, uint32_t group = 0, bool asymmetric = false) {
  MethodOptions o;
  o.method = m;
  o.bits = bits;
  o.group = group;
  o.asymmetric = asymmetric;
  return o;
}
Design design(const MethodOptions& o, ElementType t, const Elements& w) {
  const Distribution d = testing::distribution_of(t, w);
  return design_method(o, d, o.group > 0 ? ranges_of(t, w, o.group) : std::vector<Range>{});
}
Elements elements(ElementType t, const std::vector<double>& values) {
  Elements w;
  for (const double v : values) w.push_back(round_element(t, v));
  return w;
}
std::vector<double> quantized(const Quantizer& q, ElementType t, const Elements& w) {
  std::vector<double> values;
  for (size_t i = 0; i < w.size(); ++i) {
    const uint64_t g = q.levels.group == 0 ? 0 : i / q.levels.group;
    double x = element_value(t, w[i]);
    if (q.levels.scale_type != ScaleType::none) {
      x = q.levels.scales[g] == 0 ? 0 : x / q.levels.scales[g];
      if (!q.levels.zero_points.empty()) x += q.levels.zero_points[g];
    }
    const auto level = std::upper_bound(q.thresholds.begin(), q.thresholds.end(), x);
    values.push_back(
        element_value(t, q.levels.element(static_cast<uint32_t>(level - q.thresholds.begin()), g)));
  }
  return values;
}

TEST(QuantMethods, LinearOfGroups) {
  // Two groups, absmax 7 and 14: scales 1 and 2.
  const Elements w = elements(ElementType::f32, {7, -3.4, 0.2, 1, 2, -2.6, 0, 0.6,  //
                                                 -14, 3.1, 0.9, 1.1, 0, 4, 6, -6});
  const Quantizer q = design(options(Method::linear, 4, 8), ElementType::f32, w).quantizer;
  EXPECT_EQ(q.levels.scale_type, ScaleType::f16);
  EXPECT_EQ(q.levels.scales, (std::vector<float>{1, 2}));
  EXPECT_EQ(q.levels.count(), 15u);
  EXPECT_EQ(quantized(q, ElementType::f32, w),
            (std::vector<double>{7, -3, 0, 1, 2, -3, 0, 1, -14, 4, 0, 2, 0, 4, 6, -6}));
}

TEST(QuantMethods, LinearWithZeroPoints) {
  // From -1 to 14: scale 1, zero point 1. From 0 to 30: scale 2, zero point 0.
  const Elements w = elements(ElementType::f32, {-1, 14, 3.2, 0, 7.6, 0.4, 2, 1,  //
                                                 30, 2.9, 7, 1.1, 3, 4, 6, 8});
  const Quantizer q = design(options(Method::linear, 4, 8, true), ElementType::f32, w).quantizer;
  EXPECT_EQ(q.levels.zero_points, (std::vector<uint8_t>{1, 0}));
  EXPECT_EQ(q.levels.count(), 16u);
  EXPECT_EQ(quantized(q, ElementType::f32, w),
            (std::vector<double>{-1, 14, 3, 0, 8, 0, 2, 1, 30, 2, 8, 2, 4, 4, 6, 8}));
}

TEST(QuantMethods, LinearOfATensorCutsTheTails) {
  for (const ElementType t : {ElementType::bf16, ElementType::f32}) {
    const Elements w = testing::draw(t, 100000, testing::gaussian);
    const Distribution d = testing::distribution_of(t, w);
    for (const bool asymmetric : {false, true}) {
      const Design four = design(options(Method::linear, 4, 0, asymmetric), t, w);
      EXPECT_EQ(four.quantizer.levels.count(), asymmetric ? 16u : 15u);
      // The best uniform quantizer of 16 levels has 19.38 dB for a Gaussian (Max, 1960).
      EXPECT_GT(testing::decibels(d, four.estimate.squared_error), asymmetric ? 19.15 : 18.8);
      EXPECT_NEAR(testing::measure(four.quantizer, w).squared_error, four.estimate.squared_error,
                  1e-3 * four.estimate.squared_error);
    }
  }
}

TEST(QuantMethods, Sorting) {
  // Equal counts: quarters of 0 to 15.
  std::vector<double> values;
  for (int i = 0; i < 16; ++i) values.push_back(i + 1);
  const Elements w = elements(ElementType::f32, values);
  const Quantizer q = design(options(Method::sorting, 2), ElementType::f32, w).quantizer;
  EXPECT_EQ(q.levels.listed, (std::vector<double>{2.5, 6.5, 10.5, 14.5}));
  for (const ElementType t : {ElementType::bf16, ElementType::f32}) {
    const Elements many = testing::draw(t, 100000, testing::gaussian);
    const Distribution d = testing::distribution_of(t, many);
    const Design four = design(options(Method::sorting, 4), t, many);
    const testing::Measured m = testing::measure(four.quantizer, many);
    ASSERT_EQ(m.counts.size(), 16u);
    for (const uint64_t c : m.counts) EXPECT_NEAR(static_cast<double>(c), 6250, 300);
    EXPECT_NEAR(m.bits / 100000, 4, 0.01);
    EXPECT_NEAR(testing::decibels(d, m.squared_error), 16.43, 0.05);
  }
}

TEST(QuantMethods, Nf4) {
  // Codes of a group whose largest weight is 1 are the nearest constants.
  std::vector<double> values(64, 0);
  values[0] = 1, values[1] = -1, values[2] = 0.1, values[3] = -0.7, values[4] = 0.3;
  const Elements w = elements(ElementType::f32, values);
  const Quantizer q = design(options(Method::nf4, 4, 64), ElementType::f32, w).quantizer;
  const std::vector<double> got = quantized(q, ElementType::f32, w);
  EXPECT_EQ(q.levels.count(), 16u);
  EXPECT_EQ(got[0], 1);
  EXPECT_EQ(got[1], -1);
  EXPECT_EQ(got[2], static_cast<double>(0.07958029955625534f));
  EXPECT_EQ(got[3], static_cast<double>(-0.6961928009986877f));
  EXPECT_EQ(got[4], static_cast<double>(0.33791524171829224f));
  EXPECT_EQ(got[5], 0);
  const Elements many = testing::draw(ElementType::f32, 1 << 17, testing::gaussian);
  const Distribution d = testing::distribution_of(ElementType::f32, many);
  const Design grouped = design(options(Method::nf4, 4, 64), ElementType::f32, many);
  EXPECT_FALSE(grouped.estimate.known);
  EXPECT_NEAR(testing::decibels(d, testing::measure(grouped.quantizer, many).squared_error), 20.6,
              0.5);
}

TEST(QuantMethods, Fp8) {
  // With a scale of 1 this is the conversion to F8_E4M3.
  Elements w = testing::draw(ElementType::f32, 50000, [](std::mt19937_64& r) {
    return 1500 * testing::gaussian(r) * testing::uniform01(r);
  });
  w.push_back(round_element(ElementType::f32, 448));
  for (int i = 0; i < 0x7e; ++i) {  // ties
    const double a = element_value(ElementType::f8_e4m3, static_cast<uint64_t>(i)),
                 b = element_value(ElementType::f8_e4m3, static_cast<uint64_t>(i + 1));
    w.push_back(round_element(ElementType::f32, (a + b) / 2));
    w.push_back(round_element(ElementType::f32, -(a + b) / 2));
  }
  for (const uint32_t group : {0u, 1u << 20}) {
    const Quantizer q = design(options(Method::fp8, 8, group), ElementType::f32, w).quantizer;
    EXPECT_EQ(q.levels.count(), 253u);
    const std::vector<double> got = quantized(q, ElementType::f32, w);
    for (size_t i = 0; i < w.size(); ++i) {
      const double x = element_value(ElementType::f32, w[i]);
      const double y = element_value(ElementType::f8_e4m3, round_element(ElementType::f8_e4m3, x));
      ASSERT_EQ(got[i], y) << x;
    }
  }
}

TEST(QuantMethods, Ternary) {
  // Best for 4, 3, 1, 0, -3: the three large ones become 10 / 3.
  const Elements w = elements(ElementType::f64, {4, 3, 1, 0, -3});
  const Quantizer q = design(options(Method::ternary), ElementType::f64, w).quantizer;
  EXPECT_EQ(quantized(q, ElementType::f64, w),
            (std::vector<double>{10.0 / 3, 10.0 / 3, 0, 0, -10.0 / 3}));
  const Elements many = testing::draw(ElementType::f32, 1 << 17, testing::gaussian);
  const Distribution d = testing::distribution_of(ElementType::f32, many);
  const Design whole = design(options(Method::ternary), ElementType::f32, many);
  // Max's three levels for a Gaussian: 7.21 dB, at +-1.224 beyond 0.612.
  EXPECT_NEAR(testing::decibels(d, whole.estimate.squared_error), 7.21, 0.03);
  EXPECT_NEAR(whole.quantizer.levels.value(2), 0.02448, 0.0003);
  const Design groups = design(options(Method::ternary, 2, 128), ElementType::f32, many);
  EXPECT_GT(testing::decibels(d, testing::measure(groups.quantizer, many).squared_error), 6.5);
}

// No method fails, whatever the weights are; what it gives can be written.
TEST(QuantMethods, TensorsWithoutAProperDistribution) {
  for (const ElementType t : kTypes) {
    const FloatLayout f = float_layout(t);
    const uint64_t largest = f.has_infinity ? f.infinity() - 1 : f.sign_bit() - 2;
    const uint64_t nan = f.sign_bit() - 1;
    std::vector<Elements> inputs = {{},
                                    {round_element(t, 0.75)},
                                    Elements(100, round_element(t, -0.3)),
                                    Elements(100, 0),
                                    Elements(100, f.sign_bit()),
                                    Elements(100, nan),
                                    {largest, largest | f.sign_bit(), 0, 1, largest, nan},
                                    Elements(100, largest),
                                    {1, 2, 3, f.sign_bit() | 1, 3, 3, 3, 2, 1},
                                    {0, 1, largest},
                                    {largest, round_element(t, 1), nan, f.infinity()}};
    for (size_t i = 0; i < inputs.size(); ++i) {
      const Elements& w = inputs[i];
      const Distribution d = testing::distribution_of(t, w);
      const auto check = [&](const Quantizer& q, const std::string& what) {
        SCOPED_TRACE(std::string(element_info(t).name) + " input " + std::to_string(i) + " " +
                     what);
        const uint32_t n = q.levels.count();
        ASSERT_GE(n, 1u);
        ASSERT_LT(n, kMaxLevels);
        ASSERT_EQ(q.thresholds.size(), n - 1);
        EXPECT_TRUE(std::is_sorted(q.thresholds.begin(), q.thresholds.end()));
        if (q.levels.uniform) EXPECT_TRUE(std::isnormal(q.levels.step) && q.levels.step > 0);
        if (q.levels.scale_type != ScaleType::none)
          ASSERT_EQ(q.levels.scales.size(), (w.size() + q.levels.group - 1) / q.levels.group);
        for (uint64_t g = 0; g < std::max<size_t>(1, q.levels.scales.size()); ++g)
          for (uint32_t k = 0; k < n; ++k) {
            ASSERT_TRUE(std::isfinite(q.levels.value(k)));
            ASSERT_TRUE(is_finite(f, q.levels.element(k, g))) << k;
          }
        testing::measure(q, w);
      };
      for (const double slope : {1e-300, 1e-60, 1e-9, 1.0, 1e40, 1e300}) {
        const Design u = design_uniform(d, slope);
        check(u.quantizer, "uniform " + std::to_string(std::log2(slope)));
        EXPECT_FALSE(std::isnan(u.estimate.bits + u.estimate.squared_error));
      }
      for (const double target : {0.0, 1e-9, 1.0, 1e5}) {
        check(design_for_bits(d, target).quantizer, "bits");
        check(design_for_error(d, target).quantizer, "error");
      }
      for (const double limit : {0.0, 1e-300, 1e-6, 1.0, 1e300}) {
        const Quantizer q = design_max_error(d, limit).quantizer;
        check(q, "limit");
        EXPECT_LE(testing::measure(q, w).max_error, limit);
      }
      for (const Method m : {Method::linear, Method::mean_constrained, Method::sorting, Method::nf4,
                             Method::fp8, Method::ternary})
        for (const uint32_t bits : {2u, 8u})
          for (const uint32_t group : {0u, 8u})
            for (const bool asymmetric : {false, true}) {
              const std::string what = std::string(method_name(m)) + " " + std::to_string(bits) +
                                       " group " + std::to_string(group);
              try {
                check(design(options(m, bits, group, asymmetric), t, w).quantizer, what);
              } catch (const Error& e) {
                // Scales are F32.
                EXPECT_TRUE(t == ElementType::f64 && group > 0) << what << ": " << e.what();
              }
            }
    }
  }
}

TEST(QuantMethods, RefusesWhatIsNoMethod) {
  const Elements w = testing::draw(ElementType::bf16, 100, testing::gaussian);
  EXPECT_THROW(design(options(Method::linear, 1), ElementType::bf16, w), Error);
  EXPECT_THROW(design(options(Method::linear, 9), ElementType::bf16, w), Error);
  EXPECT_THROW(design(options(Method::linear, 4, 4), ElementType::bf16, w), Error);
  EXPECT_THROW(design(options(Method::uniform), ElementType::bf16, w), Error);
}
}  // namespace
}  // namespace gramzip::quant
