// SPDX-License-Identifier: Apache-2.0
// Short forms of Backend calls on one segment, and several code tables, which no encoder chooses
// yet.
#pragma once
#include "host/backend/backend.h"
#include "tests/registry/cases.h"

namespace gramzip::test {
struct Decoded {
  std::vector<uint8_t> content;
  std::vector<BlockStatus> status;
};
EncodedSegment encode_segment(Backend& backend, const SegmentCase& c);
// The segment goes through its wire form, so tables and records are checked as a reader checks
// them.
Decoded decode_segment(Backend& backend, const EncodedSegment& s);
Decoded decode_segment(Backend& backend, const EncodedSegment& s, uint32_t first_block,
                       uint32_t blocks);
size_t block_offset(const EncodedSegment& s, uint32_t block);
// A floats segment of one block coded with `tables` tables, runs of 256 elements assigned in turn.
EncodedSegment encode_with_classes(const SegmentCase& c, uint32_t tables);
}  // namespace gramzip::test
