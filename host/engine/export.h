// SPDX-License-Identifier: Apache-2.0
// Quantized checkpoints in the formats of others: GGUF with blocks of Q8_0 or Q4_0, for llama.cpp,
// and safetensors of compressed-tensors' "pack-quantized", for vLLM (docs/export.md). Made straight
// from a checkpoint's floats by each format's own rules; the same bytes at any number of threads.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "host/base/io.h"
#include "host/engine/error_report.h"
#include "host/formats/compressed_tensors.h"
#include "host/formats/tensor.h"

namespace gramzip {
// A tensor of a checkpoint and the file that it lies in, which can be read by several threads.
struct ExportInput {
  RandomSource* file = nullptr;
  Tensor tensor;
};

enum class ExportFormat { gguf_q8_0, gguf_q4_0, compressed_tensors };

struct ExportOptions {
  ExportFormat format = ExportFormat::gguf_q8_0;
  compressed_tensors::Scheme scheme;  // of compressed_tensors
  // Tensors that stay as they are: patterns of whole names (fnmatch); GGUF: of names before or
  // after. A pattern that names none is Error(invalid_argument).
  std::vector<std::string> keep;
  bool default_rules = true;  // others stay too, by their names
  // GGUF: names stay, whatever config_json says.
  bool plain_names = false;
  std::string config_json;            // the model's config.json; empty: none
  std::string model_name;             // GGUF: general.name
  RandomSource* gguf_file = nullptr;  // the file of all inputs if it is GGUF; its metadata is kept
  int threads = 0;
  // After each piece: bytes of tensors read and bytes written so far. May be null.
  std::function<void(uint64_t, uint64_t)> progress;
};

struct ExportResult {
  // The tensors as given, without those that were left out. method: "Q4_0", "int4"; kept_by:
  // why it was not quantized. Errors are those of 32-bit floats: readers that compute in fewer bits
  // round once more.
  ErrorReport report;
  std::vector<std::string> names;   // in the output, of report.tensors; of compressed_tensors the
                                    // packed words'
  std::vector<std::string> notes;   // what the user should know, one line each
  std::string architecture;         // GGUF
  std::string quantization_config;  // compressed_tensors: for config.json
  uint64_t bytes = 0;               // written
  uint64_t quantized() const;       // tensors
};

// Writes a whole file. Throws Error, one line that names the tensor: (unsupported) NaN, infinities,
// scales beyond the format, types and shapes that it does not have, nothing to quantize; (limit)
// more than 2^26 elements that share a scale; and what config_json lacks. Memory: some pieces of
// 2^20 elements a thread, the tensors' descriptions, and for compressed_tensors 2 to 5 bytes a
// group of the tensor at hand.
ExportResult export_checkpoint(std::span<const ExportInput> inputs, const ExportOptions& options,
                               Sink& out);
}  // namespace gramzip
