// SPDX-License-Identifier: Apache-2.0
// Which tensors are quantized, which are kept and by which rule.
//
// Default rules, the first that applies, unless a --set pattern names the tensor:
//   type        its elements are integers, complex numbers, records or 8-bit floats
//   small       fewer than 4,096 elements
//   1-D         one dimension or none, and fewer than 65,536 elements
//   norm, bias  by name
//   embedding   by name: embeddings and output heads
// Tensors without elements and those of no float type are kept under any rules.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "host/engine/quantize.h"
#include "host/formats/checkpoint.h"

namespace gramzip {
struct PlannedTensor {
  size_t input = 0;  // which file it is in
  Tensor tensor;
  uint64_t elements = 0;
  uint64_t columns =
      1;  // of a row: the last dimensions, as many as make 32 elements, but the first
  bool weights = false;            // floats: counted in bits per weight
  std::string kept;                // the rule; empty: it is changed
  std::optional<double> own_rate;  // bits per weight
};

// checkpoints: of each input. Throws Error(invalid_argument) for a pattern that names no tensor.
std::vector<PlannedTensor> plan_tensors(std::span<const std::optional<Checkpoint>> checkpoints,
                                        const QuantizeOptions& options);
}  // namespace gramzip
