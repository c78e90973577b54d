// SPDX-License-Identifier: Apache-2.0
// GGUF, versions 2 and 3, little-endian: counts, metadata, tensor infos, aligned tensor data.
// Source: github.com/ggml-org/ggml, docs/gguf.md.
#pragma once
#include <optional>
#include <vector>

#include "host/base/io.h"
#include "host/formats/tensor.h"

namespace gramzip::gguf {
// Nullopt if the file does not begin as GGUF does. Throws Error(corrupt), one line that names the
// tensor or key and the field. Shapes are slowest dimension first, the reverse of the file's.
std::optional<std::vector<Tensor>> read(RandomSource& file);
}  // namespace gramzip::gguf
