// SPDX-License-Identifier: Apache-2.0
// Pruning against sorting.
#include "host/cpu/prune.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "gramzip/core/float_bits.h"
#include "tests/registry/cases.h"
#include "tests/registry/quantizers.h"

namespace gramzip {
namespace {
using cpu::MagnitudeSelect;
using test::kFloatTypes;

// |x| as F32; NaN is above all.
double magnitude(ElementType type, uint64_t x) {
  const double v = std::abs(element_value(type, x));
  if (std::isnan(v)) return std::numeric_limits<double>::infinity();
  const auto f = static_cast<float>(v);
  return std::isinf(f) ? std::numeric_limits<double>::max() : f;
}

struct Piece {
  ElementType type;
  std::vector<uint8_t> elements;
};

// The k smallest in order, ties by place, become 0.
std::vector<Piece> pruned_by_sorting(std::vector<Piece> pieces, uint64_t k) {
  struct Weight {
    double magnitude;
    size_t piece, at;
  };
  std::vector<Weight> all;
  for (size_t p = 0; p < pieces.size(); ++p) {
    const uint32_t bytes = element_info(pieces[p].type).bytes;
    for (size_t i = 0; i < pieces[p].elements.size() / bytes; ++i)
      all.push_back(
          {magnitude(pieces[p].type, load_element(pieces[p].elements.data(), i, bytes)), p, i});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Weight& a, const Weight& b) { return a.magnitude < b.magnitude; });
  for (uint64_t i = 0; i < k; ++i)
    store_element(pieces[all[i].piece].elements.data(), all[i].at,
                  element_info(pieces[all[i].piece].type).bytes, 0);
  return pieces;
}

void expect_pruned(const std::vector<Piece>& pieces, uint64_t k) {
  MagnitudeSelect select, beside;
  for (size_t p = 0; p < pieces.size(); ++p)
    (p % 2 == 0 ? select : beside).count_high(pieces[p].type, pieces[p].elements);
  select.merge(beside);
  select.choose(k);
  MagnitudeSelect low = select.begin_low();
  for (size_t p = 0; p < pieces.size(); ++p)
    (p % 2 == 0 ? select : low).count_low(pieces[p].type, pieces[p].elements);
  select.merge(low);
  MagnitudeSelect::Cut cut = select.cut();
  const std::vector<Piece> expected = pruned_by_sorting(pieces, k);
  uint64_t pruned = 0, ties = 0;
  for (size_t p = 0; p < pieces.size(); ++p) {
    ties += cpu::count_ties(pieces[p].type, select.cut(), pieces[p].elements);
    std::vector<uint8_t> got(1);  // an odd address
    got.insert(got.end(), pieces[p].elements.begin(), pieces[p].elements.end());
    pruned += cpu::prune_edges(pieces[p].type, cut, std::span(got).subspan(1));
    ASSERT_TRUE(std::equal(got.begin() + 1, got.end(), expected[p].elements.begin(),
                           expected[p].elements.end()))
        << p;
  }
  EXPECT_EQ(pruned, k);
  EXPECT_EQ(cut.ties, 0u);
  EXPECT_GE(ties, select.cut().ties);
}

TEST(PruneEdges, ExactToOneWeight) {
  constexpr size_t n = 1501;
  for (const ElementType type : kFloatTypes)
    for (int kind = 0; kind < 4; ++kind) {
      SCOPED_TRACE(std::string(element_info(type).name) + " " + std::to_string(kind));
      const std::vector<Piece> pieces{{type, test::weights_of(type, n, kind)}};
      for (const uint64_t k : {0, 1, 2, 700, 750, 751, 1400, 1500, 1501}) expect_pruned(pieces, k);
    }
}

TEST(PruneEdges, OverTensorsOfAllTypes) {
  std::vector<Piece> pieces;
  for (const ElementType type : kFloatTypes)
    for (int kind = 0; kind < 4; ++kind) pieces.push_back({type, test::weights_of(type, 300, kind)});
  pieces.push_back({ElementType::f32, {}});
  for (const uint64_t k : {0, 1, 1000, 3333, 5000, 7199, 7200}) expect_pruned(pieces, k);
}

TEST(RowNorms, AreSumsOfSquares) {
  for (const ElementType type : kFloatTypes) {
    const uint32_t bytes = element_info(type).bytes;
    for (const uint64_t columns : {1, 31, 32, 33, 64, 257}) {
      const size_t rows = 5;
      std::vector<uint8_t> elements =
          test::make_weights(type, rows * columns * bytes, 0.3, columns);
      elements[bytes - 1] = 0xff;  // a NaN
      if (bytes > 1) elements[bytes - 2] = 0xff;
      const std::vector<double> norms = cpu::row_norms(type, elements, columns);
      ASSERT_EQ(norms.size(), rows);
      for (size_t r = 0; r < rows; ++r) {
        double sums[32] = {};
        for (uint64_t i = 0; i < columns; ++i) {
          const uint64_t x = load_element(elements.data(), r * columns + i, bytes);
          if (!is_finite(float_layout(type), x)) continue;
          const double w = element_value(type, x);
          sums[i % 32] += w * w;
        }
        for (int s = 16; s > 0; s /= 2)
          for (int l = 0; l < s; ++l) sums[l] += sums[l + s];
        EXPECT_EQ(norms[r], sums[0]);
      }
    }
    EXPECT_TRUE(cpu::row_norms(type, {}, 7).empty());
  }
}

TEST(TwoOfFour, HalfOfEachFour) {
  for (const ElementType type : kFloatTypes)
    for (int kind = 0; kind < 4; ++kind)
      for (const uint64_t columns : {1, 2, 3, 4, 7, 64, 103}) {
        const uint32_t bytes = element_info(type).bytes;
        const std::vector<uint8_t> before = test::weights_of(type, 12 * columns, kind);
        std::vector<uint8_t> odd(1);
        odd.insert(odd.end(), before.begin(), before.end());
        cpu::prune_two_of_four(type, std::span(odd).subspan(1), columns);
        std::vector<uint8_t> expected = before;
        const auto bits = [&](uint64_t i) {
          const uint64_t x = load_element(before.data(), i, bytes);
          return x & (float_layout(type).sign_bit() - 1);
        };
        for (uint64_t r = 0; r < 12; ++r)
          for (uint64_t i = 0; i < columns; i += 4) {
            std::vector<uint64_t> order(std::min<uint64_t>(4, columns - i));
            std::iota(order.begin(), order.end(), r * columns + i);
            std::sort(order.begin(), order.end(), [&](uint64_t a, uint64_t b) {
              return bits(a) != bits(b) ? bits(a) < bits(b) : a > b;
            });
            for (size_t k = 0; k < order.size() / 2; ++k)
              store_element(expected.data(), order[k], bytes, 0);
          }
        ASSERT_TRUE(std::equal(odd.begin() + 1, odd.end(), expected.begin(), expected.end()))
            << element_info(type).name << " " << kind << " " << columns;
      }
}
}  // namespace
}  // namespace gramzip
