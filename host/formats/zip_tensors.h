// SPDX-License-Identifier: Apache-2.0
// The tensors of a zip archive: stored .npy entries (npz), and the storages of PyTorch's files.
#pragma once
#include <optional>
#include <vector>

#include "host/base/io.h"
#include "host/formats/tensor.h"

namespace gramzip::zip {
// Nullopt if the file is no zip archive or none of its entries is a stored tensor. Throws
// Error(corrupt) if its first entry is one and the archive breaks the rules; other broken archives
// are none of ours.
std::optional<std::vector<Tensor>> read(RandomSource& file);
}  // namespace gramzip::zip
