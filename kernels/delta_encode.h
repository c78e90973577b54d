// SPDX-License-Identifier: Apache-2.0
// Segments into codec delta (docs/format.md, 14.1): modes of blocks; then, with the model that the
// host has made of them, measure and write around the layout of kernels/huffman_encode. None
// allocates or synchronises.
#pragma once
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"
#include "kernels/huffman_encode.h"

namespace gramzip::kernels {
// A segment's model, beside its DeviceSegment.
struct DeltaCoding {
  uint32_t classes;
  uint32_t runs_at;     // in class_ids: of its block 0
  uint32_t block_runs;  // of a full block
  uint32_t sums_at;     // in table_of_sum: of the sum 0 of an exponent and a class
  uint32_t codes_at;    // in codes: 2^delta::kSymbolBits a table
};
// What measure and write work on.
struct DeltaBatch {
  const uint8_t* content;
  const uint8_t* base;  // at the index of the content in whose place it stands
  const DeviceSegment* segments;
  const DeviceBlock* blocks;
  uint32_t count;  // of blocks
  const DeltaCoding* codings;
  const uint8_t* class_ids;
  const uint8_t* table_of_sum;
  const uint32_t* codes;  // huffman::pack_code
};

// Sets mode (base, constant, or raw: not yet decided) of states[0, count).
cudaError_t classify_delta(const uint8_t* content, const uint8_t* base,
                           const DeviceSegment* segments, const DeviceBlock* blocks,
                           BlockState* states, uint32_t count, cudaStream_t stream);
// As encode_measure and encode_write.
cudaError_t delta_measure(const DeltaBatch& batch, BlockState* states, uint32_t* lane_words,
                          const EncodeTuning& tuning, cudaStream_t stream);
cudaError_t delta_write(const DeltaBatch& batch, const BlockState* states,
                        const uint32_t* lane_words, uint8_t* data, const EncodeTuning& tuning,
                        cudaStream_t stream);
}  // namespace gramzip::kernels
