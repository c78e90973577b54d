// SPDX-License-Identifier: Apache-2.0
// Any bytes as a tensor file: refused as corrupt, none, or tensors in order within the file. The
// mutator knows zip and GGUF only by the samples that it starts from.
#pragma once
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "host/base/error.h"
#include "host/formats/checkpoint.h"
#include "tests/fuzz/samples.h"
#include "tests/registry/memory_io.h"
#include "tests/registry/tensor_files.h"

namespace gramzip::test {
inline void check_checkpoint(const uint8_t* data, size_t size) {
  MemorySource file(std::vector<uint8_t>(data, data + size));
  try {
    const auto c = read_checkpoint(file);
    if (!c) return;
    uint64_t at = 0;
    for (const Tensor& t : c->tensors) {
      if (t.begin < at || t.end < t.begin || t.end > size) std::abort();
      if (t.type != ElementType::bytes && t.period != 0) std::abort();
      at = t.end;
    }
  } catch (const Error& e) {
    if (e.code() != ErrorCode::corrupt || std::strchr(e.what(), '\n') != nullptr) std::abort();
  }
}

// The samples whose name ends so.
inline std::vector<std::vector<uint8_t>> samples_named(std::string_view suffix) {
  std::vector<std::vector<uint8_t>> out;
  for (const auto& [name, bytes] : tensor_file_samples())
    if (std::string_view(name).ends_with(suffix)) out.emplace_back(bytes.begin(), bytes.end());
  return out;
}
}  // namespace gramzip::test
