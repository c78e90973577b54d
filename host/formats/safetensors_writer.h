// SPDX-License-Identifier: Apache-2.0
// The header of a safetensors file that is written front to back.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace gramzip::safetensors {
struct OutTensor {
  std::string name, dtype;  // dtype as safetensors has it
  std::vector<uint64_t> shape;
  uint64_t bytes = 0;
};
// What precedes the data of the tensors, which follow each other in this order: size and JSON,
// padded to a multiple of 8 bytes. Readers need each tensor at a multiple of its element's size:
// that is the caller's matter. metadata: pairs of strings for "__metadata__". Throws Error(limit)
// if the header is longer than readers take (100 MB).
std::vector<uint8_t> header(std::span<const OutTensor> tensors,
                            std::span<const std::pair<std::string, std::string>> metadata);
}  // namespace gramzip::safetensors
