// SPDX-License-Identifier: Apache-2.0
// Counts of symbols, a table a segment. Does not allocate, does not synchronise.
#pragma once
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
struct HistogramTuning {
  uint32_t threads = 256;
  uint32_t copies = 8;  // private tables a CTA, for alphabets of up to 256 symbols
};
// Adds to counts[segment * kMaxWriteSymbols + symbol], which the caller has zeroed, for all blocks
// whose mode is raw (not constant, no repeat).
cudaError_t histogram(const uint8_t* content, const DeviceSegment* segments,
                      const DeviceBlock* blocks, const BlockState* states, uint32_t count,
                      uint32_t* counts, const HistogramTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
