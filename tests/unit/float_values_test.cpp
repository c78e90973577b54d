// SPDX-License-Identifier: Apache-2.0
// Conversions of float types against arithmetic by definition: every code of the types of 8 and 16
// bits, every midpoint between neighbours and what lies beside it.
#include "host/cpu/float_values.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "host/base/error.h"

namespace gramzip {
namespace {
struct Kind {
  ElementType type;
  int exponent, mantissa;
  bool infinity;
};
constexpr Kind kSmall[] = {{ElementType::bf16, 8, 7, true},
                           {ElementType::f16, 5, 10, true},
                           {ElementType::f8_e4m3, 4, 3, false},
                           {ElementType::f8_e5m2, 5, 2, true}};

uint32_t code_count(const Kind& k) { return 1u << (1 + k.exponent + k.mantissa); }
// The value of a code by definition.
double value_of(const Kind& k, uint32_t code) {
  const uint32_t sign = code >> (k.exponent + k.mantissa);
  const int e = static_cast<int>(code >> k.mantissa & ((1u << k.exponent) - 1));
  const int m = static_cast<int>(code & ((1u << k.mantissa) - 1));
  const int bias = (1 << (k.exponent - 1)) - 1, top = (1 << k.exponent) - 1;
  double v;
  if (k.infinity && e == top) {
    v = m == 0 ? INFINITY : NAN;
  } else if (!k.infinity && e == top && m == (1 << k.mantissa) - 1) {
    v = NAN;
  } else if (e == 0) {
    v = std::ldexp(m, 1 - bias - k.mantissa);
  } else {
    v = std::ldexp(m + (1 << k.mantissa), e - bias - k.mantissa);
  }
  return sign != 0 ? -v : v;
}
uint32_t largest(const Kind& k) {
  return ((1u << (k.exponent + k.mantissa)) - 1) - (k.infinity ? 1u << k.mantissa : 1u);
}

std::vector<uint8_t> stored(const Kind& k, uint32_t code) {
  std::vector<uint8_t> b{static_cast<uint8_t>(code)};
  if (element_info(k.type).bytes == 2) b.push_back(static_cast<uint8_t>(code >> 8));
  return b;
}
uint32_t code_at(const Kind& k, const std::vector<uint8_t>& b, size_t i) {
  return static_cast<uint32_t>(load_element(b.data(), i, element_info(k.type).bytes));
}

TEST(FloatValues, EveryCodeByDefinition) {
  for (const Kind& k : kSmall) {
    std::vector<uint8_t> codes;
    for (uint32_t c = 0; c < code_count(k); ++c)
      for (const uint8_t b : stored(k, c)) codes.push_back(b);
    const size_t n = code_count(k);
    std::vector<double> doubles(n);
    std::vector<float> floats(n);
    cpu::to_doubles(k.type, codes.data(), n, doubles.data());
    cpu::to_floats(k.type, codes.data(), n, floats.data());
    std::vector<uint8_t> a(codes.size()), b(codes.size());
    EXPECT_EQ(cpu::from_doubles(k.type, doubles.data(), n, a.data()), 0u);
    EXPECT_EQ(cpu::from_floats(k.type, floats.data(), n, b.data()), 0u);
    for (uint32_t c = 0; c < n; ++c) {
      const double want = value_of(k, c);
      if (std::isnan(want)) {
        ASSERT_TRUE(std::isnan(doubles[c]) && std::isnan(floats[c])) << c;
        ASSERT_TRUE(std::isnan(value_of(k, code_at(k, a, c)))) << c;
        ASSERT_EQ(std::signbit(doubles[c]), c >= n / 2);
        continue;
      }
      ASSERT_EQ(std::bit_cast<uint64_t>(doubles[c]), std::bit_cast<uint64_t>(want)) << c;
      ASSERT_EQ(static_cast<double>(floats[c]), want) << c;
      ASSERT_EQ(code_at(k, a, c), c);
      ASSERT_EQ(code_at(k, b, c), c);
    }
  }
}

// What lies between two neighbours rounds to the nearer one, the middle to the even one.
TEST(FloatValues, EveryMidpoint) {
  for (const Kind& k : kSmall) {
    std::vector<double> in;
    std::vector<uint32_t> want;
    const uint32_t most = largest(k), beyond = most + 1;
    const double step = value_of(k, most) - value_of(k, most - 1);
    for (uint32_t c = 0; c <= most; ++c) {
      const double low = value_of(k, c);
      const double high = c == most ? low + step : value_of(k, c + 1);
      const double middle = low + (high - low) / 2;
      const uint32_t even = c % 2 == 0 ? c : c + 1;
      for (const auto& [x, code] : {std::pair{low, c},
                                    {std::nextafter(low, INFINITY), c},
                                    {std::nextafter(middle, 0.0), c},
                                    {middle, even},
                                    {std::nextafter(middle, INFINITY), c + 1},
                                    {std::nextafter(high, 0.0), c + 1}}) {
        in.push_back(x);
        want.push_back(code);
        in.push_back(-x);
        want.push_back(code | code_count(k) / 2);
      }
    }
    std::vector<uint8_t> out(in.size() * 2), saturated(in.size() * 2);
    const size_t lost = cpu::from_doubles(k.type, in.data(), in.size(), out.data());
    EXPECT_EQ(lost, cpu::from_doubles(k.type, in.data(), in.size(), saturated.data(),
                                      Overflow::saturate));
    size_t expected_lost = 0;
    const uint32_t sign = code_count(k) / 2;
    for (size_t i = 0; i < in.size(); ++i) {
      ASSERT_EQ(code_at(k, out, i), want[i]) << element_info(k.type).name << " " << in[i];
      const bool too_large = (want[i] & (sign - 1)) == beyond;
      expected_lost += too_large;
      ASSERT_EQ(code_at(k, saturated, i), too_large ? want[i] - 1 : want[i]);
      // As floats, where they are.
      const auto f = static_cast<float>(in[i]);
      if (static_cast<double>(f) != in[i]) continue;
      uint8_t one[2];
      cpu::from_floats(k.type, &f, 1, one);
      ASSERT_EQ(load_element(one, 0, element_info(k.type).bytes), want[i]) << in[i];
    }
    EXPECT_EQ(lost, expected_lost);
    EXPECT_GT(lost, 0u);
  }
}

TEST(FloatValues, Extremes) {
  const double huge[] = {1e300, -1e300, INFINITY, -INFINITY, NAN, 1e-300, -1e-300, 0.0, -0.0};
  for (const Kind& k : kSmall) {
    const uint32_t sign = code_count(k) / 2, inf = largest(k) + 1;
    std::vector<uint8_t> out(sizeof huge);
    EXPECT_EQ(cpu::from_doubles(k.type, huge, 9, out.data()), 2u);
    const uint32_t want[] = {inf, inf | sign, inf, inf | sign};
    for (size_t i = 0; i < 4; ++i) EXPECT_EQ(code_at(k, out, i), want[i]);
    EXPECT_TRUE(std::isnan(value_of(k, code_at(k, out, 4))));
    EXPECT_EQ(code_at(k, out, 5), 0u);
    EXPECT_EQ(code_at(k, out, 6), sign);
    EXPECT_EQ(code_at(k, out, 7), 0u);
    EXPECT_EQ(code_at(k, out, 8), sign);
    EXPECT_EQ(cpu::from_doubles(k.type, huge, 9, out.data(), Overflow::saturate), 2u);
    EXPECT_EQ(code_at(k, out, 0), largest(k));
    EXPECT_EQ(code_at(k, out, 2), inf);  // infinity is kept, or NaN
  }
}

// Doubles between floats: each is rounded once.
TEST(FloatValues, DoublesToF32AreRoundedOnce) {
  std::mt19937_64 rng(1);
  std::vector<double> in;
  for (int i = 0; i < 100000; ++i) {
    const float f = std::bit_cast<float>(static_cast<uint32_t>(rng()) & 0x7fffffffu);
    if (!std::isfinite(f)) continue;
    const double middle = (static_cast<double>(f) + std::nextafterf(f, INFINITY)) / 2;
    for (const double x : {middle, std::nextafter(middle, 0.0), std::nextafter(middle, INFINITY)})
      in.push_back(i % 2 ? x : -x);
  }
  std::vector<uint8_t> out(4 * in.size());
  cpu::from_doubles(ElementType::f32, in.data(), in.size(), out.data());
  for (size_t i = 0; i < in.size(); ++i)
    ASSERT_EQ(load_element(out.data(), i, 4), std::bit_cast<uint32_t>(static_cast<float>(in[i])));
  // bfloat16 by way of float would round these twice: just above a middle, by less than a float.
  const double tricky[] = {1 + 0x1p-8 + 0x1p-40, 1 + 3 * 0x1p-8 - 0x1p-40};
  uint8_t b[4];
  cpu::from_doubles(ElementType::bf16, tricky, 2, b);
  EXPECT_EQ(load_element(b, 0, 2), 0x3f81u);
  EXPECT_EQ(load_element(b, 1, 2), 0x3f81u);
}

TEST(FloatValues, ConversionsAtAnyLengthAndAlignment) {
  std::mt19937 rng(2);
  std::normal_distribution<float> normal(0, 0.02f);
  std::vector<float> values(3000);
  for (float& x : values) x = normal(rng);
  for (const ElementType from : {ElementType::bf16, ElementType::f16, ElementType::f32,
                                 ElementType::f64, ElementType::f8_e4m3, ElementType::f8_e5m2}) {
    const size_t fb = element_info(from).bytes;
    std::vector<uint8_t> source(1 + values.size() * fb);
    cpu::from_floats(from, values.data(), values.size(), source.data() + 1);
    for (const ElementType to : {ElementType::bf16, ElementType::f16, ElementType::f32,
                                 ElementType::f64, ElementType::f8_e4m3, ElementType::f8_e5m2}) {
      const size_t tb = element_info(to).bytes;
      std::vector<double> doubles(values.size());
      cpu::to_doubles(from, source.data() + 1, values.size(), doubles.data());
      std::vector<uint8_t> want(values.size() * tb);
      cpu::from_doubles(to, doubles.data(), values.size(), want.data());
      for (const size_t n : {0u, 1u, 7u, 1023u, 1024u, 1025u, 3000u}) {
        std::vector<uint8_t> out(3 + n * tb, 0xaa);
        cpu::convert_floats(from, source.data() + 1, to, n, out.data() + 3);
        ASSERT_TRUE(std::equal(out.begin() + 3, out.end(), want.begin()));
      }
    }
  }
}

TEST(FloatValues, OtherTypesAreRefused) {
  float f = 0;
  uint8_t b[8] = {};
  EXPECT_THROW(cpu::to_floats(ElementType::i32, b, 1, &f), Error);
  EXPECT_THROW(cpu::from_floats(ElementType::bytes, &f, 1, b), Error);
}
}  // namespace
}  // namespace gramzip
