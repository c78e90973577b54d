// SPDX-License-Identifier: Apache-2.0
// Counts of bytes, for codec bytes; kernels/run_classes counts the symbols of the others. Does not
// allocate, does not synchronise.
#pragma once
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
struct HistogramTuning {
  uint32_t threads = 256;
  uint32_t copies = 8;      // private tables a CTA
  uint32_t ctas = 132 * 8;  // byte_histogram: at most
};
// Adds to the counts of each segment of codec bytes, which the caller has zeroed, for all blocks
// whose mode is raw (not constant, no repeat).
cudaError_t histogram(const uint8_t* content, const DeviceSegment* segments,
                      const EncodePlaces* places, const DeviceBlock* blocks,
                      const BlockState* states, uint32_t count, uint32_t* counts,
                      const HistogramTuning& tuning, cudaStream_t stream);
// counts[256] of n bytes, which lie at a multiple of 16; set, not added to.
cudaError_t byte_histogram(const uint8_t* bytes, uint64_t n, unsigned long long* counts,
                           const HistogramTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
