// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>

#include "gramzip/core/wire.h"
#include "tests/registry/cases.h"

namespace gramzip::test {
namespace {
// Rounds a double to the element type by cutting mantissa bits: good enough to draw weights.
uint64_t as_element(ElementType type, double x) {
  const uint32_t f = std::bit_cast<uint32_t>(static_cast<float>(x));
  switch (type) {
    case ElementType::f64:
      return std::bit_cast<uint64_t>(x);
    case ElementType::f32:
      return f;
    case ElementType::bf16:
      return f >> 16;
    default:
      break;
  }
  const uint32_t exponent_bits = element_info(type).exponent_bits;
  const uint32_t bits = 8u * element_info(type).bytes, mantissa_bits = bits - 1 - exponent_bits;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = static_cast<int>((f >> 23) & 0xff) - 127 + bias;
  const uint32_t sign = (f >> 31) << (bits - 1);
  if (exponent <= 0) return sign;
  const uint32_t mantissa = (f & 0x7fffff) >> (23 - mantissa_bits);
  const int most = (1 << exponent_bits) - 2;
  return sign | (static_cast<uint32_t>(std::min(exponent, most)) << mantissa_bits) | mantissa;
}
}  // namespace

std::vector<uint8_t> make_text(size_t bytes, uint64_t seed) {
  std::mt19937_64 g(seed);
  std::vector<std::string> words;
  for (int i = 0; i < 400; ++i) {
    std::string w;
    for (uint64_t n = 1 + g() % 9; n > 0; --n)
      w += "etaoinshrdlucmfwypvbgkjqxz"[std::min(g() % 26, g() % 26)];
    words.push_back(w);
  }
  std::vector<uint8_t> out;
  out.reserve(bytes + 16);
  while (out.size() < bytes) {
    const auto rank =
        static_cast<size_t>(std::pow(400.0, static_cast<double>(g() >> 11) * 0x1p-53)) - 1;
    out.insert(out.end(), words[rank].begin(), words[rank].end());
    out.push_back(g() % 12 == 0 ? '\n' : ' ');
  }
  out.resize(bytes);
  return out;
}

std::vector<uint8_t> make_random(size_t bytes, uint64_t seed) {
  std::mt19937_64 g(seed);
  std::vector<uint8_t> out(bytes);
  for (uint8_t& b : out) b = static_cast<uint8_t>(g() >> 32);
  return out;
}

std::vector<uint8_t> make_weights(ElementType type, size_t bytes, double sigma, uint64_t seed) {
  std::mt19937_64 g(seed);
  const uint32_t element = element_info(type).bytes;
  std::vector<uint8_t> out(bytes / element * element);
  for (size_t i = 0; i < out.size() / element; ++i) {
    // Irwin-Hall: the same numbers with every standard library, unlike std::normal_distribution.
    double x = -6;
    for (int k = 0; k < 12; ++k) x += static_cast<double>(g() >> 11) * 0x1p-53;
    store_element(out.data(), i, element, as_element(type, x * sigma));
  }
  return out;
}

std::vector<uint8_t> make_scales(ElementType type, size_t bytes, uint64_t seed) {
  const uint32_t element = element_info(type).bytes;
  const size_t run = size_t{256} * element;
  std::vector<uint8_t> out;
  out.reserve(bytes + run);
  while (out.size() < bytes / element * element) {
    const size_t n = std::min(run, bytes / element * element - out.size());
    const std::vector<uint8_t> part =
        make_weights(type, n, std::ldexp(0.5, -static_cast<int>(seed * 5 % 7)), seed);
    out.insert(out.end(), part.begin(), part.end());
    ++seed;
  }
  return out;
}

std::vector<uint8_t> make_columns(ElementType type, size_t bytes, uint32_t period, uint64_t seed) {
  const uint32_t element = element_info(type).bytes;
  const size_t n = bytes / element;
  std::vector<uint8_t> out(n * element);
  for (uint32_t p = 0; p < std::min<size_t>(period, n); ++p) {
    const size_t records = (n - p + period - 1) / period;
    // Neighbouring columns are alike, as the taps of a filter are.
    const double sigma = std::ldexp(0.5, -static_cast<int>((p + seed) * 8 / period % 8));
    const std::vector<uint8_t> column =
        make_weights(type, records * element, sigma, seed * 1000 + p);
    for (size_t r = 0; r < records; ++r)
      store_element(out.data(), r * period + p, element, load_element(column.data(), r, element));
  }
  return out;
}

std::vector<uint8_t> make_records(size_t bytes, uint32_t period, uint64_t seed) {
  std::mt19937_64 g(seed);
  std::vector<uint8_t> base(period), spread(period), out(bytes);
  for (uint32_t p = 0; p < period; ++p) {
    base[p] = static_cast<uint8_t>(g());
    spread[p] = static_cast<uint8_t>(g() % 9);  // bits
  }
  for (size_t i = 0; i < bytes; ++i) {
    const uint64_t mask = (1u << spread[i % period]) - 1;
    out[i] = static_cast<uint8_t>(base[i % period] + (g() & g() & mask));
  }
  return out;
}

std::vector<uint8_t> make_safetensors(const std::vector<TensorCase>& tensors) {
  std::string json = "{\"__metadata__\":{\"format\":\"pt\"}";
  size_t at = 0;
  for (const TensorCase& t : tensors) {
    json += ",\"" + t.name + "\":{\"dtype\":\"" + t.dtype + "\",\"shape\":[" +
            std::to_string(t.bytes.size() * 8 / t.element_bits) + "],\"data_offsets\":[" +
            std::to_string(at) + "," + std::to_string(at + t.bytes.size()) + "]}";
    at += t.bytes.size();
  }
  json += "}";
  while (json.size() % 8 != 0) json += ' ';
  std::vector<uint8_t> out(8 + json.size());
  store_le<uint64_t>(out.data(), json.size());
  std::copy(json.begin(), json.end(), out.begin() + 8);
  for (const TensorCase& t : tensors) out.insert(out.end(), t.bytes.begin(), t.bytes.end());
  return out;
}
}  // namespace gramzip::test
