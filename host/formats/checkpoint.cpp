// SPDX-License-Identifier: Apache-2.0
#include "host/formats/checkpoint.h"

#include "host/base/error.h"
#include "host/formats/safetensors.h"

namespace gramzip {
std::optional<Checkpoint> read_checkpoint(RandomSource& file) {
  std::vector<uint8_t> head(9);
  head.resize(file.read_at(0, head.data(), head.size()));
  const uint64_t size = safetensors::header_size(head);
  if (head.size() < 9 || size == 0 || head[8] != '{') return std::nullopt;
  if (size > file.size() - 8) fail(ErrorCode::corrupt, "safetensors header: cut short");
  head.resize(size);
  if (file.read_at(8, head.data(), size) < size)
    fail(ErrorCode::corrupt, "safetensors header: cut short");
  safetensors::Layout layout = safetensors::parse(head);
  if (layout.file_bytes > file.size())
    fail(ErrorCode::corrupt, "safetensors header: tensors end behind the end of the file");
  return Checkpoint{MemberKind::safetensors, std::move(layout.tensors)};
}
}  // namespace gramzip
