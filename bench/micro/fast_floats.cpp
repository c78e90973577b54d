// SPDX-License-Identifier: Apache-2.0
// Fast floats on one thread: decoding by instruction set and encoding, beside memcpy of the same
// bytes. Bytes/s of content; ratio: content by all bytes of its segments' sections.
//
//   bench_fast_floats [--benchmark_...]     the weights in GRAMZIP_DATA, or generated ones
//   GRAMZIP_BENCH_FLOATS=bf16:FILE          a file of bare elements of a type instead
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>

#include "host/base/cpu_features.h"
#include "host/cpu/fast_decode.h"
#include "host/frame/segment_meta.h"
#include "tests/registry/cases.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
constexpr size_t kSegment = 4 << 20;

struct Input {
  std::string name;
  ElementType type;
  std::vector<uint8_t> content;
};

std::vector<uint8_t> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
// The data of a checkpoint of one dtype: all behind the header.
std::vector<uint8_t> tensor_bytes(const std::string& path) {
  std::vector<uint8_t> file = read_file(path);
  if (file.size() < 8) return {};
  const uint64_t header = load_le<uint64_t>(file.data());
  if (header > file.size() - 8) return {};
  file.erase(file.begin(), file.begin() + 8 + static_cast<ptrdiff_t>(header));
  return file;
}

std::vector<Input> inputs() {
  std::vector<Input> all;
  const auto type_of = [](const std::string& name) {
    return name == "f16"    ? ElementType::f16
           : name == "f32"  ? ElementType::f32
           : name == "e4m3" ? ElementType::f8_e4m3
           : name == "e5m2" ? ElementType::f8_e5m2
                            : ElementType::bf16;
  };
  if (const char* own = std::getenv("GRAMZIP_BENCH_FLOATS")) {
    const std::string s = own, path = s.substr(s.find(':') + 1);
    all.push_back(
        {path.substr(path.rfind('/') + 1), type_of(s.substr(0, s.find(':'))), read_file(path)});
  } else {
    for (const auto& [file, type] : {std::pair{"style-bf16", ElementType::bf16},
                                     {"vision-f16", ElementType::f16},
                                     {"board-f32", ElementType::f32},
                                     {"board-fp8", ElementType::f8_e4m3}}) {
      auto bytes = tensor_bytes(std::string(GRAMZIP_DATA "/weights/") + file + ".safetensors");
      if (!bytes.empty()) all.push_back({file, type, std::move(bytes)});
    }
  }
  if (all.empty())
    all.push_back({"generated-bf16", ElementType::bf16,
                   test::make_weights(ElementType::bf16, 20 << 20, 0.02, 1)});
  for (Input& i : all) {
    const uint32_t e = element_info(i.type).bytes;
    i.content.resize(i.content.size() / e * e);
  }
  return all;
}

struct Coded {
  Input input;
  std::vector<EncodedSegment> segments;
  std::vector<frame::SegmentMeta> metas;
  uint64_t bytes = 0;
  std::vector<uint8_t> out;
};

void encode(const Input& in, std::vector<EncodedSegment>& out) {
  const auto backend = make_cpu_backend();
  out.resize(ceil_div(in.content.size(), kSegment));
  for (size_t i = 0; i < out.size(); ++i) {
    SegmentInput s{in.type, std::span(in.content).subspan(i * kSegment)};
    s.content = s.content.first(std::min(kSegment, s.content.size()));
    s.fast = true;
    backend->encode({&s, 1}, {&out[i], 1});
  }
}

// All coded blocks, two at a time, without hashes; the others are copied.
void decode(Coded& c, cpu::FastLoops loops) {
  cpu::FastDecoder decoder(loops);
  uint8_t* to = c.out.data();
  for (size_t i = 0; i < c.segments.size(); ++i) {
    const EncodedSegment& s = c.segments[i];
    const auto tables = cpu::make_fast_tables(c.metas[i].tables);
    cpu::FastDecoder::Block waiting[cpu::FastDecoder::kAtOnce];
    uint32_t count = 0;
    for (uint32_t b = 0; b < s.header.blocks; ++b) {
      const auto size = s.header.block_bytes(b);
      if (s.records[b].mode == BlockMode::coded)
        waiting[count++] = {
            std::span(s.data).subspan(c.metas[i].offsets[b], s.records[b].coded_bytes),
            {to, size},
            BlockStatus::ok};
      to += size;
      if (count == cpu::FastDecoder::kAtOnce || (b + 1 == s.header.blocks && count > 0)) {
        decoder.decode({waiting, count}, s.header.split(), tables);
        for (uint32_t k = 0; k < count; ++k)
          if (waiting[k].status != BlockStatus::ok) std::abort();
        count = 0;
      }
    }
  }
}

void add(const std::string& name, const std::shared_ptr<Coded>& c,
         const std::function<void(Coded&)>& f) {
  benchmark::RegisterBenchmark(
      (c->input.name + "/" + name).c_str(), [c, f](benchmark::State& state) {
        for (auto _ : state) {
          f(*c);
          benchmark::ClobberMemory();
        }
        state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(c->input.content.size()));
        state.counters["ratio"] =
            static_cast<double>(c->input.content.size()) / static_cast<double>(c->bytes);
      });
}
}  // namespace
}  // namespace gramzip

int main(int argc, char** argv) {
  using namespace gramzip;
  for (Input& in : inputs()) {
    auto c = std::make_shared<Coded>();
    c->input = std::move(in);
    encode(c->input, c->segments);
    for (const EncodedSegment& s : c->segments) {
      c->bytes += frame::segment_section_bytes(s);
      c->metas.push_back(
          frame::load_segment_meta(frame::store_segment_meta(s), s.data.size(), "segment"));
    }
    c->out = c->input.content;
    add("memcpy", c,
        [](Coded& x) { std::memcpy(x.out.data(), x.input.content.data(), x.out.size()); });
    add("decode/baseline", c, [](Coded& x) { decode(x, cpu::decode_fast_baseline); });
    if (cpu_features().avx2_bmi2)
      add("decode/avx2", c, [](Coded& x) { decode(x, cpu::decode_fast_avx2); });
    if (cpu_features().avx512_vbmi)
      add("decode/avx512", c, [](Coded& x) { decode(x, cpu::decode_fast_avx512); });
    add("decode/with-hashes", c, [](Coded& x) {
      const auto backend = make_cpu_backend();
      size_t at = 0;
      for (size_t i = 0; i < x.segments.size(); ++i) {
        const SegmentHeader& h = x.segments[i].header;
        std::vector<BlockStatus> status(h.blocks);
        const DecodeRequest r{x.metas[i].view(x.segments[i].data), 0, h.blocks,
                              std::span(x.out).subspan(at, h.decoded_bytes), status};
        backend->decode({&r, 1});
        at += h.decoded_bytes;
      }
    });
    add("encode", c, [](Coded& x) { encode(x.input, x.segments); });
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
