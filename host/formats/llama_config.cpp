// SPDX-License-Identifier: Apache-2.0
#include "host/formats/llama_config.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "host/formats/fault.h"

namespace gramzip::formats {
namespace {
using nlohmann::json;

struct Family {
  const char* model;  // in "architectures"
  const char* architecture;
  bool permutes;
};
constexpr Family kFamilies[] = {
    {"LlamaForCausalLM", "llama", true},   {"LLaMAForCausalLM", "llama", true},
    {"MistralForCausalLM", "llama", true}, {"Qwen2ForCausalLM", "qwen2", false},
    {"Qwen3ForCausalLM", "qwen3", false},
};

struct Part {
  const char* theirs;
  const char* ours;
};
constexpr Part kWhole[] = {{"model.embed_tokens.weight", "token_embd.weight"},
                           {"model.norm.weight", "output_norm.weight"},
                           {"lm_head.weight", "output.weight"}};
// Of model.layers.N, each with .weight or .bias.
constexpr Part kParts[] = {{"input_layernorm", "attn_norm"},
                           {"self_attn.q_proj", "attn_q"},
                           {"self_attn.k_proj", "attn_k"},
                           {"self_attn.v_proj", "attn_v"},
                           {"self_attn.o_proj", "attn_output"},
                           {"self_attn.q_norm", "attn_q_norm"},
                           {"self_attn.k_norm", "attn_k_norm"},
                           {"mlp.gate_proj", "ffn_gate"},
                           {"mlp.up_proj", "ffn_up"},
                           {"mlp.down_proj", "ffn_down"},
                           {"post_attention_layernorm", "ffn_norm"}};
constexpr std::string_view kLayers = "model.layers.";

[[noreturn]] void bad(const std::string& what) { refuse("config.json", what); }

json parse_object(std::string_view text) {
  if (text.size() > (16u << 20)) bad("longer than 16 MiB");
  json j = json::parse(text.begin(), text.end(), nullptr, false);
  if (!j.is_object()) bad("no JSON object");
  return j;
}

// Fields of an object, null or absent alike.
const json* field(const json& j, const char* key) {
  const auto it = j.find(key);
  return it == j.end() || it->is_null() ? nullptr : &*it;
}
std::optional<uint32_t> count(const json& j, const char* key) {
  const json* v = field(j, key);
  if (v == nullptr) return std::nullopt;
  if (!v->is_number_unsigned() || *v > UINT32_MAX) bad(std::string(key) + ": no 32-bit number");
  return v->get<uint32_t>();
}
uint32_t needed(const json& j, const char* key) {
  const auto v = count(j, key);
  if (!v || *v == 0) bad(std::string(key) + ": missing, or 0");
  return *v;
}
std::optional<double> real(const json& j, const char* key) {
  const json* v = field(j, key);
  if (v == nullptr) return std::nullopt;
  if (!v->is_number()) bad(std::string(key) + ": no number");
  return v->get<double>();
}
std::string text_of(const json& j, const char* key) {
  const json* v = field(j, key);
  return v != nullptr && v->is_string() ? v->get<std::string>() : std::string();
}

// The n-th root of x >= 1 by halving: only + - * /, so the same everywhere.
double root(double x, uint32_t n) {
  double low = 1, high = x;
  for (;;) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return low;
    double power = 1;  // middle^n, or more than x
    for (uint32_t k = 0; k < n && power <= x; ++k) power *= middle;
    (power <= x ? low : high) = middle;
  }
}

// Llama 3.1: slow rotations are slowed down further, those between go over smoothly.
std::vector<float> llama3_factors(const json& rope, const json& config, double base,
                                  uint32_t dimensions) {
  const double factor = real(rope, "factor").value_or(8.),
               low = real(rope, "low_freq_factor").value_or(1.),
               high = real(rope, "high_freq_factor").value_or(4.);
  auto context = real(rope, "original_max_position_embeddings");
  if (!context) context = real(config, "original_max_position_embeddings");
  const double old = context.value_or(8192.);
  if (!(base >= 1) || !(factor > 0) || !(low > 0) || !(high > low) || !(old > 0))
    bad("rope_scaling: factors that make no sense");
  constexpr double kPi = 3.141592653589793;
  const double step = root(base, dimensions / 2);
  std::vector<float> out;
  double wavelength = 2 * kPi;
  for (uint32_t i = 0; i < dimensions / 2; ++i, wavelength *= step) {
    double f = 1;
    if (wavelength > old / low) {
      f = factor;
    } else if (wavelength >= old / high) {
      const double smooth = (old / wavelength - low) / (high - low);
      f = 1 / ((1 - smooth) / factor + smooth);
    }
    out.push_back(static_cast<float>(f));
  }
  return out;
}
}  // namespace

void require_unquantized(std::string_view config_json) {
  const json j = parse_object(config_json);
  const json* q = field(j, "quantization_config");
  if (q == nullptr) return;
  const std::string method = q->is_object() ? text_of(*q, "quant_method") : "";
  fail(ErrorCode::unsupported,
       "config.json: quantization_config: the weights are quantized already (" + in_quotes(method) +
           "); give the original checkpoint");
}

