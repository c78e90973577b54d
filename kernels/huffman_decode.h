// SPDX-License-Identifier: Apache-2.0
// Coded, raw, constant and repeat blocks back into content. Does not allocate, does not
// synchronise. Safe on any bytes: reads stay in the block, writes in its content.
#pragma once
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
struct DecodeTuning {
  static constexpr uint32_t kMaxWarps = 8;
  static constexpr uint32_t kMinCtas = 4;       // an SM: 64 registers a thread
  static constexpr uint32_t kMinExactCtas = 3;  // of exact floats: 80

  uint32_t warps = kMaxWarps;  // blocks a CTA, one a warp, all of one segment
  // Tables of 8 KiB kept in shared memory; segments with more read them from global memory.
  uint32_t shared_tables = 8;
};
inline constexpr uint32_t kTableEntries = 1u << kFloatCodeLimit;

// A code table as the host has checked it; its lengths lie in one array of all tables.
struct DeviceTable {
  uint32_t lengths_at;
  uint16_t first, count;
};
// Blocks that one CTA decodes: `count` (up to DecodeTuning::warps) blocks from `first` of a
// segment.
struct DecodeGroup {
  uint32_t segment;
  uint32_t first;
  uint32_t count;
  uint32_t output;  // index of the first one in outputs
};
// Where a block's content goes and how it fared.
struct DecodeOutput {
  uint64_t at;  // in the content buffer, a multiple of 16
  // Segments with a period: where in the content buffer the elements of a coded block lie in the
  // order of planes, likewise, for kernels/planes to bring them to their places. period is set
  // then, and 0 else. Codec sparse_delta: where differences of the block's size have room.
  uint64_t planes_at;
  uint32_t bytes;
  uint16_t period;
  uint16_t element_bytes;
  BlockStatus status;
  uint64_t base_at =
      0;  // codecs of deltas: in the base's buffer, likewise; what stands in its place
};

// Builds the single-symbol tables (kTableEntries each) of all `count` tables, for segments with
// more than shared_tables of them. `limits[i]`: the code length limit of table i.
cudaError_t build_tables(const DeviceTable* tables, const uint8_t* lengths, const uint8_t* limits,
                         uint32_t count, uint16_t* entries, cudaStream_t stream);
// exact: the exact values of all segments, from DeviceSegment::first_exact on; null if no segment is
// of codec exact_floats.
// states[].coded_hash is what the record says, coded_hashes[] what the bytes give. Sets status of
// each output: ok, bad_coded_hash, bad_block or bad_stream.
cudaError_t huffman_decode(const DecodeGroup* groups, uint32_t count, const DeviceSegment* segments,
                           const BlockState* states, const uint64_t* coded_hashes,
                           const DeviceTable* tables, const uint8_t* lengths,
                           const uint16_t* global_entries, const uint64_t* exact,
                           const uint8_t* data, uint32_t most_tables, uint8_t* content,
                           DecodeOutput* outputs, const DecodeTuning& tuning, cudaStream_t stream);
// Turns ok into bad_decoded_hash where hashes[i] is not the record's.
cudaError_t judge_decoded(const uint64_t* expected, const uint64_t* hashes, DecodeOutput* outputs,
                          uint32_t count, cudaStream_t stream);
}  // namespace gramzip::kernels
