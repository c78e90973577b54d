// SPDX-License-Identifier: Apache-2.0
// What blocks of every codec have in common on the CPU: which mode they have, how they lie in a
// segment's data, and those that are not coded.
#pragma once
#include <functional>
#include <span>
#include <vector>

#include "host/backend/backend.h"

namespace gramzip::cpu {
// Sets mode and decoded hash of every record: constant, repeat (of repeat_of[b]), or raw, which
// stands for "to be coded" (docs/format.md, 2.4).
void choose_modes(std::span<const uint8_t> content, const SegmentHeader& header, uint32_t element,
                  std::span<BlockRecord> records, std::vector<uint32_t>& repeat_of);

// All elements of a block, one or more, are equal.
bool is_constant(std::span<const uint8_t> block, uint32_t element);

// Writes one block to `to`, which has room for its content, and returns its bytes; 0 if they would
// be no fewer than the content.
using CodeBlock =
    std::function<uint32_t(uint32_t b, std::span<const uint8_t> content, uint8_t* to)>;
// Fills out.data and the records' sizes and hashes. Returns whether a block is coded.
bool write_blocks(std::span<const uint8_t> content, uint32_t element,
                  std::span<const uint32_t> repeat_of, EncodedSegment& out, const CodeBlock& code);

// What a segment takes in an archive but for framing.
size_t coded_size(const EncodedSegment& s);

// The source of a repeat block, or bad_block.
BlockStatus repeat_source(const SegmentView& s, uint32_t b, std::span<const uint8_t> coded,
                          uint32_t& source);
// A raw or constant block into `out`: ok or bad_block.
BlockStatus fill_block(BlockMode mode, std::span<const uint8_t> coded, uint32_t element,
                       std::span<uint8_t> out);

// The blocks of a request, plain ones and what decode() makes of coded block b; its record's hashes
// are not decode()'s matter.
using DecodeBlock =
    std::function<BlockStatus(uint32_t b, std::span<const uint8_t> coded, std::span<uint8_t> out)>;
void decode_blocks(const DecodeRequest& r, const DecodeBlock& decode);

// Segments of codecs bytes, floats and planes.
void encode_bytes(const SegmentInput& in, EncodedSegment& out);
// Classes of runs; a segment that codec bytes codes in no more is one of type and codec bytes.
void encode_classes(const SegmentInput& in, EncodedSegment& out);
void decode_coded(const DecodeRequest& r);
// Segments of codec fast_floats.
void encode_fast(const SegmentInput& in, EncodedSegment& out);
void decode_fast(const DecodeRequest& r);

// Segments of codec ngram.
void encode_text(const SegmentInput& in, EncodedSegment& out);
void decode_text(const DecodeRequest& r);
}  // namespace gramzip::cpu
