// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

#include "host/base/span_source.h"
#include "host/base/workers.h"
#include "host/engine/fixed_scale.h"
#include "host/engine/quant_pruning.h"
#include "host/engine/quant_weights.h"
#include "host/engine/quantize.h"
#include "host/engine/quantize_search.h"
#include "host/engine/quantized_source.h"

namespace gramzip {
namespace {
std::vector<float> gauss(size_t n, uint32_t seed) {
  std::mt19937 bits(seed);
  std::vector<float> out(n);
  for (float& x : out) {  // a sum of uniforms: the same with any library
    x = 0;
    for (int i = 0; i < 12; ++i) x += static_cast<float>(bits()) * 0x1p-32f - 0.5f;
  }
  return out;
}
std::vector<uint8_t> bytes_of(const std::vector<float>& v) {
  std::vector<uint8_t> out(4 * v.size());
  std::memcpy(out.data(), v.data(), out.size());
  return out;
}

PlannedTensor planned(uint64_t rows, uint64_t columns, uint64_t begin = 0) {
  PlannedTensor t;
  t.tensor = {"t", "F32", {rows, columns}, begin, begin + 4 * rows * columns, ElementType::f32};
  t.elements = rows * columns;
  t.columns = columns;
  t.weights = true;
  return t;
}

std::shared_ptr<const quant::Quantizer> halves() {
  auto q = std::make_shared<quant::Quantizer>();
  q->levels.type = ElementType::f32;
  q->levels.step = 0.5;
  q->levels.first = -4;
  q->levels.corrections.assign(9, 0);
  for (int i = -4; i < 4; ++i) q->thresholds.push_back(0.5 * i + 0.25);
  return q;
}

TEST(QuantizeEngine, ScalesAreExact) {
  EXPECT_EQ(slope_at(3), 8);
  EXPECT_EQ(slope_at(-2.5), 0.1875);
  for (double x = -40; x < 40; x += 0.37) EXPECT_NEAR(slope_place(slope_at(x)), x, 1e-12);
  EXPECT_NEAR(power_of_ten(2.5), 316.227766016838, 1e-9);
  EXPECT_NEAR(power_of_ten(-1.25), 0.0562341325190349, 1e-14);
  for (const double x : {1.0, 2.0, 316.2277, 0.001, 1e30, 1.7})
    EXPECT_NEAR(fixed_decibels(x), 10 * std::log10(x), 1e-7);
}

TEST(QuantizeEngine, SearchMeetsItsGoalInFewPasses) {
  for (const bool falls : {true, false})
    for (const double aim : {1e3, 4e5, 3e7})
      for (const double start : {-30.0, 0.0, 25.0}) {
        const auto curve = [&](double x) {
          const double r = 1e6 * std::exp2((falls ? -x : x) / 3);
          return r + 300;
        };
        const SearchGoal goal{0.998 * aim, aim, 0.9992 * aim, falls};
        int measured = 0;
        const SearchResult r = search_slope(
            goal, start, [&](double x) { return 0.9 * curve(x) + 1; },
            [&](double x) { return ++measured, curve(x) * (1 + 0.02 * std::sin(x)); });
        EXPECT_TRUE(r.met);
        EXPECT_LE(r.figure, goal.most);
        EXPECT_GE(r.figure, goal.least);
        EXPECT_LE(r.passes, 5) << aim << " from " << start;
        EXPECT_EQ(r.passes, measured);
      }
}

TEST(QuantizeEngine, SearchSaysWhatIsBeyondReach) {
  const auto curve = [](double x) { return 1000 + 1e6 / (1 + slope_at(std::min(x, 100.0))); };
  const auto estimate = [&](double x) { return 0.95 * curve(x); };
  const SearchResult low = search_slope({400, 500, 450, true}, 0, estimate, curve);
  EXPECT_FALSE(low.met);
  EXPECT_NEAR(low.figure, 1000, 5);
  const SearchResult high = search_slope({4e6, 5e6, 4.5e6, true}, 0, estimate, curve);
  EXPECT_FALSE(high.met);
  EXPECT_TRUE(high.beyond);
  EXPECT_NEAR(high.figure, 1001000, 5);
}

TEST(QuantizeEngine, SearchTakesTheNearestOfSteps) {
  const auto steps = [](double x) { return 1000 * std::floor(100 / (1 + slope_at(x))) + 1000; };
  const SearchResult r = search_slope({40100, 40200, 40150, true}, 0, steps, steps);
  EXPECT_FALSE(r.met);
  EXPECT_EQ(r.figure, 40000);
}

TEST(QuantizeEngine, RangesOfGroupsInPartsAreThoseOfFiniteWeights) {
  constexpr uint32_t kGroup = QuantJob::kPieceElements + 5000;
  std::vector<float> w(2 * kGroup, 4);
  std::fill_n(w.begin(), QuantJob::kPieceElements, NAN);  // the first part of the first group
  w[kGroup - 1] = 3;
  w[kGroup + 1] = -2;
  const std::vector<uint8_t> file = bytes_of(w);
  SpanSource original(file);
  const PlannedTensor plan = planned(2, kGroup);
  const std::vector<QuantJob> jobs = {QuantJob(plan, original)};
  const std::vector<quant::Range> ranges = QuantWeights(jobs, false).ranges(0, kGroup);
  ASSERT_EQ(ranges.size(), 2u);
  EXPECT_EQ(ranges[0].least, 3);
  EXPECT_EQ(ranges[0].most, 4);
  EXPECT_EQ(ranges[1].least, -2);
}

TEST(QuantizeEngine, SourceGivesTheSameFromAnyPlace) {
  const uint64_t rows = 300, columns = 700, begin = 1001;
  std::vector<uint8_t> file(begin, 7);
  const std::vector<uint8_t> weights = bytes_of(gauss(rows * columns, 1));
  file.insert(file.end(), weights.begin(), weights.end());
  file.insert(file.end(), 333, 9);
  SpanSource original(file);
  const PlannedTensor plan = planned(rows, columns, begin);
  QuantJob job(plan, original);
  job.quantizer = halves();
  QuantizedSource whole(original, {&job});
  std::vector<uint8_t> all(file.size() + 5);
  ASSERT_EQ(whole.read(all.data(), all.size()), file.size());
  all.resize(file.size());
  EXPECT_TRUE(std::equal(file.begin(), file.begin() + begin, all.begin()));
  EXPECT_TRUE(std::equal(file.end() - 333, file.end(), all.end() - 333));
  std::vector<float> made(rows * columns);
  std::memcpy(made.data(), all.data() + begin, weights.size());
  for (size_t i = 0; i < made.size(); ++i) EXPECT_EQ(made[i] * 2, std::floor(made[i] * 2));
  std::mt19937 random(3);
  for (int i = 0; i < 60; ++i) {
    const uint64_t at = random() % file.size();
    const size_t n = random() % (i % 5 == 0 ? file.size() : 2000);
    std::vector<uint8_t> part(n);
    part.resize(whole.read_at(at, part.data(), n));
    ASSERT_EQ(part.size(), std::min<size_t>(n, file.size() - at));
    EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + static_cast<ptrdiff_t>(at)));
  }
}

