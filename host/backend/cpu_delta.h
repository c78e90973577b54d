// SPDX-License-Identifier: Apache-2.0
// Segments coded against a base on the CPU (docs/format.md, 14).
#pragma once
#include <functional>

#include "host/backend/backend.h"
#include "host/model/delta_model.h"

namespace gramzip::cpu {
// Codes segments, each to the output of its number.
using EncodeSegments =
    std::function<void(std::span<const SegmentInput>, std::span<EncodedSegment* const>)>;
// Codes segments that have a base: as changes, as differences, or by the codec of their type,
// whichever is smallest. dense: by codec delta.
void encode_with_base(std::span<const SegmentInput> in, const EncodeSegments& dense,
                      const EncodeSegments& without_base, std::span<EncodedSegment* const> out);
void encode_dense_segments(std::span<const SegmentInput> in, std::span<EncodedSegment* const> out);

// What codec delta decides for a segment, from the blocks of mode raw in its records: those that
// are to be coded, one after another.
struct DenseSplit {
  std::vector<uint8_t> symbols;
  std::vector<uint16_t> exponents;
  std::vector<size_t> first;  // a block: its first element in them
  model::DeltaModel model;    // empty if there are no such blocks
};
DenseSplit split_dense(const SegmentInput& in, const SegmentHeader& header,
                       std::span<const BlockRecord> records);
// The tables of a segment and what its header says of them.
void store_dense_tables(const model::DeltaModel& m, EncodedSegment& out);
// By the one of codecs delta and sparse_delta that is named.
void encode_with_base_as(Codec codec, const SegmentInput& in, EncodedSegment& out);
// Segments of codecs delta and sparse_delta.
void decode_with_base(const DecodeRequest& r);
}  // namespace gramzip::cpu
