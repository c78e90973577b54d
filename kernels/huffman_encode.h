// SPDX-License-Identifier: Apache-2.0
// Blocks into their coded form, in three steps: measure, layout, write. None allocates or
// synchronises.
#pragma once
#include "kernels/code_lengths.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
struct EncodeTuning {
  uint32_t warps = 4;  // blocks a CTA, one a warp
};
struct SegmentTotals {
  uint32_t data_bytes;  // of the segment, padded
  uint32_t coded;       // blocks of mode coded
};
// What blocks are coded with: results of kernels/run_classes and kernels/code_lengths.
struct BlockCoding {
  const EncodePlaces* places;    // of each segment
  const CodeSummary* summaries;  // of each alphabet
  const uint32_t* codes;         // by symbol
  const uint8_t* class_ids;      // of each run
  const uint64_t* exact;         // exact values of all segments
};
// Decides raw or coded where the mode is raw, and sets coded_bytes and lanes. lane_words: 32 a
// block, words of each lane of a coded block.
cudaError_t encode_measure(const uint8_t* content, const DeviceSegment* segments,
                           const DeviceBlock* blocks, BlockState* states, uint32_t count,
                           const BlockCoding& coding, uint32_t* lane_words,
                           const EncodeTuning& tuning, cudaStream_t stream);
// Offsets of blocks in their segment's data, and the ranges of coded bytes in the data buffer.
cudaError_t encode_layout(const DeviceSegment* segments, uint32_t segment_count, BlockState* states,
                          HashRange* coded_ranges, SegmentTotals* totals, cudaStream_t stream);
// Writes every block and the zeros behind it up to a multiple of 32.
cudaError_t encode_write(const uint8_t* content, const DeviceSegment* segments,
                         const DeviceBlock* blocks, const BlockState* states, uint32_t count,
                         const BlockCoding& coding, const uint32_t* lane_words, uint8_t* data,
                         const EncodeTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
