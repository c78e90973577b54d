// SPDX-License-Identifier: Apache-2.0
// Tensors of the members of an archive, and files of one tensor.
#pragma once
#include "host/engine/member_source.h"

namespace gramzip::cli {
// What precedes a tensor's bytes in a file of that tensor alone. Throws CliError for element types
// that the format does not have; `kind` is that of the file that the tensor comes from.
std::string safetensors_header(const Tensor& t, MemberKind kind);
std::string npy_header(const Tensor& t);

std::string shape_text(const Tensor& t);  // "[4096, 128]"
const char* kind_text(MemberKind k);
double element_count(const Tensor& t);

// Rows [begin, end) of a tensor: slices of its first dimension. Throws CliError, which begins with
// `option`, if there are fewer or they are no whole bytes.
Tensor rows_of(Tensor t, uint64_t begin, uint64_t end, const std::string& option);
}  // namespace gramzip::cli
