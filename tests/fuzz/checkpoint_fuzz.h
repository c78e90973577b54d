// SPDX-License-Identifier: Apache-2.0
// Any bytes as a tensor file: refused as corrupt, none, or tensors in order within the file. The
// mutator knows zip and GGUF only by the samples that it starts from.
#pragma once
#include <cstdlib>
#include <cstring>

#include "host/base/error.h"
#include "host/formats/checkpoint.h"
#include "tests/registry/memory_io.h"
#include "tests/registry/tensor_files.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

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

// Instead of a corpus on disk: an input too small to be a file becomes one of the samples whose
// name ends so, now and then any input does.
inline size_t mutate_samples(uint8_t* data, size_t size, size_t most, unsigned seed,
                             std::string_view suffix) {
  static const auto samples = tensor_file_samples();
  if (size < 8 || seed % 64 == 0) {
    for (size_t i = 0; i < samples.size(); ++i) {
      const auto& [name, bytes] = samples[(i + seed / 64) % samples.size()];
      if (!std::string_view(name).ends_with(suffix) || bytes.size() > most) continue;
      std::memcpy(data, bytes.data(), size = bytes.size());
      break;
    }
  }
  return LLVMFuzzerMutate(data, size, most);
}
}  // namespace gramzip::test
