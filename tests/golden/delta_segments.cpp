// SPDX-License-Identifier: Apache-2.0
// Writes segments coded against a base for the reference decoder:
//
//   delta_segments FILE     each: u32 sizes of name, meta, data, base, content, then these
#include <cstdio>
#include <string_view>

#include "host/frame/segment_meta.h"
#include "tests/registry/delta_cases.h"

int main(int argc, char** argv) {
  using namespace gramzip;
  std::FILE* file = argc == 2 ? std::fopen(argv[1], "wb") : nullptr;
  if (file == nullptr) return 1;
  const auto put = [file](const auto& bytes) { std::fwrite(bytes.data(), 1, bytes.size(), file); };
  const auto write = [&](const test::DeltaCase& c) {
    for (const Codec codec : {Codec::delta, Codec::sparse_delta}) {
      const EncodedSegment s = test::encode_delta_as(codec, c);
      const std::vector<uint8_t> meta = frame::store_segment_meta(s);
      const std::string name = c.name + ", codec " + std::to_string(static_cast<int>(codec));
      for (const size_t size :
           {name.size(), meta.size(), s.data.size(), c.base.size(), c.content.size()}) {
        uint8_t bytes[4];
        store_le<uint32_t>(bytes, static_cast<uint32_t>(size));
        put(std::span(bytes));
      }
      put(name);
      put(meta);
      put(s.data);
      put(c.base);
      put(c.content);
    }
  };
  // The reference decoder takes its time: small cases, and a few of several blocks.
  for (const test::DeltaCase& c : test::edge_deltas())
    if (c.content.size() <= 9000 || c.name == "BF16/steps" || c.name == "F32/steps-sparse" ||
        c.name == "F64/modes" || c.name == "I64/any-magnitude" ||
        c.name == "F64/any-magnitude-sparse")
      write(c);
  for (uint64_t seed = 0; seed < 40; ++seed) write(test::random_delta(seed, 20'000));
  return std::fclose(file) == 0 ? 0 : 1;
}
