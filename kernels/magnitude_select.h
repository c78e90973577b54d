// SPDX-License-Identifier: Apache-2.0
// The two passes of cpu::MagnitudeSelect over F32 and F64. Neither allocates or synchronises.
#pragma once
#include "gramzip/core/elements.h"
#include "kernels/common/bins.h"

namespace gramzip::kernels {
struct MagnitudeSelectTuning {
  uint32_t ctas = 132;  // at most; each has the shared memory of a multiprocessor
};
// Adds to counts[65536]: of the high 16 bits of the keys (FloatValues::magnitude_key). elements: n
// of them, aligned to 16 bytes.
cudaError_t magnitude_high(ElementType type, const uint8_t* elements, uint64_t n, BinCount* counts,
                           const MagnitudeSelectTuning& tuning, cudaStream_t stream);
// Adds to counts[32768]: of the low 15 bits, where the high ones are `chosen`.
cudaError_t magnitude_low(ElementType type, const uint8_t* elements, uint64_t n, uint32_t chosen,
                          BinCount* counts, const MagnitudeSelectTuning& tuning,
                          cudaStream_t stream);
}  // namespace gramzip::kernels
