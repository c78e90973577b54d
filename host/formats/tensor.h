// SPDX-License-Identifier: Apache-2.0
// A tensor in a file, whatever the file's format.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "gramzip/core/elements.h"

namespace gramzip {
struct Tensor {
  std::string name;
  // One name in all formats for what safetensors has ("BF16"), else as the file's format writes it
  // ("Q4_K", ">f4", "|S5").
  std::string dtype;
  std::vector<uint64_t> shape;            // slowest dimension first, in elements, packed or not
  uint64_t begin = 0, end = 0;            // in the file
  ElementType type = ElementType::bytes;  // how gramzip codes it; bytes if the dtype is unknown
  uint16_t period = 0;  // of type bytes: the length of the records it consists of; 0: none is known
};
}  // namespace gramzip
