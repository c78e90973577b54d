// SPDX-License-Identifier: Apache-2.0
// What the device API's primitives need in front of the kernels that do their work: batches of one
// array, made on the device. None allocates or synchronises.
#pragma once
#include "gramzip/core/elements.h"
#include "gramzip/core/ngram.h"
#include "kernels/frame.h"
#include "kernels/huffman_decode.h"

namespace gramzip::kernels {
inline constexpr uint32_t kNgramPieceBytes = 1u << 14;
// pieces[ceil(size / kNgramPieceBytes)] of one run.
cudaError_t ngram_pieces(uint64_t size, NgramPiece* pieces, cudaStream_t stream);

// Of `count` levels: elements[count] of the type, thresholds[count - 1], midpoints of neighbours,
// and infinities up to `padded`; first[2], zero.
cudaError_t level_tables(ElementType type, const float* levels, uint32_t count, uint64_t* elements,
                         double* thresholds, uint32_t padded, uint16_t* first, cudaStream_t stream);

// One segment of bytes to encode.
struct OneSegment {
  DeviceSegment* segment;
  EncodePlaces* places;
  Alphabet* alphabet;
  DeviceBlock* blocks;
  HashRange* ranges;
  uint64_t* meta_at;
};
cudaError_t one_segment(const SegmentHeader& header, uint64_t content_at, const OneSegment& to,
                        cudaStream_t stream);
// Behind frame_metas: where its data lies, behind the meta at `out`; *bytes of both.
cudaError_t one_segment_places(const FrameBatch& batch, uint64_t out, uint64_t* bytes,
                               cudaStream_t stream);
// The meta to `out`.
cudaError_t one_segment_meta(const FrameBatch& batch, uint64_t out, cudaStream_t stream);

// A segment as one_segment lays it, for the decoders: `header` without tables is what its meta must
// say. Whatever it says, places lie within [coded, coded + bytes).
struct ParsedSegment {
  DeviceSegment* segment;
  BlockState* states;
  HashRange* coded_ranges;
  DeviceTable* table;
  uint8_t* lengths;  // 256
  DecodeGroup* groups;
  DecodeOutput* outputs;
  HashRange* decoded_ranges;
  uint64_t* expected;
};
cudaError_t parse_segment(const SegmentHeader& header, uint64_t coded, uint64_t bytes, uint64_t out,
                          uint32_t group_blocks, const ParsedSegment& to, cudaStream_t stream);
}  // namespace gramzip::kernels
