// SPDX-License-Identifier: Apache-2.0
// Which tensors an export quantizes and which it keeps as they are (docs/export.md).
#pragma once
#include <string>

#include "host/engine/export.h"

namespace gramzip {
// A whole name against a pattern of fnmatch(3).
bool matches_pattern(const std::string& pattern, const std::string& name);

bool is_float_tensor(const Tensor& t);  // one real number an element

// Why the tensor is kept; empty if it is quantized. out_name: in the output.
std::string gguf_keeps(const Tensor& t, const std::string& out_name, const ExportOptions& options);
std::string compressed_keeps(const Tensor& t, const ExportOptions& options);

// compressed-tensors: a kept tensor that a reader could take for a Linear's weight.
bool could_be_linear(const Tensor& t);
}  // namespace gramzip
