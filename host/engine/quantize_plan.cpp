// SPDX-License-Identifier: Apache-2.0
#include "host/engine/quantize_plan.h"

#include <fnmatch.h>

#include <algorithm>
#include <cctype>

#include "host/frame/member_records.h"

namespace gramzip {
namespace {
constexpr uint64_t kSmall = 4096, kFlat = 65536, kLeastRow = 32;

bool matches(const std::string& pattern, const std::string& name) {
  return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

bool has_any(const std::string& name, std::initializer_list<const char*> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](const char* p) { return name.find(p) != std::string::npos; });
}

// The default rule that keeps the tensor, or an empty name.
std::string rule_of(const PlannedTensor& t) {
  const ElementType type = t.tensor.type;
  if (type == ElementType::f8_e4m3 || type == ElementType::f8_e5m2 || t.tensor.dtype[0] == 'C')
    return "type";
  if (t.elements < kSmall) return "small";
  if (t.tensor.shape.size() <= 1 && t.elements < kFlat) return "1-D";
  std::string name = t.tensor.name;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (has_any(name, {"norm", "ln_", ".ln"})) return "norm";
  if (name.ends_with("bias")) return "bias";
  // "output.weight" is the head of GGUF and of Llama's own files, unless it is a layer's.
  if (has_any(name, {"embed", "embd", "wte", "wpe", "lm_head"}) || name == "output.weight")
    return "embedding";
  return "";
}

uint64_t columns_of(const Tensor& t) {
  uint64_t columns = 1;
  for (size_t i = t.shape.size(); i-- > 0;) {
    if (i == 0 && t.shape.size() > 1) break;
    columns *= t.shape[i];
    if (columns >= kLeastRow) break;
  }
  return std::max<uint64_t>(columns, 1);
}

PlannedTensor plan(const Tensor& t, size_t input) {
  PlannedTensor p;
  p.input = input;
  p.tensor = t;
  const uint64_t bytes = t.end - t.begin, size = element_info(t.type).bytes;
  p.weights = is_float(t.type) && bytes % size == 0;
  p.elements = p.weights ? bytes / size : 0;
  p.columns = columns_of(t);
  // A description that does not go with the bytes has no rows.
  if (p.elements > 0 && p.elements % p.columns != 0) p.columns = p.elements;
  if (!p.weights) p.kept = "type";
  if (p.weights && p.elements == 0) p.kept = "empty";
  return p;
}
}  // namespace

std::vector<PlannedTensor> plan_tensors(std::span<const std::optional<Checkpoint>> checkpoints,
                                        const QuantizeOptions& options) {
  std::vector<PlannedTensor> out;
  for (size_t i = 0; i < checkpoints.size(); ++i)
    if (checkpoints[i])
      for (const Tensor& t : checkpoints[i]->tensors) out.push_back(plan(t, i));

  const auto apply = [&](const char* option, const std::string& pattern, const auto& work) {
    bool any = false;
    for (PlannedTensor& t : out) {
      if (!matches(pattern, t.tensor.name)) continue;
      any = true;
      work(t);
    }
    if (!any)
      fail(ErrorCode::invalid_argument,
           std::string(option) + ": no tensor's name matches '" + frame::printable(pattern) + "'");
  };
  for (const auto& [pattern, rate] : options.set)
    apply("--set", pattern, [r = rate](PlannedTensor& t) {
      if (t.kept.empty()) t.own_rate = r;
    });
  if (options.default_rules)
    for (PlannedTensor& t : out)
      if (t.kept.empty() && !t.own_rate) t.kept = rule_of(t);
  for (const std::string& pattern : options.keep)
    apply("--keep", pattern, [](PlannedTensor& t) {
      if (!t.kept.empty() && (t.kept == "type" || t.kept == "empty")) return;
      t.kept = "--keep";
      t.own_rate.reset();
    });
  return out;
}
}  // namespace gramzip
