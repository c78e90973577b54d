// SPDX-License-Identifier: Apache-2.0
// Any bytes: a model is refused as corrupt, or it is stored as the same model and decodes any
// stream without leaving its memory. The first two bytes say how much of the input is the model;
// the rest is a coded block.
#include <cstdlib>

#include "host/base/error.h"
#include "host/cpu/text_decode.h"
#include "host/frame/model_wire.h"
#include "host/model/encode_tables.h"

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
