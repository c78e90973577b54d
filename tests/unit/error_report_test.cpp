// SPDX-License-Identifier: Apache-2.0
#include "host/engine/error_report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "host/base/error.h"
#include "host/cpu/float_values.h"

namespace gramzip {
namespace {
struct Pair {
  std::vector<double> a, b;
};
Pair normal_pair(size_t n, double error, unsigned seed = 1) {
  std::mt19937_64 rng(seed);
  std::normal_distribution<double> value(0, 0.02), noise(0, error);
  Pair p;
  for (size_t i = 0; i < n; ++i) {
    p.a.push_back(value(rng));
    p.b.push_back(p.a.back() + noise(rng));
  }
  return p;
}
ErrorFigures figures_of(const Pair& p) {
  ErrorSums s;
  s.add(p.a, p.b);
  return s.figures();
}
bool same(const ErrorFigures& a, const ErrorFigures& b) {
  return a.elements == b.elements && a.differing == b.differing && a.signal == b.signal &&
         a.noise == b.noise && a.max_error == b.max_error && a.sum_abs_error == b.sum_abs_error &&
         a.sum_error == b.sum_error && a.histogram == b.histogram &&
         a.zeros_original == b.zeros_original && a.zeros_other == b.zeros_other &&
         a.nonfinite_equal == b.nonfinite_equal && a.nonfinite_differ == b.nonfinite_differ;
}

TEST(ErrorSums, FiguresByDefinition) {
  const Pair p = normal_pair(10'001, 0.001);
  const ErrorFigures f = figures_of(p);
  long double signal = 0, noise = 0, sizes = 0, sum = 0, most = 0;
  for (size_t i = 0; i < p.a.size(); ++i) {
    const long double d = p.b[i] - p.a[i];
    signal += static_cast<long double>(p.a[i]) * p.a[i], noise += d * d;
    sizes += std::fabs(d), sum += d, most = std::max(most, std::fabs(d));
  }
  EXPECT_NEAR(f.signal, static_cast<double>(signal), 1e-12 * f.signal);
  EXPECT_NEAR(f.noise, static_cast<double>(noise), 1e-12 * f.noise);
  EXPECT_NEAR(f.mean_abs_error(), static_cast<double>(sizes / p.a.size()), 1e-15);
  EXPECT_NEAR(f.mean_error(), static_cast<double>(sum / p.a.size()), 1e-15);
  EXPECT_EQ(f.max_error, static_cast<double>(most));
  EXPECT_NEAR(f.sqnr_db(), static_cast<double>(10 * std::log10(signal / noise)), 1e-10);
  EXPECT_NEAR(f.sqnr_db(), 26.0, 0.3);
  EXPECT_EQ(f.elements, p.a.size());
  EXPECT_EQ(f.differing, p.a.size());
}

TEST(ErrorSums, TheSameHoweverTheyAreCut) {
  const Pair p = normal_pair(50'000, 0.003);
  const ErrorFigures whole = figures_of(p);
  std::mt19937 rng(3);
  for (int round = 0; round < 5; ++round) {
    ErrorSums s;
    for (size_t at = 0; at < p.a.size();) {
      const size_t n = std::min<size_t>(p.a.size() - at, round == 0 ? 1 : rng() % 9000);
      s.add(std::span(p.a).subspan(at, n), std::span(p.b).subspan(at, n));
      at += n;
      if (round == 1) s.figures();  // does not change what follows
    }
    EXPECT_TRUE(same(s.figures(), whole)) << round;
  }
}

TEST(ErrorSums, TheSameWhenMerged) {
  constexpr size_t kPiece = ErrorSums::kPieceElements;
  const Pair p = normal_pair(2 * kPiece + 777, 0.003);
  const ErrorFigures whole = figures_of(p);
  ErrorSums merged, rest;
  for (size_t at = 0; at < p.a.size(); at += kPiece) {
    const size_t n = std::min(kPiece, p.a.size() - at);
    ErrorSums s;
    s.add(std::span(p.a).subspan(at, n), std::span(p.b).subspan(at, n));
    merged.merge(s);
  }
  EXPECT_TRUE(same(merged.figures(), whole));
  EXPECT_THROW(merged.merge(rest), Error);
}

TEST(ErrorSums, TypesAreTheirValues) {
  const Pair p = normal_pair(5'000, 0.002);
  for (const ElementType t : {ElementType::bf16, ElementType::f16, ElementType::f8_e4m3,
                              ElementType::f8_e5m2, ElementType::f32, ElementType::f64}) {
    const size_t bytes = element_info(t).bytes;
    std::vector<uint8_t> a(bytes * p.a.size()), b(8 * p.b.size());
    cpu::from_doubles(t, p.a.data(), p.a.size(), a.data());
    cpu::from_doubles(ElementType::f64, p.b.data(), p.b.size(), b.data());
    Pair read = p;
    cpu::to_doubles(t, a.data(), p.a.size(), read.a.data());
    ErrorSums s;
    s.add(a.data(), t, b.data(), ElementType::f64, p.a.size());
    EXPECT_TRUE(same(s.figures(), figures_of(read)));
    ErrorSums equal;
    equal.add(a, a, t);
    EXPECT_EQ(equal.figures().sqnr_db(), INFINITY);
    EXPECT_THROW(equal.add(a, std::span(a).first(a.size() - bytes), t), Error);
  }
}

TEST(ErrorSums, NaNAndInfinity) {
  const double nan = NAN, inf = INFINITY;
  ErrorFigures f = figures_of({{1, nan, inf, -inf, 0, -0.0}, {1.5, nan, inf, -inf, -0.0, 0}});
  EXPECT_EQ(f.nonfinite_equal, 3u);
  EXPECT_EQ(f.nonfinite_differ, 0u);
  EXPECT_EQ(f.differing, 1u);
  EXPECT_EQ(f.finite(), 3u);
  EXPECT_EQ(f.zeros_original, 2u);
  EXPECT_DOUBLE_EQ(f.sqnr_db(), 10 * std::log10(1 / 0.25));
  for (const auto& [a, b] :
       {std::pair{nan, 1.0}, {1.0, nan}, {inf, -inf}, {inf, 1.0}, {1.0, inf}, {nan, inf}}) {
    f = figures_of({{a, 1}, {b, 1}});
    EXPECT_EQ(f.nonfinite_differ, 1u);
    EXPECT_EQ(f.differing, 1u);
    EXPECT_TRUE(std::isnan(f.sqnr_db()));
    EXPECT_EQ(f.max_error, 0);
  }
}

TEST(ErrorSums, Extremes) {
  EXPECT_EQ(ErrorSums().figures().sqnr_db(), INFINITY);  // nothing differs
  EXPECT_EQ(ErrorSums().figures().mean_error(), 0);
  EXPECT_EQ(figures_of({{0, 0}, {0, 1}}).sqnr_db(), -INFINITY);
  EXPECT_EQ(figures_of({{3, 4}, {3, 4}}).sqnr_db(), INFINITY);
  EXPECT_TRUE(std::isnan(figures_of({{1e200}, {1e199}}).sqnr_db()));    // beyond doubles
  EXPECT_TRUE(std::isnan(figures_of({{1e-200}, {2e-200}}).sqnr_db()));  // below them
}

TEST(ErrorSums, Histogram) {
  // Uniform errors of a step: flat to half a step, nothing beyond.
  Pair p = normal_pair(100'000, 0);
  const double step = 0.004;
  for (size_t i = 0; i < p.a.size(); ++i) p.b[i] = std::nearbyint(p.a[i] / step) * step;
  const ErrorFigures f = figures_of(p);
  const auto& h = f.histogram;
  EXPECT_EQ(std::accumulate(h.begin(), h.end(), uint64_t{0}), p.a.size());
  for (size_t b = 0; b < h.size(); ++b) {
    const double middle = (static_cast<double>(b) - 31) / 8;  // of the root mean square
    if (std::fabs(middle) < 1.6)
      EXPECT_NEAR(static_cast<double>(h[b]), 100'000 / (8 * std::sqrt(12.0)), 350) << b;
    if (std::fabs(middle) > 2) EXPECT_EQ(h[b], 0u) << b;
  }
  // Without errors there is none; half zeros lie in the middle; large ones at the ends.
  EXPECT_EQ(figures_of({{1, 2}, {1, 2}}).histogram, ErrorFigures().histogram);
  Pair q{std::vector<double>(1000, 1.0), std::vector<double>(1000, 1.0)};
  q.b[5] = 2;
  q.b[6] = 0;
  const auto far = figures_of(q).histogram;
  EXPECT_EQ(far[31], 998u);
  EXPECT_EQ(far[0], 1u);
  EXPECT_EQ(far[62], 1u);
}

TEST(ErrorReport, AddsUp) {
  ErrorReport r;
  TensorError a, b, c;
  a.figures = figures_of(normal_pair(1000, 0.001, 1));
  a.original_bytes = 2000, a.stored_bytes = 500;
  b.figures = figures_of(normal_pair(3000, 0.004, 2));
  b.original_bytes = 6000, b.stored_bytes = 2000, b.seconds = 0.5;
  c.exact = true;
  c.elements = 10, c.original_bytes = 80, c.stored_bytes = 80;
  r.tensors = {a, b, c};
  r.add_up();
  EXPECT_EQ(r.total.figures.noise, a.figures.noise + b.figures.noise);
  EXPECT_EQ(r.total.figures.elements, 4000u);
  EXPECT_EQ(r.total.elements, 4010u);
  EXPECT_DOUBLE_EQ(*r.total.bits_per_weight(), 8 * 2580 / 4010.0);
  EXPECT_DOUBLE_EQ(*r.total.ratio(), 8080 / 2580.0);
  EXPECT_EQ(*r.total.seconds, 0.5);
  EXPECT_DOUBLE_EQ(*a.bits_per_weight(), 4);
  EXPECT_TRUE(r.same_tensors());
  r.tensors[2].figures.differing = 1;
  EXPECT_FALSE(r.same_tensors());
  r.tensors[0].stored_bytes.reset();
  r.add_up();
  EXPECT_FALSE(r.total.bits_per_weight());
  EXPECT_FALSE(TensorError().ratio());
}
}  // namespace
}  // namespace gramzip
