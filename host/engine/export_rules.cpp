// SPDX-License-Identifier: Apache-2.0
#include "host/engine/export_rules.h"

#include <fnmatch.h>

#include <algorithm>

#include "host/formats/dtype.h"
#include "host/formats/gguf_blocks.h"
#include "host/formats/gguf_types.h"

namespace gramzip {
namespace {
struct Rule {
  const char* part;  // of the name
  const char* why;
};
// In both formats; mostly as llama.cpp has it.
constexpr Rule kRules[] = {
    {"norm", "a norm"},           {".bias", "a bias"},
    {"ffn_gate_inp", "a router"}, {".gate.weight", "a router"},
    {"router", "a router"},       {"position_emb", "positions"},
    {"pos_emb", "positions"},     {"wpe.weight", "positions"},
    {"rel_pos", "positions"},     {"token_type", "token types"},
    {"conv1d", "a convolution"},  {"patch_emb", "patches"},
};
// In compressed-tensors: no Linear, or one that vLLM wants whole.
constexpr Rule kNoLinears[] = {
    {"embed", "an embedding"},
    {"wte.weight", "an embedding"},
    {"token_embd", "an embedding"},
};

const char* rule_of(std::span<const Rule> rules, std::string_view name) {
  for (const Rule& r : rules)
    if (name.find(r.part) != name.npos) return r.why;
  return nullptr;
}
// attn_output.weight is none.
bool is_head(std::string_view name) {
  return name.find("lm_head") != name.npos || name == "output.weight";
}

bool is_kept_by(const ExportOptions& options, const std::string& name) {
  return std::any_of(options.keep.begin(), options.keep.end(),
                     [name](const std::string& p) { return matches_pattern(p, name); });
}

std::string columns_text(const Tensor& t, uint64_t unit) {
  return "its rows of " + std::to_string(t.shape.back()) + " are no multiple of " +
         std::to_string(unit);
}
}  // namespace

bool matches_pattern(const std::string& pattern, const std::string& name) {
  return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

bool is_float_tensor(const Tensor& t) {
  if (!is_float(t.type)) return false;
  const formats::Dtype* d = formats::find_dtype(t.dtype);
  return d != nullptr && d->bits == 8u * element_info(t.type).bytes;  // no complex numbers
}

std::string gguf_keeps(const Tensor& t, const std::string& out_name, const ExportOptions& options) {
  if (is_kept_by(options, t.name) || is_kept_by(options, out_name)) return "--keep";
  if (!is_float_tensor(t)) {
    const gguf::Type* type = gguf::find_type(t.dtype);
    return type != nullptr && type->elements > 1 ? "quantized already" : "no floats";
  }
  if (t.shape.size() < 2) return "fewer than 2 dimensions";
  const char* why = options.default_rules ? rule_of(kRules, out_name) : nullptr;
  if (why != nullptr) return why;
  if (t.begin == t.end) return "empty";
  if (t.shape.back() % gguf::kBlockElements != 0) return columns_text(t, gguf::kBlockElements);
  return "";
}

bool could_be_linear(const Tensor& t) {
  return t.shape.size() >= 2 && t.name.ends_with(".weight") &&
         rule_of(kNoLinears, t.name) == nullptr && t.name.find("norm") == t.name.npos;
}

std::string compressed_keeps(const Tensor& t, const ExportOptions& options) {
  if (is_kept_by(options, t.name)) return "--keep";
  if (!is_float_tensor(t)) return "no floats";
  if (t.shape.size() != 2) return "not 2 dimensions";
  if (t.name != "weight" && !t.name.ends_with(".weight")) return "its name does not end in .weight";
  if (options.default_rules) {
    if (const char* why = rule_of(kRules, t.name)) return why;
    if (const char* why = rule_of(kNoLinears, t.name)) return why;
    if (is_head(t.name)) return "the output";
  }
  if (t.begin == t.end) return "empty";
  const uint64_t unit = std::max(options.scheme.group, 32 / options.scheme.bits);
  if (t.shape.back() % unit != 0) return columns_text(t, unit);
  return "";
}
}  // namespace gramzip
