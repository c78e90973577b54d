// SPDX-License-Identifier: Apache-2.0
// Any bytes as an archive, front to back and by random access: an error or content, never anything
// else.
#include "tests/registry/memory_io.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gramzip;
  const std::vector<uint8_t> archive(data, data + size);
  DecompressOptions options;
  options.threads = 1;
  options.max_output = 64u << 20;
  try {
    test::open_archive(archive, options);
  } catch (const Error& e) {
    if (e.code() == ErrorCode::internal) __builtin_trap();
  }
  try {
    ArchiveReader reader(std::make_shared<test::MemorySource>(archive));
    test::MemorySink out;
    reader.read(0, std::min<uint64_t>(reader.content_bytes(), 1u << 20), out, options);
  } catch (const Error& e) {
    if (e.code() == ErrorCode::internal) __builtin_trap();
  }
  if (test::open_in_place(archive) == GRAMZIP_INTERNAL) __builtin_trap();
  return 0;
}
