// SPDX-License-Identifier: Apache-2.0
// Segments that kernels/huffman_encode codes as archives, one a segment, those of an array one
// behind the other (docs/format.md, 2). None allocates or synchronises.
//
//   | header | members |  section header | meta | data  | index | trailer |  next archive
//   0        128       256                                              a multiple of 128
#pragma once
#include "gramzip/core/archive_wire.h"
#include "gramzip/core/checksum128.h"
#include "kernels/huffman_encode.h"

namespace gramzip::kernels {
struct FrameTuning {
  uint32_t threads = 128;
};
inline constexpr uint32_t kFrameHeadBytes = 256;                  // header and members section
inline constexpr uint32_t kFrameTailBytes = 256 + kTrailerBytes;  // index and trailer
struct FrameArray {
  uint32_t first_segment, segments;
};
// What is known of a segment's archive, step by step.
struct FrameState {
  uint64_t archive_at;  // from the first byte of the array's first archive
  uint64_t archive_bytes;
  uint32_t meta_bytes, records_at;  // in the meta
  uint64_t meta_hash;
};
struct FrameBatch {
  DeviceSegment* segments;  // with places in `content`; frame_places sets data_at
  uint32_t segment_count;
  const uint32_t* array_of;  // of each segment
  const FrameArray* arrays;
  uint32_t array_count;
  const DeviceBlock* blocks;
  const BlockState* states;
  uint32_t block_count;
  BlockCoding coding;
  const uint8_t* lengths;       // by symbol
  const SegmentTotals* totals;  // of each segment
  const uint64_t* meta_at;      // of each segment, in `metas`
  uint8_t* metas;
  HashRange* meta_ranges;  // of each segment
  FrameState* frames;      // of each segment
  HashRange* coded_ranges;
  const xxh3::Pair* content_hashes;  // of each segment
  const uint64_t* output_at;         // of each array, in `memory`
  uint8_t* memory;
  const uint8_t* head;           // kFrameHeadBytes
  uint64_t members_header_hash;  // of the members section in it
  const uint8_t* empty;          // an archive of no content
  uint32_t empty_bytes;
};
// Behind encode_layout: metas but for their records, sizes of archives.
cudaError_t frame_metas(const FrameBatch& batch, const FrameTuning& tuning, cudaStream_t stream);
// Where archives, and so blocks, lie; sizes[array]: of all its archives.
cudaError_t frame_places(const FrameBatch& batch, uint64_t* sizes, const FrameTuning& tuning,
                         cudaStream_t stream);
// Behind encode_write and the hashes of coded blocks: the records.
cudaError_t frame_records(const FrameBatch& batch, const FrameTuning& tuning, cudaStream_t stream);
// Behind the hashes of metas: all but the blocks.
cudaError_t frame_write(const FrameBatch& batch, const FrameTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
