// SPDX-License-Identifier: Apache-2.0
#include "tests/registry/trellis_cases.h"

#include <algorithm>
#include <random>

#include "gramzip/core/quant.h"

namespace gramzip::test {
namespace {
using Bytes = std::vector<uint8_t>;
using quant::Levels;

double bell(std::mt19937_64& g) {
  double x = -6;
  for (int k = 0; k < 12; ++k) x += static_cast<double>(g() >> 11) * 0x1p-53;
  return x;
}

QuantCase make_case(const std::string& name, const Levels& l, Bytes content) {
  return {std::string(element_info(l.type).name).append("/trellis-").append(name), l, 0,
          std::move(content)};
}

std::string number(uint64_t n) { return std::to_string(n); }

// Levels 0, 4, 8: state 0 goes on for ever.
QuantCase one_quantizer(ElementType type, size_t n) {
  const Levels l = trellis_levels(type, 12, 4);
  const uint32_t e = element_info(type).bytes;
  Bytes content(n * e);
  std::mt19937_64 g(n);
  for (size_t j = 0; j < n; ++j)
    store_element(content.data(), j, e, l.element(4 * (g() % 8 == 0 ? g() % 3 : 0), 0));
  return make_case("one-quantizer", l, std::move(content));
}

// Runs of two spreads: classes pay.
QuantCase uneven(ElementType type, size_t runs, uint32_t log2) {
  const Levels l = trellis_levels(type, 48, log2);
  Bytes content;
  for (size_t r = 0; r < runs; ++r) {
    const Bytes run = draw_trellis(l, kRunElements, {r % 3 == 0 ? 1.0 : 9.0, 0}, r);
    content.insert(content.end(), run.begin(), run.end());
  }
  return make_case("uneven", l, std::move(content));
}
}  // namespace

Levels trellis_levels(ElementType type, uint32_t count, uint32_t log2) {
  Levels l = uniform_levels(type, count);
  l.trellis = static_cast<uint8_t>(log2);
  return l;
}

Bytes draw_trellis(const Levels& l, size_t n, const QuantShape& shape, uint64_t seed) {
  std::mt19937_64 g(seed);
  const uint32_t e = element_info(l.type).bytes, half = l.count() / 2;
  const quant::Trellis trellis = quant::trellis_of(l.trellis);
  const uint64_t all = ~uint64_t{0} >> (64 - 8 * e);
  Bytes out(n * e);
  uint32_t state = 0;
  for (size_t j = 0; j < n; ++j) {
    if (j % kRunElements == 0) state = 0;
    const double at = (half - 1) / 2.0 + bell(g) * shape.spread / 2 + 0.5;
    const auto s = static_cast<uint32_t>(std::clamp(at, 0.0, half - 1.0));
    uint64_t x = l.element(2 * s + (state & 1u), 0);
    uint32_t bit = s & 1u;
    if (g() % 65536 < shape.escapes) {
      x = g() % 2 == 0 ? g() & all : l.element(2 * s + (~state & 1u), 0);
      bit = 0;
    }
    store_element(out.data(), j, e, x);
    state = trellis.next(state, bit);
  }
  return out;
}

std::vector<QuantCase> edge_trellis() {
  std::vector<QuantCase> cases;
  uint32_t log2 = quant::kMinTrellisLog2;
  const auto next_log2 = [&] {
    return log2 = log2 == quant::kMaxTrellisLog2 ? quant::kMinTrellisLog2 : log2 + 1;
  };
  for (const ElementType type : {ElementType::bf16, ElementType::f16, ElementType::f32,
                                 ElementType::f64, ElementType::f8_e4m3, ElementType::f8_e5m2}) {
    const uint32_t e = element_info(type).bytes;
    for (const size_t n : {1, 3, 255, 256, 257, 8191, 8193, 33333}) {
      const Levels l = trellis_levels(type, 8, next_log2());
      cases.push_back(make_case("n-" + number(n), l, draw_trellis(l, n, {1.0, 40}, n)));
    }
    for (const uint32_t levels : {2, 4, 18, 256, 1000, 4094}) {
      const Levels l = trellis_levels(type, levels, next_log2());
      cases.push_back(make_case("levels-" + number(levels), l,
                                draw_trellis(l, 10011, {1 + levels / 16.0, 100}, levels)));
    }
    const Levels l = trellis_levels(type, 6, next_log2());
    cases.push_back(make_case("unaware", l, draw_levels(l, 0, 5000, {1.0, 10}, 5)));
    cases.push_back(make_case("escapes", l, draw_trellis(l, 5000, {1.0, 9000}, 6)));
    cases.push_back(make_case("none", l, draw_levels(l, 0, 1000, {1.0, 65536}, 7)));
    cases.push_back(one_quantizer(type, 4000));
    cases.push_back(uneven(type, 300, next_log2()));
    if (e <= 2)
      cases.push_back(make_case(
          "blocks", l, draw_trellis(l, (e == 1 ? 1u << 19 : 1u << 20) / e + 300, {1.0, 2}, 8)));
    Levels other = l;
    other.coder = quant::CoderChoice::horner;
    cases.push_back(make_case("horner", other, draw_trellis(l, 5000, {1.0, 10}, 9)));
    other.coder = quant::CoderChoice::zero_runs;
    cases.push_back(make_case("zero-runs", other, draw_trellis(l, 5000, {0.5, 10}, 10)));
  }
  return cases;
}

std::vector<QuantCase> small_trellis() {
  std::vector<QuantCase> cases;
  Levels l = trellis_levels(ElementType::bf16, 16, 8);
  cases.push_back(make_case("states", l, draw_trellis(l, 6000, {2.0, 0}, 1)));
  l = trellis_levels(ElementType::f32, 8, 2);
  cases.push_back(make_case("escapes", l, draw_trellis(l, 3000, {1.0, 900}, 2)));
  cases.push_back(uneven(ElementType::f16, 40, 5));
  cases.push_back(one_quantizer(ElementType::f64, 1500));
  l = trellis_levels(ElementType::f8_e4m3, 8, 3);
  cases.push_back(make_case("bytes", l, draw_trellis(l, 7000, {0.7, 60}, 3)));
  return cases;
}
}  // namespace gramzip::test
