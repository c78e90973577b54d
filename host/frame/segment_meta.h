// SPDX-License-Identifier: Apache-2.0
// The meta of a segment section (docs/format.md, 2.4 and 3).
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "host/backend/backend.h"

namespace gramzip::frame {
std::vector<uint8_t> store_segment_meta(const EncodedSegment& s);

// A segment's meta, checked: everything a backend may rely on (see SegmentView).
struct SegmentMeta {
  SegmentHeader header;
  std::vector<CodeTable> tables;
  std::vector<BlockRecord> records;
  std::vector<uint32_t> offsets;  // blocks + 1

  SegmentView view(std::span<const uint8_t> data) const {
    return {header, tables, records, offsets, data};
  }
};
// The decoded bytes that a segment's meta claims, unchecked; 0 if it is cut short.
uint64_t claimed_bytes(std::span<const uint8_t> meta);
SegmentMeta load_segment_meta(std::span<const uint8_t> meta, uint64_t data_bytes,
                              const std::string& where);
}  // namespace gramzip::frame
