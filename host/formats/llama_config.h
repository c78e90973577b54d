// SPDX-License-Identifier: Apache-2.0
// What llama.cpp needs to know of a model beyond its tensors, from the config.json of Hugging Face
// transformers: metadata, tensor names, the order of rows in q and k, factors of RoPE. For models
// of the llama family: dense decoders with the tensors that kParts (in the .cpp) lists. Source:
// github.com/ggml-org/llama.cpp, conversion/{base,llama,qwen}.py.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/formats/gguf_writer.h"

namespace gramzip::formats {
class LlamaConfig {
 public:
  // The text of a config.json. Nullopt, with the reason in `why`, for a model that is not of the
  // family. Throws Error(corrupt), one line, for what is no JSON object or lacks a field that the
  // family needs, Error(unsupported) for a model that is quantized already.
  static std::optional<LlamaConfig> parse(std::string_view json, std::string& why);

  const std::string& architecture() const { return architecture_; }  // GGUF's: "llama"
  void write_metadata(gguf::HeaderWriter& out) const;  // "ARCHITECTURE.*", tokenizer model "none"

  // GGUF's name of a tensor; empty for one that is computed and not stored (rotary_emb.inv_freq);
  // nullopt if the family has none of that name.
  std::optional<std::string> tensor_name(std::string_view name) const;

  // The heads whose rows change places in the tensor of that (transformers') name, or 0. The rows
  // of a head, halves one after another there, alternate in GGUF: row 2 i + j of a head is row j *
  // size / 2 + i.
  uint32_t permuted_heads(std::string_view name) const;

  // The tensor rope_freqs.weight, of F32; empty if the model has none.
  const std::vector<float>& rope_factors() const { return rope_factors_; }

 private:
  struct Number {
    std::string key;  // behind the architecture
    bool is_float;
    uint32_t u;
    float f;
  };
  struct Text {
    std::string key, value;
  };
  std::string architecture_;
  bool permutes_ = false;
  uint32_t heads_ = 0, kv_heads_ = 0;
  std::vector<Number> numbers_;
  std::vector<Text> texts_;
  std::vector<float> rope_factors_;
};

// Throws Error(unsupported) if the config.json says that the weights are quantized already. Text
// that is no JSON object is Error(corrupt).
void require_unquantized(std::string_view config_json);
}  // namespace gramzip::formats
