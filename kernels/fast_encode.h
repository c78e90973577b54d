// SPDX-License-Identifier: Apache-2.0
// Segments into fast floats (docs/format.md, 13): with classes by kernels/run_classes and tables
// by the host, measure and write around the layout of kernels/huffman_encode. Neither allocates or
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
// What measure and write work on.
struct FastBatch {
  const uint8_t* content;
  const DeviceSegment* segments;
  const DeviceBlock* blocks;
  uint32_t count;              // of blocks
  const EncodePlaces* places;  // of each segment; its classes are its tables
  const uint8_t* class_ids;    // of each run
  const FastCodeTable* codes;  // of each alphabet
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
