// SPDX-License-Identifier: Apache-2.0
// Inner parts of the safetensors parser: host/formats/safetensors.cpp alone includes this.
#pragma once
#include <string>

#include "host/formats/safetensors.h"
#include "host/formats/tensor_list.h"

namespace gramzip::safetensors {
// Throws Error(corrupt).
[[noreturn]] void bad(const std::string& what);

// The tensors in the order of the header, which is bytes [begin, end) of the file; offsets as
// written; each is checked by itself.
formats::TensorList parse_tensors(RandomSource& file, uint64_t begin, uint64_t end);
}  // namespace gramzip::safetensors
