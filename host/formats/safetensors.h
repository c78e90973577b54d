// SPDX-License-Identifier: Apache-2.0
// The safetensors header: an 8-byte size, a JSON object of that size, then tensor data.
// Source: github.com/huggingface/safetensors, README "Format".
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/base/io.h"
#include "host/formats/tensor.h"

namespace gramzip::safetensors {
inline constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // as the format's own reader has it

using gramzip::Tensor;

struct Layout {
  uint64_t data_begin = 0;      // 8 + header size
  uint64_t file_bytes = 0;      // data_begin + end of the last tensor
  std::vector<Tensor> tensors;  // in order of begin
};

// The size that the first 8 bytes announce, if it can be that of a header (2 to 100 MB), else 0.
uint64_t header_size(std::span<const uint8_t> first8);

// Parses the JSON header (without the 8 bytes). Throws Error(corrupt) with one line that names the
// tensor and the field: duplicate keys, holes or overlaps between tensors, sizes that contradict
// dtype and shape, overflow, nesting, anything that is not in the format. Unknown dtypes are taken
// as bytes with begin < end unchecked against the shape.
Layout parse(std::span<const uint8_t> header_json);

// The same of a file, read in pieces: the header is never in memory. Nullopt if the file does not
// begin as safetensors do; a header beyond the file's end is an error.
std::optional<Layout> read_header(RandomSource& file);
// A tensor beyond the file's end is an error too.
std::optional<Layout> read(RandomSource& file);
}  // namespace gramzip::safetensors
