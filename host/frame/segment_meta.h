// SPDX-License-Identifier: Apache-2.0
// The meta of a segment section (docs/format.md, 2.4 and 3).
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "host/backend/backend.h"
#include "host/base/checksum.h"
#include "host/model/quant_table.h"

namespace gramzip::frame {
std::vector<uint8_t> store_segment_meta(const EncodedSegment& s);
// What the segment takes in an archive, framing and padding included.
uint64_t segment_section_bytes(const EncodedSegment& s);

// A segment's meta, checked: everything a backend may rely on (see SegmentView).
struct SegmentMeta {
  SegmentHeader header;
  std::vector<uint64_t> exact;  // values, header.exact_values
  std::vector<CodeTable> tables;
  std::vector<BlockRecord> records;
  std::vector<uint32_t> offsets;  // blocks + 1
  std::vector<uint16_t> contexts;
  std::shared_ptr<const quant::Table> quantized;  // codec quantized

  // model: codec ngram needs the one that the header names.
  SegmentView view(std::span<const uint8_t> data, const model::TextModel* model = nullptr) const {
    return {header, tables, records, offsets, data, model, exact, contexts, quantized.get()};
  }
  // Of the model (codec ngram) or of the content (codec reference).
  Hash128 model_id() const { return {header.model_low, header.model_high}; }
};
// The decoded bytes that a segment's meta claims, unchecked; 0 if it is cut short.
uint64_t claimed_bytes(std::span<const uint8_t> meta);
SegmentMeta load_segment_meta(std::span<const uint8_t> meta, uint64_t data_bytes,
                              const std::string& where);
}  // namespace gramzip::frame
