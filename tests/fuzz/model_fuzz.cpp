// SPDX-License-Identifier: Apache-2.0
// Any bytes: a model is refused as corrupt, or it is stored as the same model and decodes any
// stream without leaving its memory. The first two bytes say how much of the input is the model;
// the rest is a coded block.
#include <cstdlib>

#include "host/backend/backend.h"
#include "host/base/error.h"
#include "host/cpu/text_decode.h"
#include "host/frame/model_wire.h"
#include "host/model/text_model.h"
#include "tests/fuzz/samples.h"
#include "tests/registry/cases.h"
#include "tests/registry/text_models.h"

namespace gramzip::test {
namespace {
// Models of several sizes, each with a block that it has coded.
std::vector<std::vector<uint8_t>> make_samples() {
  using Reach = model::CodeOptions::Reach;
  std::vector<std::vector<uint8_t>> out;
  const auto cpu = make_cpu_backend();
  const std::vector<uint8_t> text = make_text(600, 1);
  for (uint64_t i = 0; i < 24; ++i) {
    const std::vector<uint8_t> sample = make_text(200 << (i % 6), 1 + i % 5);
    model::NgramModel m = testing::greedy_model(
        sample, testing::frequent_strings(sample, i % 4 * i), 1 + static_cast<uint32_t>(i % 7),
        i % 2 == 0 ? Reach::like_text : Reach::trained);
    const std::vector<uint8_t> wire = frame::store_model(m);
    const model::TextModel coder(std::move(m));
    const SegmentInput in{ElementType::text, text, &coder};
    EncodedSegment s;
    cpu->encode({&in, 1}, {&s, 1});
    s.data.resize(s.records[0].coded_bytes);
    out.push_back({static_cast<uint8_t>(wire.size()), static_cast<uint8_t>(wire.size() >> 8)});
    out.back().insert(out.back().end(), wire.begin(), wire.end());
    out.back().insert(out.back().end(), s.data.begin(), s.data.end());
  }
  return out;
}
}  // namespace
}  // namespace gramzip::test

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  static const auto samples = gramzip::test::make_samples();
  return gramzip::test::mutate_samples(samples, data, size, most, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gramzip;
  if (size < 2) return 0;
  const size_t bytes = std::min<size_t>(load_le<uint16_t>(data), size - 2);
  model::NgramModel m;
  try {
    m = frame::load_model({data + 2, bytes}, "model");
  } catch (const Error& e) {
    if (e.code() != ErrorCode::corrupt) std::abort();
    return 0;
  }
  model::NgramModel again = m;
  const model::NgramModel back = frame::load_model(frame::store_model(again), "stored model");
  if (back.strings != m.strings || back.class_of != m.class_of ||
      back.global_lengths != m.global_lengths || back.distance_lengths != m.distance_lengths)
    std::abort();
  const model::TextEncodeTables tables(m);  // builds without a fault
  const std::span<const uint8_t> coded(data + 2 + bytes, size - 2 - bytes);
  std::vector<uint8_t> segment(20'000);
  cpu::TextDecoder().decode(coded, model::make_machine(m, 8), segment, 1000);
  return 0;
}
