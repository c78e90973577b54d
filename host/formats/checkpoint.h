// SPDX-License-Identifier: Apache-2.0
// Which tensors a file holds and where, for every format that gramzip knows: safetensors, npy, zip
// archives with stored entries (npz, PyTorch's .pt), GGUF. Nothing in a file is ever executed.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/base/io.h"
#include "host/formats/tensor.h"

namespace gramzip {
// As in a members record (docs/format.md, 2.3).
enum class MemberKind : uint8_t { plain = 0, safetensors = 1, npy = 2, zip = 3, gguf = 4 };

struct Checkpoint {
  MemberKind kind = MemberKind::plain;
  // In order of begin, without overlap, all within the file. What lies between them is headers and
  // padding.
  std::vector<Tensor> tensors;
};

// Goes by content, never by name. Nullopt if the file is of none of the formats; Error(corrupt),
// one line, if it begins as one and breaks its rules. Memory: the tensors and what describes them.
std::optional<Checkpoint> read_checkpoint(RandomSource& file);
}  // namespace gramzip
