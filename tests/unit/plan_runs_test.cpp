// SPDX-License-Identifier: Apache-2.0
// How tensors and what lies between them become runs.
#include <gtest/gtest.h>

#include "host/engine/plan_runs.h"

namespace gramzip {
namespace {
constexpr ElementType kBf16 = ElementType::bf16, kF32 = ElementType::f32;

struct Layout {
  Checkpoint c{MemberKind::zip, {}};
  uint64_t at = 0;
  Layout& gap(uint64_t n) {
    at += n;
    return *this;
  }
  Layout& tensor(ElementType type, uint64_t n, uint16_t period = 0) {
    Tensor t;
    t.name = std::to_string(c.tensors.size());
    t.type = type;
    t.begin = at;
    t.end = at += n;
    t.period = period;
    c.tensors.push_back(t);
    return *this;
  }
};
// "BF16 100" for a run of a type, "? 100" for one that is looked at; the last one has no end.
std::vector<std::string> runs_of(const Layout& l, uint64_t text = 0,
                                 const std::vector<uint32_t>& twins = {}) {
  std::vector<std::string> out;
  const auto none = [](const Tensor&) { return std::optional<uint64_t>(); };
  uint64_t sum = 0;
  for (const Run& r : plan_runs(l.c, text, twins, none, {})) {
    if (r.bytes == kToTheEnd) continue;
    sum += r.bytes;
    std::string s = r.automatic ? "?" : element_info(r.type).name;
    s.append(" ").append(std::to_string(r.bytes));
    out.push_back(std::move(s));
  }
  EXPECT_EQ(sum, l.at);
  return out;
}
using Strings = std::vector<std::string>;
}  // namespace

TEST(PlanRuns, SmallTensorsOfATypeShareARun) {
  EXPECT_EQ(runs_of(Layout().gap(80).tensor(kBf16, 5000).tensor(kBf16, 100).tensor(kF32, 8000), 80),
            (Strings{"text 80", "BF16 5100", "F32 8000"}));
  EXPECT_EQ(runs_of(Layout().tensor(kBf16, 1'200'000).tensor(kBf16, 5000).tensor(kBf16, 1'200'000)),
            (Strings{"BF16 1200000", "BF16 5000", "BF16 1200000"}));
}

TEST(PlanRuns, GapsJoinWhereElementsStayInStep) {
  EXPECT_EQ(
      runs_of(Layout().tensor(kF32, 5000).gap(64).tensor(kF32, 5000).gap(128).tensor(kF32, 8)),
      (Strings{"F32 10192", "F32 8"}));
  EXPECT_EQ(runs_of(Layout().tensor(kF32, 5000).gap(63).tensor(kF32, 5000)),
            (Strings{"F32 5000", "? 63", "F32 5000"}));
  // More gap than tensor: looked at as a whole.
  Layout many;
  for (int i = 0; i < 1000; ++i) many.gap(64).tensor(kF32, 8);
  EXPECT_EQ(runs_of(many), (Strings{"? 72000"}));
  Layout odd;
  for (int i = 0; i < 1000; ++i) odd.gap(63).tensor(kF32, 2000);
  EXPECT_EQ(runs_of(odd), (Strings{"? 2063000"}));
  EXPECT_EQ(runs_of(Layout().tensor(kBf16, 5000).gap(64).tensor(kF32, 5000)),
            (Strings{"BF16 5064", "F32 5000"}));
}

TEST(PlanRuns, ShortRunsAreNotWorthASection) {
  Layout l;
  for (int i = 0; i < 50; ++i) l.tensor(kBf16, 200).tensor(kF32, 400);
  EXPECT_EQ(runs_of(l), (Strings{"? 30000"}));
  EXPECT_EQ(runs_of(Layout().tensor(kBf16, 1'200'000).tensor(kF32, 4).tensor(kBf16, 1'200'000)),
            (Strings{"BF16 1200000", "F32 4", "BF16 1200000"}));
}

TEST(PlanRuns, TwinsAndRecordsAndOddSizes) {
  EXPECT_EQ(
      runs_of(Layout().tensor(kBf16, 5000).tensor(kBf16, 5000).tensor(kBf16, 5000), 0, {0, 1, 1}),
      (Strings{"BF16 5000", "BF16 5000", "BF16 5000"}));
  EXPECT_EQ(runs_of(Layout()
                        .tensor(ElementType::bytes, 14400, 144)
                        .gap(288)
                        .tensor(ElementType::bytes, 14400, 144)),
            (Strings{"bytes 29088"}));
  EXPECT_EQ(runs_of(Layout().tensor(kF32, 5001)), (Strings{"bytes 5001"}));
}

TEST(PlanRuns, WhatTheBaseHasGoesOnWithTheRun) {
  const Layout l = Layout().tensor(kF32, 5000).tensor(kF32, 5000).tensor(kF32, 5000);
  const auto base = [](const Tensor& t) {
    return std::optional<uint64_t>(t.begin + (t.name == "2" ? 200 : 100));
  };
  const auto runs = plan_runs(l.c, 0, {}, base, {});
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_EQ(runs[0].bytes, 10'000u);
  EXPECT_EQ(runs[0].base_at, 100u);
  EXPECT_EQ(runs[1].base_at, 10'200u);
}

TEST(PlanRuns, TensorsBeyond4GiBAndManyOfThem) {
  const uint64_t n = uint64_t{5} << 32;
  EXPECT_EQ(runs_of(Layout().tensor(kF32, n).gap(4).tensor(kF32, n)),
            (Strings{"F32 21474836480", "? 4", "F32 21474836480"}));
  Layout many;
  for (int i = 0; i < 200'000; ++i) many.tensor(kBf16, 2000).gap(64);
  EXPECT_EQ(runs_of(many.tensor(kBf16, 2000)), (Strings{"BF16 412802000"}));
}
}  // namespace gramzip
