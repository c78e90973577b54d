// SPDX-License-Identifier: Apache-2.0
// Blocks of segments that have a base back into content (docs/format.md, 14). Do not allocate, do
// not synchronise. Safe on any bytes: reads stay in the block and the base, writes in the content.
#pragma once
#include "kernels/huffman_decode.h"

namespace gramzip::kernels {
struct DeltaTuning {
  static constexpr uint32_t kMaxWarps = 16;
  static constexpr uint32_t kMinCtas = 2;  // an SM: 64 registers a thread

  uint32_t warps = kMaxWarps;  // blocks a CTA, one a warp, all of one segment
  // Tables of 8 KiB kept in shared memory; segments with more read them from global memory.
  uint32_t shared_tables = 12;
};

// What the kernels of both codecs work on. Words of a segment, one a table, lie in `contexts` at
// the segment's first table.
struct BaseBatch {
  const DeviceSegment* segments;
  const BlockState* states;
  const uint64_t* coded_hashes;  // what the bytes give; states[].coded_hash is what the record says
  const DeviceTable* tables;
  const uint8_t* lengths;
  const uint16_t* contexts;
  const uint16_t* entries;  // build_tables; codec delta: null if all tables fit shared memory
  const uint8_t* data;
  const uint8_t* base;
  uint8_t* content;
  DecodeOutput* outputs;
};
// Set status of each output: ok, bad_coded_hash, bad_block or bad_stream. Codec delta: groups of up
// to tuning.warps blocks.
cudaError_t delta_decode(const BaseBatch& batch, const DecodeGroup* groups, uint32_t count,
                         uint32_t most_tables, const DeltaTuning& tuning, cudaStream_t stream);
// Codec sparse_delta: groups of one block.
cudaError_t sparse_decode(const BaseBatch& batch, const DecodeGroup* groups, uint32_t count,
                          cudaStream_t stream);
}  // namespace gramzip::kernels
