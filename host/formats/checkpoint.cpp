// SPDX-License-Identifier: Apache-2.0
#include "host/formats/checkpoint.h"

#include "host/formats/gguf.h"
#include "host/formats/npy.h"
#include "host/formats/safetensors.h"
#include "host/formats/zip_tensors.h"

namespace gramzip {
std::optional<Checkpoint> read_checkpoint(RandomSource& file) {
  if (auto tensors = gguf::read(file)) return Checkpoint{MemberKind::gguf, std::move(*tensors)};
  if (auto tensors = zip::read(file)) return Checkpoint{MemberKind::zip, std::move(*tensors)};
  if (auto array = npy::read(file, 0, file.size(), "npy")) {
    array->name = "array";
    return Checkpoint{MemberKind::npy, {std::move(*array)}};
  }
  if (auto layout = safetensors::read(file))
    return Checkpoint{MemberKind::safetensors, std::move(layout->tensors)};
  return std::nullopt;
}
}  // namespace gramzip
