// SPDX-License-Identifier: Apache-2.0
// Segments into fast floats (docs/format.md, 13): with the tables and classes that the host has
// chosen, measure and write around the layout of kernels/huffman_encode. Neither allocates or
// synchronises.
#pragma once
#include "gramzip/core/fast.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"
#include "kernels/huffman_encode.h"

namespace gramzip::kernels {
// A table's codes: at most 7 bits, kException, length << 8.
struct FastCodeTable {
  static constexpr uint16_t kException = 0x80;  // the exponent has no code, and takes the first one
  uint16_t code[256];                           // by exponent
  uint16_t fill;                                // the first code, of zero bits
};
// A segment's classes, beside its DeviceSegment.
struct FastCoding {
  uint32_t tables;
  uint32_t first_table;  // in the array of FastCodeTable
  uint32_t runs_at;      // in class_ids: of its block 0
  uint32_t block_runs;   // of a full block
};
// What measure and write work on.
struct FastBatch {
  const uint8_t* content;
  const DeviceSegment* segments;
  const DeviceBlock* blocks;
  uint32_t count;  // of blocks
  const FastCoding* codings;
  const uint8_t* class_ids;
  const FastCodeTable* codes;
};
// Of a coded block.
struct FastSize {
  uint32_t exceptions;
  uint32_t words;  // without the zeros at their end
};

// As encode_measure and encode_write. sizes: one a block.
cudaError_t fast_measure(const FastBatch& batch, BlockState* states, FastSize* sizes,
                         const EncodeTuning& tuning, cudaStream_t stream);
cudaError_t fast_write(const FastBatch& batch, const BlockState* states, const FastSize* sizes,
                       uint8_t* data, const EncodeTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
