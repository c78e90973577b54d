// SPDX-License-Identifier: Apache-2.0
#include "tests/registry/quantizers.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "gramzip/core/wire.h"
#include "tests/registry/cases.h"

namespace gramzip::test {
namespace {
using quant::Levels;
using quant::Quantizer;
using quant::ScaleType;

constexpr double kSigma = 0.04;

Quantizer uniform(ElementType type, double step, int32_t first, uint32_t count,
                  std::mt19937_64& g) {
  Quantizer q;
  q.levels.type = type;
  q.levels.step = step;
  q.levels.first = first;
  std::uniform_int_distribution<int> correction(-20, 20);
  for (uint32_t i = 0; i < count; ++i)
    q.levels.corrections.push_back(static_cast<int8_t>(correction(g)));
  for (uint32_t i = 1; i < count; ++i)
    q.thresholds.push_back(step * (first + static_cast<int32_t>(i) - 0.5));
  return q;
}

// Along a trellis: evenly spaced levels that are elements of their own, prices by chance.
Quantizer along_trellis(ElementType type, uint8_t log2, uint32_t count, std::mt19937_64& g) {
  Quantizer q;
  q.levels.type = type;
  q.levels.uniform = false;
  q.levels.trellis = log2;
  for (int i = -200; q.levels.listed.size() < count; ++i) {
    const double x = element_value(type, round_element(type, i * 2.5 * kSigma / 100));
    if (q.levels.listed.empty() || x > q.levels.listed.back()) q.levels.listed.push_back(x);
  }
  q.thresholds.assign(q.levels.listed.begin() + 1, q.levels.listed.end());
  std::uniform_real_distribution<double> price(0, 1e-4);
  for (uint32_t i = 0; i < count; ++i) q.prices.push_back(price(g));
  q.prices.push_back(3e-4);
  return q;
}

Quantizer listed(ElementType type, std::vector<double> values) {
  Quantizer q;
  q.levels.type = type;
  q.levels.uniform = false;
  std::sort(values.begin(), values.end());
  q.levels.listed = values;
  for (size_t i = 1; i < values.size(); ++i)
    q.thresholds.push_back((values[i - 1] + values[i]) / 2);
  return q;
}

std::vector<double> powers(int least, int most) {
  std::vector<double> values{0};
  for (int e = least; e <= most; ++e)
    for (const double m : {1.0, 1.25, 1.5, 1.75})
      for (const double sign : {-1.0, 1.0}) values.push_back(sign * std::ldexp(m, e));
  return values;
}

void add_scales(QuantizerCase& c, uint32_t group, ScaleType type, bool zero_points, size_t elements,
                std::mt19937_64& g) {
  Levels& levels = c.quantizer.levels;
  levels.scale_type = type;
  levels.group = group;
  c.first = group / 3;
  const uint64_t groups = (c.first + elements + group - 1) / group;
  std::uniform_real_distribution<float> scale(0.001f, 0.02f);
  for (uint64_t i = 0; i < groups; ++i) {
    float s = scale(g);
    if (type == ScaleType::f16)
      s = static_cast<float>(element_value(ElementType::f16, round_element(ElementType::f16, s)));
    if (i % 11 == 3) s = 0;
    if (i % 13 == 5) s = -s;
    if (i % 17 == 6 && type == ScaleType::f32) s = std::ldexp(s, i % 2 == 0 ? 120 : -135);
    levels.scales.push_back(s);
    if (zero_points) levels.zero_points.push_back(static_cast<uint8_t>(g() % 16));
  }
}

// Elements at and next to the thresholds.
void add_ties(QuantizerCase& c) {
  const ElementType type = c.quantizer.levels.type;
  const uint32_t bytes = element_info(type).bytes;
  const uint64_t n = c.elements.size() / bytes;
  size_t at = 0;
  for (uint64_t i = 0; i + 3 < n && at < c.quantizer.thresholds.size(); i += 7) {
    double x = c.quantizer.thresholds[at];
    if (c.quantizer.levels.group != 0)
      x *= c.quantizer.levels.scales[(c.first + i) / c.quantizer.levels.group];
    at += 1 + c.quantizer.thresholds.size() / 64;
    const uint64_t bits = round_element(type, x);
    for (uint64_t d = 0; d < 3; ++d) store_element(c.elements.data(), i + d, bytes, bits + d - 1);
  }
}
}  // namespace

std::vector<QuantizerCase> quantizer_cases(ElementType type, size_t elements) {
  std::mt19937_64 g(static_cast<uint64_t>(type) * 1000 + elements);
  std::vector<QuantizerCase> cases;
  const auto add = [&](std::string name, Quantizer q) -> QuantizerCase& {
    cases.push_back({std::move(name), std::move(q), 0, {}});
    return cases.back();
  };
  add("one", uniform(type, 0.01, 0, 1, g));
  add("two", uniform(type, 0.05, 0, 2, g));
  add("16", uniform(type, 0.02, -8, 16, g));
  add("4095", uniform(type, 0.0001, -2000, 4095, g));
  Quantizer moved = uniform(type, 0.01, -20, 41, g);
  for (size_t i = 0; i < 40; ++i) moved.thresholds[i] += (i < 20 ? -1 : 1) * 0.001;
  moved.lowest = -0.15;
  moved.highest = 0.17;
  add("bounded", moved);
  Quantizer equal = uniform(type, 0.01, -20, 41, g);
  for (size_t i = 10; i < 30; ++i) equal.thresholds[i] = equal.thresholds[10];
  add("equal", equal);
  Quantizer constant = uniform(type, 0.01, -2, 5, g);
  constant.thresholds.assign(4, 0.02);
  add("all_equal", constant);
  std::vector<double> values;
  std::normal_distribution<double> normal(0, kSigma);
  for (int i = 0; i < 16; ++i) {
    const uint64_t bits = round_element(type, normal(g));
    values.push_back(element_value(type, bits));
  }
  add("listed", listed(type, values));
  add("powers", listed(type, powers(-6, 6)));
  if (type != ElementType::f8_e4m3 && type != ElementType::f8_e5m2 && type != ElementType::f16)
    add("far", listed(type, powers(-100, 100)));
  Quantizer open = uniform(type, 0.01, -2, 5, g);
  open.thresholds.front() = -std::numeric_limits<double>::infinity();
  open.thresholds.back() = std::numeric_limits<double>::infinity();
  add("open", open);
  add_scales(add("group32", uniform(type, 1, -8, 16, g)), 32, ScaleType::f16, false, elements, g);
  add_scales(add("zero_points", uniform(type, 1, 0, 16, g)), 128, ScaleType::f16, true, elements,
             g);
  add_scales(add("rows", uniform(type, 1, -128, 255, g)), 1000, ScaleType::f32, false, elements, g);
  add_scales(add("rows_zero", listed(type, powers(-3, 3))), 77, ScaleType::f32, true, elements, g);
  add_scales(add("tensor", uniform(type, 1, -4, 8, g)), 1u << 31, ScaleType::f32, false, elements,
             g);
  // A path takes the emulator long.
  const bool wide = type == ElementType::bf16 || type == ElementType::f32;
  for (const auto& [log2, levels] : {std::pair{4, 2u}, {5, 30u}, {6, 40u}, {8, 40u}})
    if (elements <= 4096 && (wide || log2 == 6))
      add("trellis" + std::to_string(1 << log2),
          along_trellis(type, static_cast<uint8_t>(log2), levels, g));
  uint64_t seed = 1;
  for (QuantizerCase& c : cases) {
    const size_t bytes = elements * element_info(type).bytes;
    c.elements = make_weights(type, bytes, kSigma, ++seed);
    const std::vector<uint8_t> special = special_floats(type, bytes / 8, ++seed);
    std::copy(special.begin(), special.end(), c.elements.begin());
    add_ties(c);
  }
  return cases;
}

std::vector<uint8_t> weights_of(ElementType type, size_t n, int kind) {
  const size_t bytes = n * element_info(type).bytes;
  switch (kind) {
    case 0:
      return make_weights(type, bytes, 0.05, n);
    case 1:
      return special_floats(type, bytes, n);
    case 2:
      return make_random(bytes, n);
    default:
      return std::vector<uint8_t>(bytes, kind == 3 ? 0x3c : 0xff);
  }
}
}  // namespace gramzip::test
