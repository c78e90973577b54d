// SPDX-License-Identifier: Apache-2.0
#include "host/formats/gguf_blocks.h"

#include <algorithm>
#include <cmath>

#include "host/cpu/float_values.h"

namespace gramzip::gguf {
namespace {
constexpr float kMostScale = 65520.f;  // from here on F16 is infinite

void store_scale(float d, uint8_t* out) { cpu::from_floats(ElementType::f16, &d, 1, out); }
float load_scale(const uint8_t* in) {
  float d;
  cpu::to_floats(ElementType::f16, in, 1, &d);
  return d;
}
// 0 where every code is to be that of zero.
float inverse(float d) {
  const float r = d != 0.f ? 1.f / d : 0.f;
  return std::isinf(r) ? 0.f : r;
}
// Half away from zero, for |v| < 2^31: v - i is exact.
int32_t round_away(float v) {
  const auto i = static_cast<int32_t>(v);
  const float rest = v - static_cast<float>(i);
  return i + (rest >= .5f) - (rest <= -.5f);
}
}  // namespace

size_t quantize_q8_0(const float* x, size_t blocks, uint8_t* out) {
  for (size_t b = 0; b < blocks; ++b, x += kBlockElements, out += kQ8_0Bytes) {
    float most = 0.f;
    for (size_t j = 0; j < kBlockElements; ++j) most = std::max(most, std::fabs(x[j]));
    const float d = most / 127.f;
    if (d >= kMostScale) return b;
    const float inv = inverse(d);
    store_scale(d, out);
    for (size_t j = 0; j < kBlockElements; ++j)
      out[2 + j] = static_cast<uint8_t>(round_away(x[j] * inv));
  }
  return blocks;
}

size_t quantize_q4_0(const float* x, size_t blocks, uint8_t* out) {
  constexpr size_t kHalf = kBlockElements / 2;
  for (size_t b = 0; b < blocks; ++b, x += kBlockElements, out += kQ4_0Bytes) {
    float most = 0.f;
    for (size_t j = 0; j < kBlockElements; ++j) most = std::max(most, std::fabs(x[j]));
    size_t first = 0;
    while (std::fabs(x[first]) < most) ++first;
    // Of a block of zeros, -0 too, d is -0.
    const float d = (most > 0.f ? x[first] : 0.f) / -8.f;
    if (std::fabs(d) >= kMostScale) return b;
    const float inv = inverse(d);
    store_scale(d, out);
    // x * inv is -8 or more, so that what is cut off is a fraction.
    const auto code = [inv](float v) { return std::min(15, static_cast<int32_t>(v * inv + 8.5f)); };
    for (size_t j = 0; j < kHalf; ++j)
      out[2 + j] = static_cast<uint8_t>(code(x[j]) | code(x[j + kHalf]) << 4);
  }
  return blocks;
}

void dequantize_q8_0(const uint8_t* in, size_t blocks, float* out) {
  for (size_t b = 0; b < blocks; ++b, in += kQ8_0Bytes, out += kBlockElements) {
    const float d = load_scale(in);
    for (size_t j = 0; j < kBlockElements; ++j)
      out[j] = d * static_cast<float>(static_cast<int8_t>(in[2 + j]));
  }
}

void dequantize_q4_0(const uint8_t* in, size_t blocks, float* out) {
  constexpr size_t kHalf = kBlockElements / 2;
  for (size_t b = 0; b < blocks; ++b, in += kQ4_0Bytes, out += kBlockElements) {
    const float d = load_scale(in);
    for (size_t j = 0; j < kHalf; ++j) {
      out[j] = d * static_cast<float>((in[2 + j] & 15) - 8);
      out[j + kHalf] = d * static_cast<float>((in[2 + j] >> 4) - 8);
    }
  }
}
}  // namespace gramzip::gguf
