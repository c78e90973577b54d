// SPDX-License-Identifier: Apache-2.0
// The loops of quantization against the words of their definitions.
#include "host/cpu/quantize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "gramzip/core/float_values.h"
#include "host/base/error.h"
#include "tests/registry/cases.h"
#include "tests/registry/quantizers.h"

namespace gramzip {
namespace {
using quant::Levels;
using quant::Quantizer;
using test::kFloatTypes;
using test::QuantizerCase;

uint32_t expected_index(const Quantizer& q, uint64_t j, uint64_t bits) {
  const Levels& levels = q.levels;
  if (!is_finite(float_layout(levels.type), bits)) return levels.count();
  double x = element_value(levels.type, bits);
  if (levels.group != 0) {
    const uint64_t g = j / levels.group;
    x = levels.scales[g] == 0 ? 0 : x / levels.scales[g];
    if (!levels.zero_points.empty()) x += levels.zero_points[g];
  }
  if (x < q.lowest || x > q.highest) return levels.count();
  uint32_t i = 0;
  for (const double t : q.thresholds) i += t <= x;
  return i;
}

TEST(Quantize, FloatValuesAreThoseOfAnyType) {
  std::mt19937_64 g(3);
  for (const ElementType type : kFloatTypes)
    with_float_type(type, [&]<ElementType t>() {
      using V = FloatValues<t>;
      using Bits = typename V::Bits;
      const FloatLayout layout = float_layout(t);
      const uint64_t patterns = V::kBytes <= 2 ? uint64_t{1} << (8 * V::kBytes) : 200000;
      for (uint64_t k = 0; k < patterns; ++k) {
        const auto x = static_cast<Bits>(V::kBytes <= 2 ? k : g());
        ASSERT_EQ(V::finite(x), is_finite(layout, x)) << k;
        ASSERT_EQ(V::from_order(V::order(x)), x);
        if (!V::finite(x)) continue;
        ASSERT_EQ(double_as_bits(V::to_double(x)), double_bits_of(layout, x)) << k;
      }
      for (int k = 0; k < 400000; ++k) {
        auto u = static_cast<uint32_t>(g());
        if (k % 2 == 0) u = (u & 0x87ffffffu) | 0x38000000u;
        if (k % 5 == 0) u &= 0xfffff000u;  // ties
        if ((u & 0x7fffffffu) > 0x7f800000u) continue;
        const float f = quant::bits_as_float(u);
        ASSERT_EQ(V::from_float(f), static_cast<Bits>(round_element(t, f))) << f;
      }
    });
}

TEST(Quantize, IndexesAreTheThresholdsBelow) {
  for (const ElementType type : kFloatTypes)
    for (const QuantizerCase& c : test::quantizer_cases(type, 3000)) {
      SCOPED_TRACE(c.name + " " + element_info(type).name);
      const uint32_t bytes = element_info(type).bytes;
      const size_t n = c.elements.size() / bytes;
      std::vector<uint16_t> indexes(n);
      cpu::quantize_to_indexes(c.quantizer, c.first, c.elements, indexes);
      std::vector<uint8_t> expected = c.elements;
      for (size_t i = 0; i < n; ++i) {
        const uint64_t x = load_element(c.elements.data(), i, bytes);
        // Along a trellis the path decides (unit_quant_design, TrellisPath).
        const bool along = c.quantizer.levels.trellis != 0;
        const uint32_t k = along ? indexes[i] : expected_index(c.quantizer, c.first + i, x);
        ASSERT_EQ(indexes[i], k) << i;
        const uint32_t group = c.quantizer.levels.group;
        if (k < c.quantizer.levels.count())
          store_element(expected.data(), i, bytes,
                        c.quantizer.levels.element(k, group == 0 ? 0 : (c.first + i) / group));
      }
      std::vector<uint8_t> in_place = c.elements, by_index = c.elements;
      cpu::quantize(c.quantizer, c.first, in_place);
      EXPECT_EQ(in_place, expected);
      cpu::dequantize(c.quantizer.levels, c.first, indexes, by_index);
      EXPECT_EQ(by_index, expected);
    }
}

TEST(Quantize, PiecesAndAlignmentDoNotMatter) {
  for (const ElementType type : kFloatTypes)
    for (const QuantizerCase& c : test::quantizer_cases(type, 1000)) {
      const uint32_t bytes = element_info(type).bytes;
      const cpu::PreparedQuantizer prepared(c.quantizer);
      std::vector<uint8_t> whole = c.elements, odd(c.elements.size() + 1);
      prepared.quantize(c.first, whole);
      std::copy(c.elements.begin(), c.elements.end(), odd.begin() + 1);
      const bool along = c.quantizer.levels.trellis != 0;
      for (size_t i = 0, step = along ? 256 : 1; i < 1000;
           i += step, step = along ? 512 : step % 300 + 7)
        prepared.quantize(c.first + i,
                          std::span(odd).subspan(1 + i * bytes, std::min(step, 1000 - i) * bytes));
      EXPECT_TRUE(std::equal(whole.begin(), whole.end(), odd.begin() + 1)) << c.name;
    }
}

TEST(Quantize, PathsBeginWithARun) {
  for (const QuantizerCase& c : test::quantizer_cases(ElementType::bf16, 1000)) {
    if (c.quantizer.levels.trellis == 0) continue;
    std::vector<uint8_t> elements = c.elements;
    EXPECT_THROW(cpu::quantize(c.quantizer, 100, elements), Error) << c.name;
    EXPECT_EQ(elements, c.elements);
  }
}

TEST(Quantize, ThresholdsThatDoNotFitAreRefused) {
  Quantizer q;
  q.levels.corrections.assign(3, 0);
  EXPECT_THROW(cpu::PreparedQuantizer{q}, Error);
  q.thresholds = {1, 0};
  EXPECT_THROW(cpu::PreparedQuantizer{q}, Error);
  q.thresholds = {0, NAN};
  EXPECT_THROW(cpu::PreparedQuantizer{q}, Error);
  q.thresholds = {0, 1};
  q.levels.group = 32;
  EXPECT_THROW(cpu::PreparedQuantizer{q}, Error);
}

// Sums of buckets whose values are counted one by one.
void expect_distribution(ElementType type, std::span<const uint8_t> elements,
                         const quant::Distribution& d) {
  const uint32_t bytes = element_info(type).bytes;
  std::vector<double> values;
  uint64_t not_finite = 0;
  for (size_t i = 0; i < elements.size() / bytes; ++i) {
    const uint64_t x = load_element(elements.data(), i, bytes);
    if (is_finite(float_layout(type), x))
      values.push_back(element_value(type, x));
    else
      ++not_finite;
  }
  EXPECT_EQ(d.type, type);
  EXPECT_EQ(d.not_finite, not_finite);
  ASSERT_EQ(d.count, values.size());
  if (values.empty()) {
    EXPECT_EQ(d.least, 0);
    EXPECT_EQ(d.most, 0);
    EXPECT_TRUE(d.buckets.empty());
    return;
  }
  std::sort(values.begin(), values.end());
  EXPECT_EQ(d.least, values.front());
  EXPECT_EQ(d.most, values.back());
  EXPECT_FALSE(std::signbit(d.least) && d.least == 0);
  size_t at = 0;
  double before = -std::numeric_limits<double>::infinity();
  for (const quant::Bucket& b : d.buckets) {
    ASSERT_GT(b.count, 0u);
    ASSERT_LE(at + b.count, values.size());
    double sum = 0, squares = 0, magnitudes = 0;
    for (uint64_t i = 0; i < b.count; ++i, ++at) {
      const double x = std::clamp(values[at], -3.4028234663852886e38, 3.4028234663852886e38);
      sum += x;
      squares += x * x;
      magnitudes += std::abs(x);
    }
    const double slack = type == ElementType::f64 ? 1e-7 : 1e-14;
    ASSERT_NEAR(b.sum, sum, magnitudes * slack + 2e-45 * static_cast<double>(b.count));
    ASSERT_NEAR(b.sum_of_squares, squares, 3 * squares * slack + 2e-45 * magnitudes + 1e-90);
    ASSERT_GT(b.mean(), before);
    if (type != ElementType::f64)
      ASSERT_LE(values[at - 1] - values[at - b.count], std::abs(b.mean()) / 2000 + 1e-40);
    before = b.mean();
  }
  EXPECT_EQ(at, values.size());
}

TEST(Distribution, BucketsHoldEveryWeight) {
  for (const ElementType type : kFloatTypes) {
    SCOPED_TRACE(element_info(type).name);
    const uint32_t bytes = element_info(type).bytes;
    std::vector<std::vector<uint8_t>> inputs{{},
                                             std::vector<uint8_t>(bytes),
                                             std::vector<uint8_t>(bytes * 100, 0xff),
                                             test::make_weights(type, bytes * 5003, 0.1, 1),
                                             test::special_floats(type, bytes * 3001, 2),
                                             test::make_random(bytes * 4000, 3)};
    std::vector<uint8_t> zeros(bytes * 50);
    for (size_t i = 0; i < 50; i += 3) zeros[(i + 1) * bytes - 1] = 0x80;  // -0
    inputs.push_back(zeros);
    for (const std::vector<uint8_t>& elements : inputs) {
      cpu::DistributionCounter counter(type), a(type), b(type);
      counter.add(elements);
      const quant::Distribution d = counter.finish();
      expect_distribution(type, elements, d);
      // The second time, in pieces, by two counters, at an odd address.
      std::vector<uint8_t> odd(1);
      odd.insert(odd.end(), elements.begin(), elements.end());
      for (size_t i = 0, step = 1; i < elements.size() / bytes; i += step, step = step * 3 % 1000)
        (i % 2 == 0 ? a : b)
            .add(std::span(odd).subspan(1 + i * bytes,
                                        std::min(step, elements.size() / bytes - i) * bytes));
      a.merge(b);
      const quant::Distribution e = a.finish();
      ASSERT_EQ(e.buckets.size(), d.buckets.size());
      for (size_t i = 0; i < d.buckets.size(); ++i) {
        ASSERT_EQ(e.buckets[i].count, d.buckets[i].count);
        ASSERT_EQ(e.buckets[i].sum, d.buckets[i].sum);
        ASSERT_EQ(e.buckets[i].sum_of_squares, d.buckets[i].sum_of_squares);
      }
      EXPECT_EQ(std::tuple(e.sum, e.sum_of_squares, e.least, e.most, e.not_finite),
                std::tuple(d.sum, d.sum_of_squares, d.least, d.most, d.not_finite));
    }
  }
}

TEST(GroupRanges, AreThoseOfTheFiniteWeights) {
  for (const ElementType type : kFloatTypes) {
    const uint32_t bytes = element_info(type).bytes;
    std::vector<uint8_t> elements = test::special_floats(type, bytes * 1003, 5);
    // A group of NaNs alone.
    std::fill_n(elements.begin() + 64 * bytes, 64 * bytes, 0xff);
    for (const uint32_t group : {1u, 32u, 64u, 1000u, 5000u}) {
      const std::vector<quant::Range> ranges = cpu::group_ranges(type, elements, group);
      ASSERT_EQ(ranges.size(), (1003 + group - 1) / group);
      for (size_t g = 0; g < ranges.size(); ++g) {
        double least = INFINITY, most = -INFINITY;
        for (size_t i = g * group; i < std::min<size_t>(1003, (g + 1) * group); ++i) {
          const uint64_t x = load_element(elements.data(), i, bytes);
          if (!is_finite(float_layout(type), x)) continue;
          least = std::min(least, element_value(type, x));
          most = std::max(most, element_value(type, x));
        }
        if (least > most) least = most = 0;
        ASSERT_EQ(ranges[g].least, least) << g;
        ASSERT_EQ(ranges[g].most, most) << g;
      }
    }
  }
}

TEST(ConstrainMeans, RowMeansAreWithinOneStep) {
  for (const ElementType type : {ElementType::bf16, ElementType::f16, ElementType::f32}) {
    const uint32_t bytes = element_info(type).bytes;
    constexpr uint32_t columns = 700, rows = 40;
    const std::vector<uint8_t> weights = test::make_weights(type, columns * rows * bytes, 0.04, 9);
    for (const QuantizerCase& c : test::quantizer_cases(type, columns * rows)) {
      const Quantizer& q = c.quantizer;
      const uint32_t count = q.levels.count();
      if (c.name != "16" && c.name != "bounded" && c.name != "tensor" && c.name != "group32")
        continue;
      SCOPED_TRACE(c.name);
      std::vector<uint16_t> before(columns * rows);
      cpu::quantize_to_indexes(q, 0, weights, before);
      std::vector<uint16_t> after = before;
      cpu::constrain_means(q, 0, columns, weights, after);
      double moved = 0;
      for (uint32_t r = 0; r < rows; ++r) {
        double difference = 0, was = 0, gap = 0;
        for (uint32_t j = r * columns; j < (r + 1) * columns; ++j) {
          ASSERT_EQ(before[j] == count, after[j] == count);
          if (after[j] == count) continue;
          ASSERT_LE(std::abs(before[j] - after[j]), 1);
          moved += before[j] != after[j];
          const uint64_t g = q.levels.group == 0 ? 0 : j / q.levels.group;
          const double w = element_value(type, load_element(weights.data(), j, bytes));
          difference += element_value(type, q.levels.element(after[j], g)) - w;
          was += element_value(type, q.levels.element(before[j], g)) - w;
          for (uint32_t i = 1; i < count; ++i)
            gap = std::max(gap, std::abs(element_value(type, q.levels.element(i, g)) -
                                         element_value(type, q.levels.element(i - 1, g))));
        }
        EXPECT_LE(std::abs(difference), std::abs(was) * (1 + 1e-9) + 1e-12);
        if (c.name == "16" || c.name == "bounded") EXPECT_LE(std::abs(difference), gap * 0.51) << r;
      }
      EXPECT_GT(moved, 0);
      if (c.name == "16" || c.name == "bounded") EXPECT_LT(moved, columns * rows * 0.1);
    }
  }
}

TEST(ConstrainMeans, PrunedWeightsStayZero) {
  Quantizer q;
  q.levels.type = ElementType::f32;
  q.levels.first = -1;
  q.levels.corrections.assign(3, 0);
  q.thresholds = {-0.5, 0.5};
  std::vector<float> row(100, 0.0f);
  row[7] = 0.4f;
  row[8] = 0.45f;
  row[9] = 0.48f;
  std::vector<uint16_t> indexes(100, 1);
  cpu::constrain_means(q, 0, 100, {reinterpret_cast<const uint8_t*>(row.data()), 400}, indexes);
  EXPECT_EQ(indexes[9], 2);  // nearest to its tie
  EXPECT_EQ(std::accumulate(indexes.begin(), indexes.end(), 0), 101);
}
}  // namespace
}  // namespace gramzip
