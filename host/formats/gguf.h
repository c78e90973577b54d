// SPDX-License-Identifier: Apache-2.0
// GGUF, versions 2 and 3, little-endian: counts, metadata, tensor infos, aligned tensor data.
// Source: github.com/ggml-org/ggml, docs/gguf.md.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/base/io.h"
#include "host/formats/tensor.h"

namespace gramzip::gguf {
// Nullopt if the file does not begin as GGUF does. Throws Error(corrupt), one line that names the
// tensor or key and the field. Shapes are slowest dimension first, the reverse of the file's.
std::optional<std::vector<Tensor>> read(RandomSource& file);

// A key of the metadata; its value is bytes [begin, end) of the file, without its type.
struct Key {
  std::string name;
  uint32_t type = 0;
  uint64_t begin = 0, end = 0;
};
inline constexpr size_t kMaxKeys = 65536;  // that read_keys takes
// Checks the file as read() does. Throws Error(limit) beyond kMaxKeys.
std::optional<std::vector<Key>> read_keys(RandomSource& file);
}  // namespace gramzip::gguf
