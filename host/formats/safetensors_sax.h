// SPDX-License-Identifier: Apache-2.0
// Inner parts of the safetensors parser: host/formats/safetensors.cpp alone includes this.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/formats/safetensors.h"

namespace gramzip::safetensors {
inline constexpr uint64_t kMaxSize = uint64_t{1} << 63;  // of a dimension and of the file

struct Dtype {
  const char* name;
  uint32_t bits;
  ElementType type;
};
// Null if the dtype is unknown.
const Dtype* find_dtype(std::string_view name);

// Throws Error(corrupt).
[[noreturn]] void bad(const std::string& what);

// A name in an error message: one line, quoted, at most 100 bytes of it.
std::string in_quotes(std::string_view s);

// The tensors in the order of the header, offsets as written; each is checked by itself.
std::vector<Tensor> parse_tensors(std::span<const uint8_t> header_json);
}  // namespace gramzip::safetensors
