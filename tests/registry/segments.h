// SPDX-License-Identifier: Apache-2.0
// Short forms of Backend calls on one segment, and several code tables whatever the content.
#pragma once
#include "host/backend/backend.h"
#include "tests/registry/cases.h"
#include "tests/registry/text_cases.h"

namespace gramzip::test {
struct Decoded {
  std::vector<uint8_t> content;
  std::vector<BlockStatus> status;
};
EncodedSegment encode_segment(Backend& backend, const SegmentCase& c);
EncodedSegment encode_segment(Backend& backend, const TextCase& c);
// The segment goes through its wire form, so tables and records are checked as a reader checks
// them. text: the model of a segment of text.
Decoded decode_segment(Backend& backend, const EncodedSegment& s,
                       const model::TextModel* text = nullptr);
Decoded decode_segment(Backend& backend, const EncodedSegment& s, uint32_t first_block,
                       uint32_t blocks, const model::TextModel* text = nullptr);
// An archive of one member "a" that is one segment.
std::vector<uint8_t> archive_of(const EncodedSegment& s, std::span<const uint8_t> content);
size_t block_offset(const EncodedSegment& s, uint32_t block);
// A floats segment of one block coded with `tables` tables, runs of 256 elements assigned in turn.
// symbol_bits: 0 for the width that this release writes, or another that it reads.
EncodedSegment encode_with_classes(const SegmentCase& c, uint32_t tables, uint32_t symbol_bits = 0);
// The same for codec exact_floats with these values, ascending; symbol_bits has no default.
// used: how many of the values, from the first on, the encoder makes use of.
EncodedSegment encode_with_values(const SegmentCase& c, std::span<const uint64_t> values,
                                  uint32_t tables, uint32_t symbol_bits, size_t used = 16);
// Values that special_floats() has many of, and some that it has not: as many as asked for.
std::vector<uint64_t> special_values(ElementType type, size_t count);
}  // namespace gramzip::test
