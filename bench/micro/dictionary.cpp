// SPDX-License-Identifier: Apache-2.0
// Training of a dictionary and its parse: bytes/s of the sample, processor time of all threads. The
// sample is generated, or the file that GRAMZIP_SAMPLE names.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "host/model/dictionary.h"
#include "host/model/order0_parse.h"
#include "host/model/trie.h"
#include "tests/registry/cases.h"

namespace gramzip::model {
namespace {
const std::vector<uint8_t>& sample() {
  static const std::vector<uint8_t> bytes = [] {
    const char* name = std::getenv("GRAMZIP_SAMPLE");
    if (name == nullptr) return test::make_text(4000000, 1);
    std::ifstream file(name, std::ios::binary);
    return std::vector<uint8_t>(std::istreambuf_iterator<char>(file), {});
  }();
  return bytes;
}
void done(benchmark::State& state) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                          static_cast<int64_t>(sample().size()));
}

// Arguments: entries, threads.
void BM_TrainDictionary(benchmark::State& state) {
  const DictionaryOptions options{static_cast<uint32_t>(state.range(0)), 31,
                                  static_cast<int>(state.range(1))};
  for (auto _ : state) benchmark::DoNotOptimize(train_dictionary(sample(), options));
  done(state);
}

// Argument: 0 scalar, 1 what this processor runs.
void BM_Order0Parse(benchmark::State& state) {
  const auto grams = train_dictionary(sample(), {8192, 31, 0});
  Trie trie(grams);
  const std::vector<uint32_t> byte_cost(256, 12 * 1024);
  std::vector<uint8_t> lengths(256 + grams.size(), 1);
  for (size_t k = 0; k < grams.size(); ++k) {
    lengths[256 + k] = static_cast<uint8_t>(grams[k].size());
    trie.set_value(k, 13u << 26 | static_cast<uint32_t>(256 + k));
  }
  Workers workers(1);
  const ParseLoops& loops = state.range(0) == 0 ? kParseScalar : parse_loops();
  for (auto _ : state)
    benchmark::DoNotOptimize(order0_parse(sample(), {trie.view(), byte_cost.data(), lengths.data()},
                                          lengths.size(), loops, workers));
  done(state);
}
BENCHMARK(BM_TrainDictionary)
    ->Args({8192, 1})
    ->Args({8192, 2})
    ->Args({16384, 2})
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Order0Parse)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
}  // namespace
}  // namespace gramzip::model
