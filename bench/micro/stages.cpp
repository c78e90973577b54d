// SPDX-License-Identifier: Apache-2.0
// The CPU stages one by one over a segment of each kind: bytes/s of content. One thread.
#include <benchmark/benchmark.h>

#include "host/base/checksum.h"
#include "host/cpu/histogram.h"
#include "host/model/code_lengths.h"
#include "tests/registry/cases.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
test::SegmentCase segment(int type) {
  const auto t = static_cast<ElementType>(type);
  const bool floats = element_info(t).codec == Codec::floats;
  return {"s", t, floats ? test::make_weights(t, 4u << 20, 0.02, 1) : test::make_text(1u << 20, 1)};
}
void done(benchmark::State& state, const test::SegmentCase& c) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                          static_cast<int64_t>(c.content.size()));
  state.SetLabel(element_info(c.type).name);
}

void BM_Hash64(benchmark::State& state) {
  const auto c = segment(static_cast<int>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(hash64(c.content));
  done(state, c);
}
void BM_Histogram(benchmark::State& state) {
  const auto c = segment(static_cast<int>(state.range(0)));
  const SegmentHeader h = make_segment_header(c.type, static_cast<uint32_t>(c.content.size()));
  std::vector<uint32_t> counts(size_t{1} << h.symbol_bits);
  for (auto _ : state) cpu::histogram(c.content, h.split(), counts);
  done(state, c);
}
void BM_CodeLengths(benchmark::State& state) {
  const auto c = segment(static_cast<int>(state.range(0)));
  const SegmentHeader h = make_segment_header(c.type, static_cast<uint32_t>(c.content.size()));
  std::vector<uint32_t> counts(size_t{1} << h.symbol_bits);
  cpu::histogram(c.content, h.split(), counts);
  for (auto _ : state) benchmark::DoNotOptimize(make_code_book(counts, h.code_limit));
  done(state, c);
}
void BM_Encode(benchmark::State& state) {
  const auto c = segment(static_cast<int>(state.range(0)));
  const auto backend = make_cpu_backend();
  const SegmentInput in{c.type, c.content};
  EncodedSegment out;
  for (auto _ : state) backend->encode({&in, 1}, {&out, 1});
  done(state, c);
}
void BM_Decode(benchmark::State& state) {
  const auto c = segment(static_cast<int>(state.range(0)));
  const auto backend = make_cpu_backend();
  const EncodedSegment s = test::encode_segment(*backend, c);
  for (auto _ : state) benchmark::DoNotOptimize(test::decode_segment(*backend, s));
  done(state, c);
}
#define GRAMZIP_TYPES Arg(1)->Arg(2)->Arg(3)->Arg(4)->Arg(5)->Arg(6)
BENCHMARK(BM_Hash64)->Arg(1);
BENCHMARK(BM_Histogram)->GRAMZIP_TYPES;
BENCHMARK(BM_CodeLengths)->GRAMZIP_TYPES;
BENCHMARK(BM_Encode)->GRAMZIP_TYPES;
BENCHMARK(BM_Decode)->GRAMZIP_TYPES;
}  // namespace
}  // namespace gramzip