std::optional<LlamaConfig> LlamaConfig::parse(std::string_view text, std::string& why) {
  require_unquantized(text);
  const json j = parse_object(text);
  std::string model;
  if (const json* list = field(j, "architectures"))
    if (list->is_array() && !list->empty() && list->front().is_string())
      model = list->front().get<std::string>();
  const Family* family = nullptr;
  for (const Family& f : kFamilies)
    if (model == f.model) family = &f;
  if (family == nullptr) {
    why = "architecture " + in_quotes(model) + " is none of the llama family";
    return std::nullopt;
  }

  LlamaConfig c;
  c.architecture_ = family->architecture;
  c.permutes_ = family->permutes;
  const auto add = [&c](const char* key, uint32_t v) { c.numbers_.push_back({key, false, v, 0}); };
  const auto add_real = [&c](const char* key, double v) {
    c.numbers_.push_back({key, true, 0, static_cast<float>(v)});
  };
  const uint32_t hidden = needed(j, "hidden_size");
  c.heads_ = needed(j, "num_attention_heads");
  c.kv_heads_ = count(j, "num_key_value_heads").value_or(c.heads_);
  if (c.kv_heads_ == 0) bad("num_key_value_heads: 0");
  add("block_count", needed(j, "num_hidden_layers"));
  add("context_length", needed(j, "max_position_embeddings"));
  add("embedding_length", hidden);
  add("feed_forward_length", needed(j, "intermediate_size"));
  add("attention.head_count", c.heads_);
  add("attention.head_count_kv", c.kv_heads_);
  add_real("attention.layer_norm_rms_epsilon", real(j, "rms_norm_eps").value_or(1e-6));
  const auto head = count(j, "head_dim");
  const uint32_t head_size = head.value_or(hidden / c.heads_);
  if (head_size == 0 || head_size % 2 != 0 || head_size > 65536)
    bad("head_dim: heads of " + std::to_string(head_size) + " elements");
  if (head) add("attention.key_length", *head), add("attention.value_length", *head);
  add("vocab_size", needed(j, "vocab_size"));
  add("rope.dimension_count", head_size);

  // transformers 5 keeps all of RoPE in rope_parameters.
  const json* rope = field(j, "rope_parameters");
  if (rope == nullptr || !rope->is_object()) rope = field(j, "rope_scaling");
  const json none = json::object();
  if (rope == nullptr || !rope->is_object()) rope = &none;
  auto theta = real(j, "rope_theta");
  if (!theta) theta = real(*rope, "rope_theta");
  add_real("rope.freq_base", theta.value_or(10000.));
  std::string type = text_of(*rope, "rope_type");
  if (type.empty()) type = text_of(*rope, "type");
  if (type == "llama3") {
    c.rope_factors_ = llama3_factors(*rope, j, theta.value_or(10000.), head_size);
  } else if (type == "linear" || type == "yarn") {
    c.texts_.push_back({"rope.scaling.type", type});
    add_real("rope.scaling.factor", real(*rope, "factor").value_or(1.));
    if (type == "yarn")
      if (const auto n = count(*rope, "original_max_position_embeddings"))
        add("rope.scaling.original_context_length", *n);
  } else if (!type.empty() && type != "default") {
    why = "RoPE of type " + in_quotes(type) + " is not known";
    return std::nullopt;
  }
  return c;
}

void LlamaConfig::write_metadata(gguf::HeaderWriter& out) const {
  const std::string prefix = architecture_ + ".";
  for (const Number& n : numbers_) {
    if (n.is_float) {
      out.f32(prefix + n.key, n.f);
    } else {
      out.u32(prefix + n.key, n.u);
    }
  }
  for (const Text& t : texts_) out.string(prefix + t.key, t.value);
  out.string("tokenizer.ggml.model", "none");
}

std::optional<std::string> LlamaConfig::tensor_name(std::string_view name) const {
  for (const Part& p : kWhole)
    if (name == p.theirs) return p.ours;
  if (name.ends_with("rotary_emb.inv_freq")) return "";
  if (!name.starts_with(kLayers)) return std::nullopt;
  std::string_view rest = name.substr(kLayers.size());
  const size_t dot = rest.find('.');
  if (dot == rest.npos) return std::nullopt;
  uint32_t layer = 0;
  const auto number = std::from_chars(rest.data(), rest.data() + dot, layer);
  if (number.ec != std::errc() || number.ptr != rest.data() + dot) return std::nullopt;
  rest.remove_prefix(dot + 1);
  for (const Part& p : kParts) {
    const std::string_view theirs = p.theirs;
    if (!rest.starts_with(theirs)) continue;
    const std::string_view kind = rest.substr(theirs.size());
    if (kind != ".weight" && kind != ".bias") continue;
    return std::string("blk.")
        .append(std::to_string(layer))
        .append(1, '.')
        .append(p.ours)
        .append(kind);
  }
  return std::nullopt;
}

uint32_t LlamaConfig::permuted_heads(std::string_view name) const {
  if (!permutes_) return 0;
  const auto is = [name](std::string_view end) { return name.ends_with(end); };
  if (is(".q_proj.weight") || is(".q_proj.bias")) return heads_;
  if (is(".k_proj.weight") || is(".k_proj.bias")) return kv_heads_;
  return 0;
}
}  // namespace gramzip::formats
