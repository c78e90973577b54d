// SPDX-License-Identifier: Apache-2.0
// Blocks of floats by one thread, stage by stage: bytes/s of content. Real weights where they are,
// else drawn ones. The instruction set is that of GRAMZIP_CPU (baseline, avx2), else the best there
// is.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "host/backend/cpu_blocks.h"
#include "host/base/cpu_features.h"
#include "host/cpu/huffman_decode.h"
#include "host/frame/segment_meta.h"
#include "host/model/run_classes.h"
#include "tests/registry/cases.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
constexpr size_t kBytes = 4u << 20;

test::SegmentCase segment(const char* file, ElementType type) {
  std::ifstream in(std::string(GRAMZIP_DATA) + "/weights/" + file, std::ios::binary);
  std::vector<uint8_t> all((std::istreambuf_iterator<char>(in)), {});
  if (all.size() < 8 + kBytes) return {"drawn", type, test::make_weights(type, kBytes, 0.02, 1)};
  const size_t begin = 8 + load_le<uint64_t>(all.data());
  const size_t n = std::min(kBytes, all.size() - begin) / 64 * 64;
  return {file,
          type,
          {all.begin() + static_cast<ptrdiff_t>(begin),
           all.begin() + static_cast<ptrdiff_t>(begin + n)}};
}
test::SegmentCase segment(int64_t which) {
  switch (which) {
    case 0:
      return segment("style-bf16.safetensors", ElementType::bf16);
    case 1:
      return segment("board-f32.safetensors", ElementType::f32);
    case 2:
      return segment("vision-f16.safetensors", ElementType::f16);
    default:
      return {"drawn", ElementType::f8_e4m3,
              test::make_weights(ElementType::f8_e4m3, kBytes, 0.1, 1)};
  }
}
void done(benchmark::State& state, const test::SegmentCase& c, const SegmentHeader& h) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                          static_cast<int64_t>(c.content.size()));
  state.SetLabel(std::string(element_info(c.type).name) + " " + c.name + ", " +
                 std::to_string(h.tables) + " tables, S " + std::to_string(h.symbol_bits) + ", " +
                 cpu_features_text());
}

// Training alone.
void BM_Train(benchmark::State& state) {
  const auto c = segment(state.range(0));
  SegmentHeader h = make_segment_header(c.type, static_cast<uint32_t>(c.content.size()));
  const std::vector<BlockRecord> records(h.blocks, BlockRecord{});
  for (auto _ : state) benchmark::DoNotOptimize(model::train_run_classes(c.content, h, records));
  done(state, c, h);
}

// A whole segment: modes, hashes, training, classes, codes, blocks.
void BM_EncodeSegment(benchmark::State& state) {
  const auto c = segment(state.range(0));
  const SegmentInput in{c.type, c.content};
  EncodedSegment out;
  for (auto _ : state) cpu::encode_classes(in, out);
  done(state, c, out.header);
}

// A whole segment: tables, hashes, blocks.
void BM_DecodeSegment(benchmark::State& state) {
  const auto c = segment(state.range(0));
  const auto backend = make_cpu_backend();
  const EncodedSegment s = test::encode_segment(*backend, c);
  const frame::SegmentMeta meta =
      frame::load_segment_meta(frame::store_segment_meta(s), s.data.size(), "segment");
  std::vector<uint8_t> content(c.content.size());
  std::vector<BlockStatus> status(s.header.blocks);
  const DecodeRequest request{meta.view(s.data, nullptr), 0, s.header.blocks, content, status};
  for (auto _ : state) backend->decode({&request, 1});
  if (content != c.content) state.SkipWithError("the content does not come back");
  done(state, c, s.header);
}

// Coded blocks alone, without tables and hashes.
void BM_DecodeBlocks(benchmark::State& state) {
  const auto c = segment(state.range(0));
  const auto backend = make_cpu_backend();
  const EncodedSegment s = test::encode_segment(*backend, c);
  const frame::SegmentMeta meta =
      frame::load_segment_meta(frame::store_segment_meta(s), s.data.size(), "segment");
  const SegmentView view = meta.view(s.data, nullptr);
  const cpu::DecodeTables tables = cpu::make_decode_tables(view.tables, s.header.codec);
  cpu::BlockDecoder decoder;
  std::vector<uint8_t> content(c.content.size());
  for (auto _ : state)
    for (uint32_t b = 0; b < s.header.blocks; ++b)
      if (s.records[b].mode == BlockMode::coded)
        decoder.decode(
            view.data.subspan(view.offsets[b], s.records[b].coded_bytes), s.header.split(), tables,
            s.header.tables, 0,
            std::span(content).subspan(s.header.block_begin(b), s.header.block_bytes(b)));
  done(state, c, s.header);
}
BENCHMARK(BM_Train)->DenseRange(0, 3);
BENCHMARK(BM_EncodeSegment)->DenseRange(0, 3);
BENCHMARK(BM_DecodeSegment)->DenseRange(0, 3);
BENCHMARK(BM_DecodeBlocks)->DenseRange(0, 3);
}  // namespace
}  // namespace gramzip
