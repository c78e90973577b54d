// SPDX-License-Identifier: Apache-2.0
// The text decoder over one segment with a model of its own, by instruction set and width of the
// first tables: bytes/s of content, processor time of one thread. Real files where GRAMZIP_DATA
// exists, else made text.
#include <benchmark/benchmark.h>

#include <fstream>
#include <memory>

#include "gramzip/core/wire.h"
#include "host/backend/backend.h"
#include "host/cpu/text_decode.h"
#include "host/engine/train_model.h"
#include "host/model/text_model.h"
#include "tests/registry/cases.h"

namespace gramzip {
namespace {
constexpr const char* kFiles[] = {"prose.txt", "code.txt", "commits.jsonl"};

struct Sample {
  std::vector<uint8_t> content;
  std::unique_ptr<model::TextModel> model;
  EncodedSegment segment;
};
const Sample& sample(int64_t file) {
  static std::unique_ptr<Sample> samples[std::size(kFiles)];
  std::unique_ptr<Sample>& s = samples[file];
  if (s) return *s;
  s = std::make_unique<Sample>();
  s->content.resize(4u << 20);
  std::ifstream in(std::string(GRAMZIP_DATA "/text/") + kFiles[file], std::ios::binary);
  in.read(reinterpret_cast<char*>(s->content.data()),
          static_cast<std::streamsize>(s->content.size()));
  if (in.gcount() == 0)
    s->content = test::make_text(s->content.size(), static_cast<uint64_t>(file) + 1);
  else
    s->content.resize(static_cast<size_t>(in.gcount()));
  const std::span<const uint8_t> text(s->content);
  s->model = std::make_unique<model::TextModel>(train_model({&text, 1}, {}));
  const SegmentInput input{ElementType::text, text, s->model.get()};
  make_cpu_backend()->encode({&input, 1}, {&s->segment, 1});
  return *s;
}

void BM_TextDecode(benchmark::State& state) {
  const Sample& s = sample(state.range(0));
  const auto all = cpu::text_loops();
  const auto which = static_cast<size_t>(state.range(1));
  if (which >= all.size()) return state.SkipWithError("not on this machine");
  const auto machine = model::make_machine(s.model->model(), static_cast<uint32_t>(state.range(2)));
  std::vector<cpu::TextBlock> blocks;
  size_t at = 0;
  for (uint32_t b = 0; b < s.segment.header.blocks; ++b) {
    const BlockRecord& r = s.segment.records[b];
    if (r.mode != BlockMode::coded) return state.SkipWithError("a block is not coded");
    blocks.push_back(
        {{s.segment.data.data() + at, r.coded_bytes}, s.segment.header.block_bytes(b)});
    at += round_up(r.coded_bytes, kBlockAlign);
  }
  std::vector<uint8_t> out(s.content.size());
  std::vector<BlockStatus> status(blocks.size());
  cpu::TextDecoder decoder(*all[which]);
  for (auto _ : state)
    decoder.decode_segment(blocks, machine, out, status,
                           [](uint32_t, BlockStatus b, std::span<uint8_t>) { return b; });
  if (out != s.content) state.SkipWithError("wrong bytes");
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * out.size()));
  state.SetLabel(std::string(kFiles[state.range(0)]) + " " + all[which]->name);
  state.counters["ratio"] = static_cast<double>(out.size()) / static_cast<double>(at);
  state.counters["table_KiB"] = static_cast<double>(machine.entries.size()) / 128;
}
BENCHMARK(BM_TextDecode)->ArgsProduct({{0, 1, 2}, {0, 1, 2}, {8, 9, 10}});

void BM_MakeMachine(benchmark::State& state) {
  const Sample& s = sample(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(model::make_machine(s.model->model(), 8));
  state.SetLabel(kFiles[state.range(0)]);
  state.counters["strings"] = static_cast<double>(s.model->model().strings.size());
}
BENCHMARK(BM_MakeMachine)->DenseRange(0, 2)->Unit(benchmark::kMicrosecond);
}  // namespace
}  // namespace gramzip
