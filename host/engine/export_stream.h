// SPDX-License-Identifier: Apache-2.0
// Floats of a tensor through a quantizer, piece by piece: read, converted, checked and quantized on
// several threads, written in order.
#pragma once
#include <functional>
#include <vector>

#include "host/base/workers.h"
#include "host/engine/export.h"

namespace gramzip {
struct ExportStream {
  const ExportInput& input;
  const char* format;  // in errors: what has no NaN, "Q8_0"
  uint64_t unit = 1;   // pieces have a multiple of so many elements, as the tensor has
  uint32_t heads = 0;  // rows permuted within each, as LlamaConfig::permuted_heads has it
};

// The piece that begins at element `first`: finite numbers x to bytes `out`, and to what those
// stand for, as many as x. Runs on several threads at once. Throws Error.
using QuantizePiece = std::function<void(uint64_t first, std::span<const float> x,
                                         std::vector<uint8_t>& out, std::span<float> restored)>;
using WriteBytes = std::function<void(std::span<const uint8_t>)>;

ErrorFigures quantize_stream(const ExportStream& s, Workers& workers, const QuantizePiece& quantize,
                             const WriteBytes& write);

// A kept tensor: its bytes, rows permuted where s.heads says so, floats as those of another type if
// `type` is not the tensor's. Figures of floats alone.
ErrorFigures copy_stream(const ExportStream& s, ElementType type, const WriteBytes& write);

// "tensor 'x'", for errors.
std::string tensor_in_words(const Tensor& t);
uint64_t element_count(const Tensor& t);
}  // namespace gramzip
