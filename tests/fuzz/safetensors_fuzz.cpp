// SPDX-License-Identifier: Apache-2.0
// Any bytes: the parser throws Error, or its layout tiles the file.
#include <cstdlib>

#include "host/base/error.h"
#include "host/formats/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gramzip;
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