TEST(QuantizeEngine, PiecesCoverATensor) {
  for (const auto& [rows, columns] :
       {std::pair<uint64_t, uint64_t>{1, 5}, {300, 700}, {3, 200001}, {70000, 1}, {1, 131072}}) {
    std::vector<uint8_t> none;
    SpanSource file(none);
    const PlannedTensor plan = planned(rows, columns);
    for (const bool constrained : {false, true}) {
      QuantJob job(plan, file);
      job.constrained = constrained;
      job.cut_pieces();
      uint64_t at = 0;
      for (size_t i = 0; i < job.pieces(); ++i) {
        EXPECT_EQ(job.piece_begin(i), at);
        at = job.piece_end(i);
        EXPECT_GT(at, job.piece_begin(i));
        const bool whole_rows = job.piece_begin(i) % columns == 0 && at % columns == 0;
        EXPECT_TRUE(whole_rows ||
                    (!constrained && job.piece_begin(i) / columns == (at - 1) / columns));
      }
      EXPECT_EQ(at, rows * columns);
    }
    QuantJob job(plan, file);
    job.by_rows = false;
    job.cut_pieces();
    uint64_t at = 0;
    for (size_t i = 0; i < job.pieces(); ++i) {
      EXPECT_EQ(job.piece_begin(i), at);
      EXPECT_EQ(at % kRunElements, 0u);  // a path begins with the piece
      at = job.piece_end(i);
    }
    EXPECT_EQ(at, rows * columns);
  }
}

TEST(QuantizeEngine, PruningIsExact) {
  std::vector<float> values = gauss(120 * 1000, 5);
  for (size_t i = 0; i < values.size(); i += 3) values[i] = i % 2 == 0 ? 0.25f : -0.25f;  // ties
  const std::vector<uint8_t> file = bytes_of(values);
  SpanSource source(file);
  const PlannedTensor plan = planned(120, 1000);
  Workers workers(2);
  for (const PruneKind kind : {PruneKind::edge, PruneKind::node})
    for (const bool global : {false, true})
      for (const double sparsity : {0.0, 0.1, 0.2, 0.25, 0.5, 0.75}) {
        std::vector<QuantJob> jobs(2, QuantJob(plan, source));
        QuantizeOptions o;
        o.prune = kind, o.prune_global = global, o.sparsity = sparsity;
        decide_pruning(jobs, o, workers);
        size_t zeros = 0;
        for (const QuantJob& job : jobs) {
          std::vector<uint8_t> out(file.size());
          job.make(0, out);
          std::vector<float> made(values.size());
          std::memcpy(made.data(), out.data(), out.size());
          zeros += static_cast<size_t>(std::count(made.begin(), made.end(), 0.0f));
        }
        const auto want = static_cast<size_t>(2 * 120000 * sparsity + 0.5);
        EXPECT_EQ(zeros, want) << static_cast<int>(kind) << global << " " << sparsity;
      }
}
}  // namespace
}  // namespace gramzip
