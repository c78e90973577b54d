// SPDX-License-Identifier: Apache-2.0
// Any bytes as a header: the parser throws Error, or its layout tiles the file. And as a file.
#include "host/formats/safetensors.h"

#include "tests/fuzz/checkpoint_fuzz.h"

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  static const auto samples = gramzip::test::samples_named(".safetensors");
  return gramzip::test::mutate_samples(samples, data, size, most, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gramzip;
  test::check_checkpoint(data, size);
  if (size > 8 && data[8] == '{') data += 8, size -= 8;
  try {
    const safetensors::Layout l = safetensors::parse({data, size});
    uint64_t at = l.data_begin;
    for (const safetensors::Tensor& t : l.tensors) {
      if (t.begin != at || t.end < t.begin) std::abort();
      at = t.end;
    }
    if (at != l.file_bytes || l.data_begin != size + 8) std::abort();
  } catch (const Error& e) {
    if (e.code() != ErrorCode::corrupt) std::abort();
  }
  return 0;
}
