// SPDX-License-Identifier: Apache-2.0
// Any bytes as a shard index: an error, or names that stay in one folder.
#include <cstdlib>
#include <string_view>

#include "host/base/error.h"
#include "host/formats/shards.h"
#include "tests/fuzz/samples.h"
#include "tests/registry/memory_io.h"

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  constexpr std::string_view sample =
      R"({"metadata":{"total_size":3.5e3,"x":[1,{}]},)"
      R"("weight_map":{"a":"m-00001-of-00002.safetensors","b":"m-00002-of-00002.safetensors"}})";
  static const std::vector<std::vector<uint8_t>> samples = {{sample.begin(), sample.end()}};
  return gramzip::test::mutate_samples(samples, data, size, most, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gramzip;
  test::MemorySource file(std::vector<uint8_t>(data, data + size));
  try {
    for (const std::string& name : formats::read_shard_index(file))
      if (name.empty() || name == "." || name == ".." || name.find('/') != name.npos) std::abort();
  } catch (const Error& e) {
    if (e.code() != ErrorCode::corrupt && e.code() != ErrorCode::unsafe_name) std::abort();
  }
  return 0;
}
