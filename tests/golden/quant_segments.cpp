// SPDX-License-Identifier: Apache-2.0
// Writes segments of quantized weights for the reference decoder:
//
//   quant_segments FILE             each: u32 sizes of name, meta, data, base, content, then these
//   quant_segments --archive FILE   an archive of some, with a note
#include <cstdio>
#include <cstring>

#include "host/frame/segment_meta.h"
#include "tests/registry/quant_cases.h"

int main(int argc, char** argv) {
  using namespace gramzip;
  const bool archive = argc == 3 && std::strcmp(argv[1], "--archive") == 0;
  std::FILE* file = argc == 2 || archive ? std::fopen(argv[argc - 1], "wb") : nullptr;
  if (file == nullptr) return 1;
  const auto put = [file](const auto& bytes) { std::fwrite(bytes.data(), 1, bytes.size(), file); };
  if (archive) {
    put(test::quantized_archive());
    return std::fclose(file) == 0 ? 0 : 1;
  }
  const auto write = [&](const test::QuantCase& c) {
    const EncodedSegment s = test::encode_quantized(c);
    const std::vector<uint8_t> meta = frame::store_segment_meta(s);
    for (const size_t size :
         {c.name.size(), meta.size(), s.data.size(), size_t{0}, c.content.size()}) {
      uint8_t bytes[4];
      store_le<uint32_t>(bytes, static_cast<uint32_t>(size));
      put(std::span(bytes));
    }
    put(c.name);
    put(meta);
    put(s.data);
    put(c.content);
  };
  // The reference decoder takes its time: small cases, and one of several blocks.
  for (const test::QuantCase& c : test::small_quantized()) write(c);
  for (const test::QuantCase& c : test::edge_quantized())
    if (c.content.size() <= 20'000 || c.name == "F64/blocks" || c.name == "F32/group-100-zero-f16")
      write(c);
  for (uint64_t seed = 0; seed < 60; ++seed) write(test::random_quantized(seed, 3000));
  return std::fclose(file) == 0 ? 0 : 1;
}
