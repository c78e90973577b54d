// SPDX-License-Identifier: Apache-2.0
#include "host/model/quant_trellis.h"

#include <gtest/gtest.h>

#include "gramzip/core/wire.h"
#include "host/base/error.h"
#include "host/cpu/quantize.h"
#include "quant_samples.h"

namespace gramzip::quant {
namespace {
using testing::Elements;
constexpr size_t kWeights = 1 << 16;

// Bits of ideal codes, one for each of the two quantizers, and the error, weight by weight.
struct Real {
  double bits = 0, squared_error = 0;
  uint64_t kept = 0;
};
Real measure(const Quantizer& q, const Elements& w) {
  const ElementType type = q.levels.type;
  const uint32_t bytes = element_info(type).bytes, levels = q.levels.count();
  std::vector<uint8_t> wire(w.size() * bytes);
  for (size_t i = 0; i < w.size(); ++i) store_element(wire.data(), i, bytes, w[i]);
  std::vector<uint16_t> path(w.size());
  cpu::quantize_to_indexes(q, 0, wire, path);
  cpu::quantize(q, 0, wire);
  std::vector<double> counts(levels + 1, 0);
  double total[2] = {0, 0};
  Real r;
  uint32_t state = 0;
  const Trellis t = trellis_of(q.levels.trellis);
  for (size_t i = 0; i < w.size(); ++i) {
    if (i % kRunElements == 0) state = 0;
    const uint64_t made = load_element(wire.data(), i, bytes);
    if (path[i] == levels) {
      EXPECT_EQ(made, w[i]);
      ++r.kept, r.bits += 12 + 8 * bytes;
      state = t.next(state, 0);
      continue;
    }
    EXPECT_EQ(made, q.levels.element(path[i], 0));
    EXPECT_EQ(path[i] & 1u, state & 1u);
    state = t.next(state, path[i] >> 1 & 1u);
    ++counts[path[i]], ++total[path[i] & 1];
    const double off = element_value(type, w[i]) - element_value(type, made);
    r.squared_error += off * off;
  }
  for (uint32_t i = 0; i < levels; ++i)
    if (counts[i] > 0) r.bits += counts[i] * std::log2(total[i & 1] / counts[i]);
  return r;
}

void expect_valid(const Quantizer& q) {
  const Levels& l = q.levels;
  ASSERT_EQ(l.count() % 2, 0u);
  ASSERT_LT(l.count(), kMaxLevels);
  ASSERT_EQ(q.prices.size(), l.count() + 1);
  ASSERT_EQ(q.thresholds.size(), l.count() - 1);
  for (uint32_t i = 1; i < l.count(); ++i) {
    ASSERT_LT(element_value(l.type, l.element(i - 1, 0)), element_value(l.type, l.element(i, 0)));
    ASSERT_EQ(q.thresholds[i - 1], element_value(l.type, l.element(i, 0)))
        << i << " of " << l.count() << " type " << static_cast<int>(l.type) << " uniform "
        << l.uniform << " " << (l.uniform ? l.corrections[i] : 0);
  }
}

TEST(QuantTrellis, GainsADecibel) {
  for (const auto draw : {testing::gaussian, testing::laplace})
    for (const ElementType type :
         {ElementType::bf16, ElementType::f32, ElementType::f16, ElementType::f64}) {
      const Elements w = testing::draw(type, kWeights, draw);
      const Distribution d = testing::distribution_of(type, w);
      for (const double db : {16.0, 25.0, 34.0}) {
        const double lambda = 1.386 * d.sum_of_squares / kWeights * std::pow(10, -db / 10);
        const Design trellis = design_trellis(d, lambda), scalar = design_uniform(d, lambda);
        ASSERT_EQ(trellis.quantizer.levels.trellis, kTrellisLog2);
        expect_valid(trellis.quantizer);
        const Real real = measure(trellis.quantizer, w);
        const auto score = [&](double bits, double error) {
          return testing::decibels(d, error) - 6.0206 * bits / kWeights;
        };
        EXPECT_GT(score(real.bits, real.squared_error) -
                      score(scalar.estimate.bits, scalar.estimate.squared_error),
                  0.9)
            << db << " " << static_cast<int>(type);
        EXPECT_NEAR(testing::decibels(d, real.squared_error), db, 0.5);
        // The estimate is that of drawn weights.
        EXPECT_NEAR(trellis.estimate.bits / real.bits, 1, 0.01);
        EXPECT_NEAR(trellis.estimate.squared_error / real.squared_error, 1, 0.06);
        EXPECT_LE(trellis.estimate.bits, trellis.estimate.limited_bits * 1.001);
        EXPECT_LT(trellis.estimate.cost(lambda), scalar.estimate.cost(lambda));
      }
    }
}

// Few weights far out are kept; two heaps with nothing in between have levels both.
TEST(QuantTrellis, LevelsAreWhereWeightsAre) {
  Elements w = testing::draw(ElementType::f32, kWeights, testing::gaussian);
  w[5] = round_element(ElementType::f32, 4e7), w[700] = round_element(ElementType::f32, -3.0);
  w[9] = 0x7fc00000, w[10] = 0xff800000;  // NaN, -infinity
  Distribution d = testing::distribution_of(ElementType::f32, w);
  Design far = design_trellis(d, 1e-6);
  ASSERT_NE(far.quantizer.levels.trellis, 0);
  EXPECT_LT(far.quantizer.levels.count(), 400u);
  Real r = measure(far.quantizer, w);
  EXPECT_GE(r.kept, 4u);
  EXPECT_LT(r.kept, 60u);
  EXPECT_LT(r.squared_error / kWeights, 2e-6);

  for (size_t i = 0; i < w.size(); i += 3)
    w[i] = round_element(ElementType::f32, 50 + element_value(ElementType::f32, w[i / 3 + 20]));
  w[9] = w[10] = w[5] = w[700] = 0;
  d = testing::distribution_of(ElementType::f32, w);
  const Design heaps = design_trellis(d, 1e-6);
  ASSERT_NE(heaps.quantizer.levels.trellis, 0);
  r = measure(heaps.quantizer, w);
  EXPECT_LT(r.kept, 60u);
  EXPECT_LT(r.squared_error / kWeights, 2e-6);
}

// Outliers that share a bucket far wider than a step, and places whose last bit is wider than one.
TEST(QuantTrellis, OutliersTakeNoTime) {
  for (const double far : {1e4, 1e9, 1e20, 3e38}) {
    Elements w = testing::draw(ElementType::f32, 1 << 14, testing::gaussian);
    for (size_t i = 0; i < 60; ++i)
      w[i] = round_element(ElementType::f32,
                           (i % 2 == 0 ? far : -far) * (0.5 + 0.0078 * static_cast<double>(i)));
    const Distribution d = testing::distribution_of(ElementType::f32, w);
    for (const double lambda : {1e-4, 1e-7, 1e-9}) {
      const Design design = design_trellis(d, lambda);
      if (lambda > 1e-9) {
        ASSERT_NE(design.quantizer.levels.trellis, 0) << far << " " << lambda;
      }
      if (design.quantizer.levels.trellis == 0) continue;
      const Real r = measure(design.quantizer, w);
      EXPECT_LT(r.squared_error, 2 * lambda * static_cast<double>(w.size()));
    }
  }
  Elements w = testing::draw(ElementType::f64, 1 << 14, testing::gaussian);
  for (size_t i = 0; i < 9; ++i)
    w[i] = round_element(ElementType::f64, i % 2 == 0 ? 1e300 : -1e305);
  const Distribution d = testing::distribution_of(ElementType::f64, w);
  for (const double lambda : {1e-4, 1e-7}) design_trellis(d, lambda);
}

TEST(QuantTrellis, FewValuesHaveNone) {
  Elements w(1000, 0);
  EXPECT_EQ(
      design_trellis(testing::distribution_of(ElementType::bf16, {}), 1).quantizer.levels.trellis,
      0);
  EXPECT_EQ(
      design_trellis(testing::distribution_of(ElementType::bf16, w), 1).quantizer.levels.trellis,
      0);
  w[3] = 0x3f80;
  EXPECT_EQ(
      design_trellis(testing::distribution_of(ElementType::bf16, w), 1e-9).quantizer.levels.trellis,
      0);
  // Far coarser than the weights, and far finer than there are levels for.
  const Elements g = testing::draw(ElementType::f32, 4096, testing::gaussian);
  const Distribution d = testing::distribution_of(ElementType::f32, g);
  EXPECT_EQ(design_trellis(d, 1e6).quantizer.levels.trellis, 0);
  EXPECT_EQ(design_trellis(d, 1e-18).quantizer.levels.trellis, 0);
  EXPECT_THROW(design_trellis(d, 0), Error);
}

TEST(QuantTrellis, KeepsATarget) {
  const Elements w = testing::draw(ElementType::bf16, kWeights, testing::gaussian);
  const Distribution d = testing::distribution_of(ElementType::bf16, w);
  for (const double bpw : {2.5, 4.0, 5.3, 6.0}) {
    const Design design = design_trellis_for_bits(d, bpw * kWeights);
    EXPECT_LE(design.estimate.limited_bits, bpw * kWeights);
    EXPECT_GT(design.estimate.limited_bits, (bpw - 0.02) * kWeights) << bpw;
    const double error = design.estimate.squared_error;
    const Design same = design_trellis_for_error(d, error);
    EXPECT_LE(same.estimate.squared_error, error);
    EXPECT_GT(same.estimate.squared_error, 0.98 * error);
  }
}
}  // namespace
}  // namespace gramzip::quant
