// SPDX-License-Identifier: Apache-2.0
// The format "pack-quantized" of compressed-tensors, which vLLM reads: integers of 4 or 8 bits with
// one scale a group of a row's elements (or a row), packed into 32-bit words.
// Source: github.com/vllm-project/compressed-tensors: quantization/utils/helpers.py
// (calculate_qparams), quantization/lifecycle (quantize), compressors/pack_quantized (packing).
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gramzip/core/elements.h"

namespace gramzip::compressed_tensors {
struct Scheme {
  uint32_t bits = 4;  // 4 or 8
  bool symmetric = true;
  uint32_t group = 128;  // elements; 0: a row ("channel")

  int32_t least() const { return -(1 << (bits - 1)); }
  int32_t most() const { return (1 << (bits - 1)) - 1; }
  uint64_t groups(uint64_t columns) const { return group == 0 ? 1 : columns / group; }
};

// 32-bit words that n values take: value i lies at bit bits * i, as value + 2^(bits - 1).
inline uint64_t packed_words(uint64_t n, uint32_t bits) { return (n * bits + 31) / 32; }

// A group of n finite numbers. Symmetric: scale = absmax / (2^bits - 1) * 2. Asymmetric, with 0
// within least and most: scale = (most - least) / (2^bits - 1), zero = round(scheme.least() - least
// / scale). The scale is rounded to scale_type (F16, BF16, F32), and a scale of 0 is replaced by
// that type's epsilon, before it is used. Codes are round(x / scale + zero), ties to even, within
// the range; an element is (code - zero) * scale, rounded to scale_type once more by readers.
// Writes n codes, the scale's element (2 or 4 bytes) and, if the scheme is asymmetric, zero.
// Returns false, and nothing is written, if the scale is beyond scale_type.
bool quantize_group(const float* x, size_t n, const Scheme& scheme, ElementType scale_type,
                    int8_t* codes, uint8_t* scale, int8_t* zero);
void dequantize_group(const int8_t* codes, size_t n, ElementType scale_type, const uint8_t* scale,
                      int8_t zero, float* out);

// n values, `stride` apart, to packed_words(n, bits) words, `word_stride` words apart,
// little-endian.
void pack(const int8_t* values, size_t n, size_t stride, uint32_t bits, uint8_t* words,
          size_t word_stride);

// The value of "quantization_config" in a model's config.json: every Linear but those of `ignore`
// (names of modules). One line of JSON.
std::string quantization_config(const Scheme& scheme, std::span<const std::string> ignore);
}  // namespace gramzip::compressed_tensors
