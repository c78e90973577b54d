// SPDX-License-Identifier: Apache-2.0
// Two block formats of ggml, 32 elements of a row each:
//   Q8_0, 34 bytes: F16 d, 32 signed bytes q; an element is d * q.
//   Q4_0, 18 bytes: F16 d, 16 bytes; byte j has q of element j in its low and of element j + 16 in
//   its high four bits; an element is d * (q - 8).
// d is absmax / 127 in Q8_0, and in Q4_0 the element of the largest magnitude, the first of equals,
// divided by -8. Codes come of the unrounded d, in 32-bit floats, one rounding at a time.
// Source: quantize_row_q8_0_ref and quantize_row_q4_0_ref of ggml's ggml-quants.c; the bytes are
// theirs, but for blocks whose 1 / d is infinite (|d| < 2^-128): these have only codes of zero.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gramzip::gguf {
inline constexpr size_t kBlockElements = 32, kQ8_0Bytes = 34, kQ4_0Bytes = 18;

// 32 * blocks finite numbers to blocks. Returns the first block whose d is beyond F16 (65504), or
// `blocks`; what lies behind that block is not written.
size_t quantize_q8_0(const float* x, size_t blocks, uint8_t* out);
size_t quantize_q4_0(const float* x, size_t blocks, uint8_t* out);

// The numbers that blocks stand for.
void dequantize_q8_0(const uint8_t* in, size_t blocks, float* out);
void dequantize_q4_0(const uint8_t* in, size_t blocks, float* out);
}  // namespace gramzip::gguf
