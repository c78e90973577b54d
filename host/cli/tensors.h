// SPDX-License-Identifier: Apache-2.0
// Tensors of the checkpoints in an archive, and files of one tensor.
#pragma once
#include "host/engine/engine.h"
#include "host/formats/safetensors.h"

namespace gramzip::cli {
// Decodes what describes a checkpoint's tensors; offsets are in the content of the archive.
std::vector<safetensors::Tensor> member_tensors(ArchiveReader& reader, const Member& member,
                                                const DecompressOptions& options);

// What precedes a tensor's bytes in a file of that tensor alone.
std::string safetensors_header(const safetensors::Tensor& t);
// Throws CliError for element types that npy does not have.
std::string npy_header(const safetensors::Tensor& t);
std::string shape_text(const safetensors::Tensor& t);  // "[4096, 128]"
}  // namespace gramzip::cli
