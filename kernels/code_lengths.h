// SPDX-License-Identifier: Apache-2.0
// Code lengths and canonical codes of each segment from its counts. Does not allocate or
// synchronise.
#pragma once
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
struct CodeLengthsTuning {
  uint32_t threads = 256;
};
// Symbols in use of a segment's alphabet.
struct CodeSummary {
  uint32_t used;
  uint32_t lone;  // the symbol if used is 1
};
// Arrays of kMaxWriteSymbols entries a segment: counts in; lengths (0: no code, or lone) and codes
// (huffman::pack_code) out.
cudaError_t code_lengths(const DeviceSegment* segments, uint32_t count, const uint32_t* counts,
                         uint8_t* lengths, uint32_t* codes, CodeSummary* summaries,
                         const CodeLengthsTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
