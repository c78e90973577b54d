// SPDX-License-Identifier: Apache-2.0
// Element types of tensor files: one table of names for all formats.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "host/formats/tensor.h"

namespace gramzip::formats {
inline constexpr uint64_t kMaxSize = uint64_t{1} << 63;  // of a dimension and of a file

struct Dtype {
  const char* name;  // as safetensors has it
  uint32_t bits;     // of an element
  ElementType type;
  const char* npy;   // numpy's descr, little-endian; empty: numpy has no such type
  bool safetensors;  // safetensors has it
};
// Null if the dtype is unknown.
const Dtype* find_dtype(std::string_view name);
const Dtype* find_npy_dtype(std::string_view descr);

// Bytes of a tensor of `bits` an element; nullopt if that is no whole number or 2^64 bits or more.
std::optional<uint64_t> tensor_bytes(std::span<const uint64_t> shape, uint32_t bits);
}  // namespace gramzip::formats
