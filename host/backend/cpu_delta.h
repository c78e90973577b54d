// SPDX-License-Identifier: Apache-2.0
// Segments coded against a base on the CPU (docs/format.md, 14).
#pragma once
#include <functional>

#include "host/backend/backend.h"
#include "host/model/delta_model.h"
#include "host/model/sparse_model.h"

namespace gramzip::cpu {
// Codes segments, each to the output of its number.
using EncodeSegments =
    std::function<void(std::span<const SegmentInput>, std::span<EncodedSegment* const>)>;
// A segment for codec delta; sparse_too: it may be left to codec sparse_delta.
struct DenseInput {
  SegmentInput segment;
  bool sparse_too;
};
struct BaseEncoders {
  // By codec delta. Returns the numbers of those that sparse_delta promises to make smaller, which
  // have no output.
  std::function<std::vector<size_t>(std::span<const DenseInput>, std::span<EncodedSegment* const>)>
      dense;
  EncodeSegments sparse;        // by codec sparse_delta
  EncodeSegments without_base;  // by the codec of their type
};
// Codes segments that have a base: as changes, as differences, or by the codec of their type,
// whichever is smallest. Which of the first two is decided before either is coded.
void encode_with_base(std::span<const SegmentInput> in, const BaseEncoders& encoders,
                      std::span<EncodedSegment* const> out);
std::vector<size_t> encode_dense_segments(std::span<const DenseInput> in,
                                          std::span<EncodedSegment* const> out);
void encode_sparse_segments(std::span<const SegmentInput> in, std::span<EncodedSegment* const> out);

// What codec delta decides for a segment, from the blocks of mode raw in its records: those that
// are to be coded, one after another.
struct DenseSplit {
  std::vector<uint8_t> symbols;
  std::vector<uint16_t> exponents;
  std::vector<size_t> first;  // a block: its first element in them
  model::DeltaModel model;    // empty if there are no such blocks
};
// Overwrites all of `split`, which keeps its memory.
void split_dense(const SegmentInput& in, const SegmentHeader& header,
                 std::span<const BlockRecord> records, bool sparse_too, DenseSplit& split);
// The tables of a segment and what its header says of them.
void store_dense_tables(const model::DeltaModel& m, EncodedSegment& out);
void store_sparse_tables(const delta::Groups& groups, std::span<const CodeBook> books,
                         EncodedSegment& out);
// By the one of codecs delta and sparse_delta that is named.
void encode_with_base_as(Codec codec, const SegmentInput& in, EncodedSegment& out);
// Segments of codecs delta and sparse_delta.
void decode_with_base(const DecodeRequest& r);
}  // namespace gramzip::cpu
