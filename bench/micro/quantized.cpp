// SPDX-License-Identifier: Apache-2.0
// Quantized weights on one thread: size against entropy, and speeds in elements/s, by rate and
// type. Levels are those of a bell, `spread` levels wide.
//
//   bench_quantized [--benchmark_...]
#include <benchmark/benchmark.h>

#include <cmath>
#include <map>

#include "host/backend/cpu_blocks.h"
#include "host/cpu/quantize.h"
#include "host/frame/segment_meta.h"
#include "tests/registry/quant_cases.h"
#include "tests/registry/trellis_cases.h"

namespace gramzip {
namespace {
constexpr size_t kElements = 1 << 20;

struct Input {
  test::QuantCase levels;
  EncodedSegment coded;
  double entropy = 0;  // bits an element
};

enum Kind : int64_t { kBf16, kF32, kBf16Groups, kBf16Horner, kBf16Trellis, kF32Trellis };

// Of the symbols of a quantizer, whose choice costs nothing: the levels', or the two of a trellis.
double entropy_of(const quant::Levels& l, std::vector<uint16_t> symbols) {
  const uint32_t alphabet = l.trellis != 0 ? 1 + l.count() / 2 : 1 + l.count();
  if (l.trellis != 0)
    for (size_t j = 0; j < symbols.size(); j += kRunElements)
      quant::trellis_symbols(quant::trellis_of(l.trellis), l.count(), kRunElements, &symbols[j]);
  std::vector<double> counts(2 * alphabet, 0);
  double totals[2] = {}, bits = 0;
  for (const uint16_t s : symbols) ++counts[s], ++totals[s / alphabet];
  for (uint32_t s = 0; s < counts.size(); ++s)
    if (counts[s] > 0) bits -= counts[s] * std::log2(counts[s] / totals[s / alphabet]);
  return bits / static_cast<double>(symbols.size());
}

const Input& input_of(int64_t spread_percent, int64_t kind) {
  static std::map<std::pair<int64_t, int64_t>, Input> known;
  const auto [at, is_new] = known.try_emplace({spread_percent, kind});
  Input& in = at->second;
  if (!is_new) return in;
  const bool f32 = kind == kF32 || kind == kF32Trellis;
  const bool trellis = kind == kBf16Trellis || kind == kF32Trellis;
  const ElementType type = f32 ? ElementType::f32 : ElementType::bf16;
  test::QuantCase& c = in.levels;
  const double spread = static_cast<double>(spread_percent) / 100;
  c.levels = test::uniform_levels(type, kind == kBf16Horner ? 3 : kind == kBf16Groups ? 16 : 255);
  if (trellis) c.levels = test::trellis_levels(type, 256, 8);
  if (kind == kBf16Groups)
    test::add_scales(c.levels, quant::ScaleType::f16, 64, false, kElements, 1);
  if (kind == kBf16Horner) c.levels.coder = quant::CoderChoice::horner;
  c.content = trellis ? test::draw_trellis(c.levels, kElements, {spread, 0}, 7)
                      : test::draw_levels(c.levels, 0, kElements, {spread, 0}, 7);
  in.coded = test::encode_quantized(c);
  std::vector<uint16_t> indexes(kElements);
  cpu::level_indexes(c.levels, 0, c.content, indexes);
  in.entropy = entropy_of(c.levels, std::move(indexes));
  return in;
}

void report(benchmark::State& state, const Input& in) {
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kElements));
  state.counters["bits"] = 8.0 * static_cast<double>(cpu::coded_size(in.coded)) / kElements;
  state.counters["of_entropy"] = state.counters["bits"] / in.entropy;
  state.counters["tables"] = in.coded.header.tables;
}

void encode(benchmark::State& state) {
  const Input& in = input_of(state.range(0), state.range(1));
  for (auto _ : state) benchmark::DoNotOptimize(test::encode_quantized(in.levels));
  report(state, in);
}

void decode(benchmark::State& state) {
  const Input& in = input_of(state.range(0), state.range(1));
  const auto cpu = make_cpu_backend();
  const frame::SegmentMeta meta = frame::load_segment_meta(frame::store_segment_meta(in.coded),
                                                           in.coded.data.size(), "segment");
  std::vector<uint8_t> out(in.levels.content.size());
  std::vector<BlockStatus> status(meta.header.blocks);
  const DecodeRequest request{meta.view(in.coded.data), 0, meta.header.blocks, out, status};
  for (auto _ : state) cpu->decode({&request, 1});
  if (out != in.levels.content) state.SkipWithError("wrong content");
  report(state, in);
}

void rates(benchmark::internal::Benchmark* b) {
  b->ArgNames({"spread%", "kind"});
  for (const int64_t spread : {30, 50, 100, 200, 400, 1600}) b->Args({spread, kBf16});
  for (const int64_t spread : {30, 100, 400}) b->Args({spread, kF32});
  b->Args({200, kBf16Groups});
  b->Args({110, kBf16Horner});
  for (const int64_t spread : {100, 400, 1600}) b->Args({spread, kBf16Trellis});
  b->Args({400, kF32Trellis});
}
BENCHMARK(encode)->Apply(rates)->Unit(benchmark::kMillisecond);
BENCHMARK(decode)->Apply(rates)->Unit(benchmark::kMillisecond);
}  // namespace
}  // namespace gramzip
