// SPDX-License-Identifier: Apache-2.0
// The loops of quantization and pruning on one thread, elements/s, over normally distributed
// weights.
#include "host/cpu/quantize.h"

#include <benchmark/benchmark.h>

#include <cmath>
#include <string>
#include <tuple>

#include "host/cpu/prune.h"
#include "tests/registry/cases.h"

namespace gramzip {
namespace {
constexpr size_t kElements = 1 << 22;
constexpr double kSigma = 0.04;
constexpr ElementType kTypes[] = {ElementType::bf16, ElementType::f16, ElementType::f32,
                                  ElementType::f64, ElementType::f8_e4m3};

const std::vector<uint8_t>& weights(ElementType type) {
  static std::vector<uint8_t> made[static_cast<size_t>(ElementType::count)];
  std::vector<uint8_t>& w = made[static_cast<size_t>(type)];
  if (w.empty()) w = test::make_weights(type, kElements * element_info(type).bytes, kSigma, 1);
  return w;
}

// Uniform, or an NF4-like list; groups of `group` with an F16 scale each.
quant::Quantizer quantizer(ElementType type, uint32_t levels, bool uniform, uint32_t group) {
  quant::Quantizer q;
  q.levels.type = type;
  q.levels.uniform = uniform;
  const double step = 8 * kSigma / levels;
  q.levels.step = group == 0 ? step : 1;
  q.levels.first = -static_cast<int32_t>(levels / 2);
  for (uint32_t i = 0; i < levels; ++i) {
    const double at = static_cast<int32_t>(i) + q.levels.first;
    const double curved = uniform ? at : at * std::abs(at) / levels * 2;
    if (uniform)
      q.levels.corrections.push_back(0);
    else
      q.levels.listed.push_back(curved * q.levels.step);
    if (i > 0) q.thresholds.push_back((curved - 0.5) * q.levels.step);
  }
  if (group != 0) {
    q.levels.scale_type = quant::ScaleType::f16;
    q.levels.group = group;
    q.levels.scales.assign((kElements + group - 1) / group, static_cast<float>(step));
  }
  return q;
}

void done(benchmark::State& state) {
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * kElements);
}

void quantize(benchmark::State& state, ElementType type, uint32_t levels, bool uniform,
              uint32_t group, bool in_place) {
  const quant::Quantizer q = quantizer(type, levels, uniform, group);
  const cpu::PreparedQuantizer prepared(q);
  std::vector<uint16_t> indexes(kElements);
  std::vector<uint8_t> own = weights(type);
  for (auto _ : state) {
    if (in_place)
      prepared.quantize(0, own);
    else
      prepared.to_indexes(0, own, indexes);
    benchmark::DoNotOptimize(indexes.data());
    benchmark::DoNotOptimize(own.data());
  }
  done(state);
}

template <class F>
void add(const std::string& name, ElementType type, F&& f) {
  benchmark::RegisterBenchmark((name + "/" + element_info(type).name).c_str(),
                               [=](benchmark::State& state) {
                                 weights(type);
                                 f(state, type);
                                 done(state);
                               });
}

void register_all() {
  for (const ElementType type : kTypes) {
    for (const bool in_place : {false, true})
      for (const auto& [name, levels, uniform, group] :
           {std::tuple{"uniform16", 16u, true, 0u}, std::tuple{"uniform1000", 1000u, true, 0u},
            std::tuple{"listed256", 256u, false, 0u}, std::tuple{"group32", 16u, true, 32u}}) {
        const std::string full = std::string(in_place ? "quantize/" : "to_indexes/") + name + "/" +
                                 element_info(type).name;
        benchmark::RegisterBenchmark(full.c_str(), quantize, type, levels, uniform, group,
                                     in_place);
      }
    add("distribution", type, [](benchmark::State& state, ElementType t) {
      for (auto _ : state) {
        cpu::DistributionCounter counter(t);
        counter.add(weights(t));
        benchmark::DoNotOptimize(counter.finish());
      }
    });
    add("group_ranges128", type, [](benchmark::State& state, ElementType t) {
      for (auto _ : state) benchmark::DoNotOptimize(cpu::group_ranges(t, weights(t), 128));
    });
    add("constrain_means4096", type, [](benchmark::State& state, ElementType t) {
      const quant::Quantizer q = quantizer(t, 16, true, 0);
      std::vector<uint16_t> indexes(kElements), own;
      cpu::quantize_to_indexes(q, 0, weights(t), indexes);
      for (auto _ : state) {
        own = indexes;
        cpu::constrain_means(q, 0, 4096, weights(t), own);
      }
    });
    add("magnitude_select", type, [](benchmark::State& state, ElementType t) {
      for (auto _ : state) {
        cpu::MagnitudeSelect select;
        select.count_high(t, weights(t));
        select.choose(kElements / 2);
        select.count_low(t, weights(t));
        benchmark::DoNotOptimize(select.cut());
      }
    });
    add("prune_edges", type, [](benchmark::State& state, ElementType t) {
      std::vector<uint8_t> own = weights(t);
      for (auto _ : state) {
        cpu::MagnitudeSelect::Cut cut{0x3cf00000, 0};
        benchmark::DoNotOptimize(cpu::prune_edges(t, cut, own));
      }
    });
    add("row_norms4096", type, [](benchmark::State& state, ElementType t) {
      for (auto _ : state) benchmark::DoNotOptimize(cpu::row_norms(t, weights(t), 4096));
    });
    add("two_of_four", type, [](benchmark::State& state, ElementType t) {
      std::vector<uint8_t> own = weights(t);
      for (auto _ : state) cpu::prune_two_of_four(t, own, 4096);
    });
  }
}
}  // namespace
}  // namespace gramzip

int main(int argc, char** argv) {
  gramzip::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
