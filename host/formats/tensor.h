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
  std::string dtype;  // as the file's format writes it, e.g. "BF16"
  std::vector<uint64_t> shape;
  uint64_t begin = 0, end = 0;            // in the file
  ElementType type = ElementType::bytes;  // how gramzip codes it; bytes if the dtype is unknown
  uint16_t period = 0;  // of type bytes: the length of the records it consists of; 0: none is known
};
}  // namespace gramzip
