// SPDX-License-Identifier: Apache-2.0
// Quantization and pruning on a device and on the CPU's threads against the plain loops: the same
// bits.
#include "host/backend/quantize_loops.h"
#include "tests/parity/device.h"
#include "tests/registry/cases.h"
#include "tests/registry/quantizers.h"

namespace gramzip {
namespace {
using cpu::MagnitudeSelect;
using test::QuantizerCase;

// Small pieces: results must not depend on them.
std::unique_ptr<QuantizeLoops> device_loops(uint64_t piece, uint32_t ctas = 132) {
  std::string why;
  QuantizeDeviceOptions o;
  o.piece = piece;
  o.least = 0;
  o.ctas = ctas;
  o.threads = 1;
  auto loops = make_cuda_quantize_loops(0, why, o);
  if (!loops && std::getenv("GRAMZIP_REQUIRE_GPU") != nullptr) ADD_FAILURE() << why;
  return loops;
}
#define GRAMZIP_LOOPS_OR_SKIP(...)              \
  const auto loops = device_loops(__VA_ARGS__); \
  if (!loops) GTEST_SKIP() << "no device answers"

void expect_same(const quant::Distribution& a, const quant::Distribution& b) {
  ASSERT_EQ(a.buckets.size(), b.buckets.size());
  for (size_t i = 0; i < a.buckets.size(); ++i) {
    ASSERT_EQ(a.buckets[i].count, b.buckets[i].count);
    ASSERT_EQ(a.buckets[i].sum, b.buckets[i].sum);
    ASSERT_EQ(a.buckets[i].sum_of_squares, b.buckets[i].sum_of_squares);
  }
  EXPECT_EQ(std::tuple(a.count, a.not_finite, a.sum, a.sum_of_squares, a.least, a.most),
            std::tuple(b.count, b.not_finite, b.sum, b.sum_of_squares, b.least, b.most));
}

using Types = std::initializer_list<ElementType>;
constexpr Types kAll{ElementType::bf16, ElementType::f16,     ElementType::f32,
                     ElementType::f64,  ElementType::f8_e4m3, ElementType::f8_e5m2};
constexpr Types kTwo{ElementType::bf16, ElementType::f32};

void quantize_parity(QuantizeLoops& loops, size_t elements, Types types = kAll) {
  for (const ElementType type : types)
    for (const QuantizerCase& c : test::quantizer_cases(type, elements)) {
      SCOPED_TRACE(c.name + " " + element_info(type).name);
      std::vector<uint16_t> expected(elements), got(elements);
      cpu::quantize_to_indexes(c.quantizer, c.first, c.elements, expected);
      loops.quantize_to_indexes(c.quantizer, c.first, c.elements, got);
      ASSERT_EQ(got, expected);
      std::vector<uint8_t> a = c.elements, b = c.elements, by_index = c.elements;
      cpu::quantize(c.quantizer, c.first, a);
      loops.quantize(c.quantizer, c.first, b);
      ASSERT_EQ(a, b);
      loops.dequantize(c.quantizer.levels, c.first, expected, by_index);
      ASSERT_EQ(by_index, a);
    }
}

void count_parity(QuantizeLoops& loops, size_t n, Types types = kAll) {
  for (const ElementType type : types)
    for (int kind = 0; kind < 5; ++kind) {
      SCOPED_TRACE(std::string(element_info(type).name) + " " + std::to_string(kind));
      const std::vector<uint8_t> w = test::weights_of(type, n, kind);
      cpu::DistributionCounter counter(type);
      counter.add(w);
      expect_same(loops.distribution(type, w), counter.finish());
      for (const uint32_t group : {8u, 32u, 100u, 5000u, 1u << 31}) {
        const auto a = cpu::group_ranges(type, w, group), b = loops.group_ranges(type, w, group);
        ASSERT_EQ(a.size(), b.size());
        for (size_t g = 0; g < a.size(); ++g)
          ASSERT_EQ(std::pair(a[g].least, a[g].most), std::pair(b[g].least, b[g].most)) << g;
      }
    }
}

void prune_parity(QuantizeLoops& loops, size_t n, Types types = kAll) {
  for (const ElementType type : types)
    for (int kind = 0; kind < 5; ++kind) {
      SCOPED_TRACE(std::string(element_info(type).name) + " " + std::to_string(kind));
      const std::vector<uint8_t> w = test::weights_of(type, n, kind);
      for (const uint64_t k : {uint64_t{1}, n / 2, uint64_t{n}}) {
        MagnitudeSelect select, other;
        select.count_high(type, w);
        loops.count_high(other, type, w);
        select.choose(k);
        other.choose(k);
        select.count_low(type, w);
        loops.count_low(other, type, w);
        MagnitudeSelect::Cut a = select.cut(), b = other.cut();
        ASSERT_EQ(a.below, b.below);
        ASSERT_EQ(a.ties, b.ties);
        std::vector<uint8_t> x = w, y = w;
        ASSERT_EQ(cpu::prune_edges(type, a, x), k);
        ASSERT_EQ(loops.prune_edges(type, b, y), k);
        ASSERT_EQ(x, y) << k;
        ASSERT_EQ(a.ties, b.ties);
      }
      for (const uint64_t columns : {1, 3, 30, 500}) {
        const std::vector<uint8_t> rows(
            w.begin(),
            w.begin() + static_cast<ptrdiff_t>(n / columns * columns * element_info(type).bytes));
        ASSERT_EQ(cpu::row_norms(type, rows, columns), loops.row_norms(type, rows, columns));
        std::vector<uint8_t> x = rows, y = rows;
        cpu::prune_two_of_four(type, x, columns);
        loops.prune_two_of_four(type, y, columns);
        ASSERT_EQ(x, y) << columns;
      }
    }
}
}  // namespace

TEST(QuantizeParity, EveryQuantizer) {
  GRAMZIP_LOOPS_OR_SKIP(4096);
  test::for_schedules(4, [&](int) { quantize_parity(*loops, 3001); });
}

TEST(QuantizeParity, CtasTakeSeveralPieces) {
  GRAMZIP_LOOPS_OR_SKIP(1 << 20, 1);
  test::for_schedules(2, [&](int) { quantize_parity(*loops, 20'003); });
}

TEST(QuantizeParity, Counts) {
  GRAMZIP_LOOPS_OR_SKIP(20'000);
  test::for_schedules(3, [&](int) { count_parity(*loops, 6007); });
}

// Bins that overflow again and again: elements that are all equal, by one CTA.
TEST(QuantizeParity, LargeBins) {
  GRAMZIP_LOOPS_OR_SKIP(1 << 22, 1);
  constexpr size_t n = 150'001;
  test::for_schedules(3, [&](int) {
    for (const ElementType type : {ElementType::bf16, ElementType::f32, ElementType::f8_e5m2})
      for (const int kind : {0, 3}) {
        const std::vector<uint8_t> w = test::weights_of(type, n, kind);
        MagnitudeSelect select, other;
        select.count_high(type, w);
        loops->count_high(other, type, w);
        select.choose(n / 3);
        other.choose(n / 3);
        select.count_low(type, w);
        loops->count_low(other, type, w);
        ASSERT_EQ(select.cut().below, other.cut().below);
        ASSERT_EQ(select.cut().ties, other.cut().ties);
      }
  });
}

TEST(PruneParity, EveryKind) {
  GRAMZIP_LOOPS_OR_SKIP(8'192);
  test::for_schedules(3, [&](int) { prune_parity(*loops, 2500); });
}

// Ties over several rounds of the scan: more strips than its threads.
TEST(PruneParity, ManyStrips) {
  GRAMZIP_LOOPS_OR_SKIP(8 << 20);
  constexpr size_t n = (1 << 20) + 77'777;
  const std::vector<uint8_t> w(n * 2, 0x3c);
  MagnitudeSelect select;
  select.count_high(ElementType::bf16, w);
  for (const uint64_t k : {uint64_t{1}, uint64_t{n - 60'000}}) {
    MagnitudeSelect again;
    again.merge(select);
    again.choose(k);
    MagnitudeSelect::Cut cut = again.cut();
    std::vector<uint8_t> x = w;
    ASSERT_EQ(loops->prune_edges(ElementType::bf16, cut, x), k);
    ASSERT_TRUE(std::all_of(x.begin(), x.begin() + static_cast<ptrdiff_t>(2 * k),
                            [](uint8_t b) { return b == 0; }));
    ASSERT_TRUE(std::all_of(x.begin() + static_cast<ptrdiff_t>(2 * k), x.end(),
                            [](uint8_t b) { return b == 0x3c; }));
  }
}

// The CPU's threads, over more than one piece each.
TEST(QuantizeParity, CpuThreads) {
  const auto loops = make_cpu_quantize_loops(4);
  quantize_parity(*loops, 140'001, kTwo);
  count_parity(*loops, 140'001, kTwo);
  prune_parity(*loops, 140'000, kTwo);
  for (const uint64_t columns : {200'000u, 100'000u, 7u}) {
    std::vector<uint8_t> x = test::weights_of(ElementType::f32, 600'000, 0), y = x;
    x.resize(x.size() / (4 * columns) * 4 * columns);
    y.resize(x.size());
    cpu::prune_two_of_four(ElementType::f32, x, columns);
    loops->prune_two_of_four(ElementType::f32, y, columns);
    ASSERT_EQ(x, y);
  }
  for (const QuantizerCase& c : test::quantizer_cases(ElementType::f32, 300'000)) {
    if (c.name != "16" && c.name != "group32") continue;
    std::vector<uint16_t> a(300'000);
    cpu::quantize_to_indexes(c.quantizer, c.first, c.elements, a);
    std::vector<uint16_t> b = a;
    cpu::constrain_means(c.quantizer, c.first, 500, c.elements, a);
    loops->constrain_means(c.quantizer, c.first, 500, c.elements, b);
    ASSERT_EQ(a, b) << c.name;
  }
}
}  // namespace gramzip
