// SPDX-License-Identifier: Apache-2.0
// Segments into codec sparse_delta (docs/format.md, 14.2), behind classify_delta: count, then, with
// the groups that the host has made of the counts, order and symbols; with the code tables that it
// has made of those, measure and write around the layout of kernels/huffman_encode. None allocates
// or synchronises.
#pragma once
#include "gramzip/core/sparse_delta.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"
#include "kernels/huffman_encode.h"

namespace gramzip::kernels {
// A segment's model, beside its DeviceSegment.
struct SparseCoding {
  uint32_t exponents_at;  // its first word in the counts by exponent
  uint32_t tables_at;     // in counts and codes by symbol: 2^delta::kSymbolBits a table
  delta::Groups groups;
};
// Words of a segment in the counts by exponent: the symbols of its changes and, as the last symbol,
// its other elements.
inline constexpr uint32_t kUnchangedSymbol = (1u << delta::kSymbolBits) - 1;
GRAMZIP_HD inline uint32_t exponent_words(uint32_t exponents) {
  return exponents << delta::kSymbolBits;
}
// Of a block: where groups begin in it, and its lanes.
struct SparseOrder {
  uint32_t begin[delta::kMaxGroups + 1];
  uint32_t lane_log2;
};
struct SparseBatch {
  const uint8_t* content;
  const uint8_t* base;  // at the index of the content in whose place it stands
  const DeviceSegment* segments;
  const DeviceBlock* blocks;
  uint32_t count;  // of blocks
  const SparseCoding* codings;
  uint8_t* differences;  // of the size of the content: those of changes, each at its place
  uint32_t* changed;     // a bit a place; the word of a block at byte i is i / 32
  SparseOrder* orders;   // of each block
};

// All of these pass over blocks of other modes than raw. Adds to `counts`.
cudaError_t sparse_count(const SparseBatch& batch, const BlockState* states, uint32_t* counts,
                         cudaStream_t stream);
// Sets differences, changed and orders.
cudaError_t sparse_order(const SparseBatch& batch, const BlockState* states, cudaStream_t stream);
// Adds to the counts of the tables (gap_table, change_table).
cudaError_t sparse_symbols(const SparseBatch& batch, const BlockState* states, uint32_t* counts,
                           const EncodeTuning& tuning, cudaStream_t stream);
// As encode_measure and encode_write. codes: huffman::pack_code. lane_bits: 32 a block.
cudaError_t sparse_measure(const SparseBatch& batch, const uint32_t* codes, BlockState* states,
                           uint32_t* lane_bits, const EncodeTuning& tuning, cudaStream_t stream);
cudaError_t sparse_write(const SparseBatch& batch, const uint32_t* codes, const BlockState* states,
                         const uint32_t* lane_bits, uint8_t* data, const EncodeTuning& tuning,
                         cudaStream_t stream);
}  // namespace gramzip::kernels
