// SPDX-License-Identifier: Apache-2.0
#include "host/formats/compressed_tensors.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "gramzip/core/wire.h"
#include "host/cpu/float_values.h"

namespace gramzip::compressed_tensors {
namespace {
float epsilon(ElementType t) {
  return t == ElementType::f16 ? 0x1p-10f : t == ElementType::bf16 ? 0x1p-7f : 0x1p-23f;
}
// Ties to even, for |v| < 2^22: the sum's last bit stands for 1.
float round_even(float v) {
  constexpr float kShift = 0x1.8p23f;
  return (v + kShift) - kShift;
}
float load_scale(ElementType type, const uint8_t* scale) {
  float s;
  cpu::to_floats(type, scale, 1, &s);
  return s;
}
}  // namespace

bool quantize_group(const float* x, size_t n, const Scheme& scheme, ElementType scale_type,
                    int8_t* codes, uint8_t* scale, int8_t* zero) {
  float low = 0.f, high = 0.f;
  for (size_t i = 0; i < n; ++i) low = std::min(low, x[i]), high = std::max(high, x[i]);
  const auto least = static_cast<float>(scheme.least()), most = static_cast<float>(scheme.most());
  const float range = most - least;
  float s = scheme.symmetric ? std::max(-low, high) / (range / 2) : (high - low) / range;
  uint8_t stored[4];
  if (!std::isfinite(s) || cpu::from_floats(scale_type, &s, 1, stored) > 0) return false;
  s = load_scale(scale_type, stored);
  if (s == 0.f) {
    s = epsilon(scale_type);
    cpu::from_floats(scale_type, &s, 1, stored);
  }
  std::copy_n(stored, element_info(scale_type).bytes, scale);
  float z = 0.f;
  if (!scheme.symmetric) {
    z = round_even(std::clamp(least - low / s, least, most));
    *zero = static_cast<int8_t>(z);
  }
  for (size_t i = 0; i < n; ++i) {
    const float v = std::min(std::max(x[i] / s + z, least), most);
    codes[i] = static_cast<int8_t>(static_cast<int32_t>(round_even(v)));
  }
  return true;
}

void dequantize_group(const int8_t* codes, size_t n, ElementType scale_type, const uint8_t* scale,
                      int8_t zero, float* out) {
  const float s = load_scale(scale_type, scale);
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<float>(codes[i] - zero) * s;
}

void pack(const int8_t* values, size_t n, size_t stride, uint32_t bits, uint8_t* words,
          size_t word_stride) {
  const size_t each = 32 / bits;
  const int32_t offset = 1 << (bits - 1);
  for (size_t begin = 0; begin < n; begin += each, words += 4 * word_stride) {
    uint32_t word = 0;
    for (size_t i = begin; i < std::min(n, begin + each); ++i)
      word |= static_cast<uint32_t>(values[i * stride] + offset) << (bits * (i - begin));
    store_le(words, word);
  }
}

std::string quantization_config(const Scheme& scheme, std::span<const std::string> ignore) {
  using nlohmann::ordered_json;
  ordered_json weights = {{"num_bits", scheme.bits},
                          {"type", "int"},
                          {"symmetric", scheme.symmetric},
                          {"strategy", scheme.group == 0 ? "channel" : "group"},
                          {"group_size", nullptr},
                          {"block_structure", nullptr},
                          {"dynamic", false},
                          {"actorder", nullptr},
                          {"observer", "minmax"},
                          {"observer_kwargs", ordered_json::object()}};
  if (scheme.group != 0) weights["group_size"] = scheme.group;
  ordered_json group = {{"targets", {"Linear"}},
                        {"weights", weights},
                        {"input_activations", nullptr},
                        {"output_activations", nullptr}};
  ordered_json config = {
      {"quant_method", "compressed-tensors"}, {"format", "pack-quantized"},
      {"quantization_status", "compressed"},  {"global_compression_ratio", nullptr},
      {"kv_cache_scheme", nullptr},           {"ignore", ordered_json::array()},
      {"config_groups", {{"group_0", group}}}};
  for (const std::string& name : ignore) config["ignore"].push_back(name);
  return config.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}
}  // namespace gramzip::compressed_tensors
