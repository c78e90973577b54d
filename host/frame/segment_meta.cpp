// SPDX-License-Identifier: Apache-2.0
#include "host/frame/segment_meta.h"

#include <algorithm>

#include "host/base/error.h"
#include "host/frame/code_table.h"
#include "host/frame/delta_contexts.h"
#include "host/frame/quant_table.h"
#include "host/frame/sections.h"
#include "host/frame/segment_header.h"

namespace gramzip::frame {
std::vector<uint8_t> store_segment_meta(const EncodedSegment& s) {
  const size_t records_at = round_up(kSegmentHeaderBytes + s.tables.size(), 8);
  std::vector<uint8_t> meta(records_at + s.records.size() * kBlockRecordBytes, 0);
  store_segment_header(meta.data(), s.header);
  std::copy(s.tables.begin(), s.tables.end(), meta.begin() + kSegmentHeaderBytes);
  for (size_t b = 0; b < s.records.size(); ++b)
    store_block_record(meta.data() + records_at + b * kBlockRecordBytes, s.records[b]);
  return meta;
}

uint64_t claimed_bytes(std::span<const uint8_t> meta) {
  return meta.size() < kSegmentHeaderBytes ? 0 : load_le<uint64_t>(meta.data() + 16);
}

uint64_t segment_section_bytes(const EncodedSegment& s) {
  SectionHeader h{};
  h.meta_bytes =
      round_up(kSegmentHeaderBytes + s.tables.size(), 8) + s.records.size() * kBlockRecordBytes;
  h.data_bytes = s.data.size();
  return h.section_bytes();
}

namespace {
std::vector<uint64_t> load_exact_values(const SegmentHeader& h, std::span<const uint8_t> wire,
                                        const std::string& where) {
  const auto corrupt = [&where](const char* what) {
    fail(ErrorCode::corrupt, where + ": " + what);
  };
  const uint32_t element = element_info(h.type).bytes, bytes = h.exact_bytes();
  if (wire.size() < bytes) corrupt("its exact values are cut short");
  std::vector<uint64_t> values(h.exact_values);
  for (uint32_t d = 0; d < h.exact_values; ++d) {
    values[d] = load_element(wire.data(), d, element);
    if (d > 0 && values[d] <= values[d - 1]) corrupt("its exact values are not in order");
  }
  const uint32_t end = h.exact_values * element;
  if (!all_zero(wire.data() + end, bytes - end)) corrupt("a reserved byte is set");
  return values;
}
}  // namespace

SegmentMeta load_segment_meta(std::span<const uint8_t> meta, uint64_t data_bytes,
                              const std::string& where) {
  const auto corrupt = [](const std::string& what) { fail(ErrorCode::corrupt, what); };
  if (meta.size() < kSegmentHeaderBytes) corrupt(where + ": its meta is cut short");
  SegmentMeta m;
  m.header = load_segment_header(meta.data(), where);
  const SegmentHeader& h = m.header;
  const uint64_t records_at = round_up(kSegmentHeaderBytes + uint64_t{h.table_bytes}, 8);
  if (meta.size() != records_at + uint64_t{h.blocks} * kBlockRecordBytes)
    corrupt(where + ": the size of its meta contradicts its fields");

  size_t at = kSegmentHeaderBytes;
  const size_t tables_end = at + h.table_bytes;
  m.exact = load_exact_values(h, meta.subspan(at, h.table_bytes), where);
  at += h.exact_bytes();
  const bool of_base = h.codec == Codec::delta || h.codec == Codec::sparse_delta;
  if (of_base) at += load_contexts(h, meta.subspan(at, h.table_bytes), m.contexts, where);
  uint32_t alphabet = h.alphabet();
  if (h.codec == Codec::quantized) {
    auto table = std::make_shared<quant::Table>();
    at += load_quant_table(h, meta.subspan(at, h.table_bytes), *table, where);
    alphabet = table->alphabet();
    m.quantized = std::move(table);
  }
  m.tables.resize(h.tables);
  for (uint32_t t = 0; t < h.tables; ++t) {
    at += load_code_table(meta.subspan(at, tables_end - at), alphabet, h.code_limit, m.tables[t],
                          where + ", code table " + std::to_string(t));
    const auto codes = static_cast<uint32_t>(
        std::ranges::count_if(m.tables[t].lengths, [](uint8_t l) { return l > 0; }));
    if (h.codec == Codec::fast_floats && codes > kFastSymbols)
      corrupt(where + ", code table " + std::to_string(t) + ": too many symbols");
  }
  if (of_base) check_delta_tables(h, m.tables, where);
  if (at != tables_end) corrupt(where + ": its code tables do not fill their place");
  if (!all_zero(meta.data() + at, records_at - at)) corrupt(where + ": a reserved byte is set");

  uint64_t offset = 0;
  bool any_coded = false;
  m.records.resize(h.blocks);
  m.offsets.reserve(h.blocks + 1);
  for (uint32_t b = 0; b < h.blocks; ++b) {
    BlockRecord& r = m.records[b];
    if (!load_block_record(meta.data() + records_at + size_t{b} * kBlockRecordBytes, r))
      corrupt(where + ", block " + std::to_string(b) + ": unknown mode or a reserved byte is set");
    if (r.mode == BlockMode::base && !of_base)
      corrupt(where + ", block " + std::to_string(b) +
              ": mode 4, a block of the base, without one");
    if (r.mode == BlockMode::repeat && of_base)
      corrupt(where + ", block " + std::to_string(b) +
              ": a repeat in a segment coded against a base");
    any_coded |= r.mode == BlockMode::coded;
    m.offsets.push_back(static_cast<uint32_t>(offset));
    offset += round_up(uint64_t{r.coded_bytes}, kBlockAlign);
    if (offset > data_bytes)
      corrupt(where + ", block " + std::to_string(b) + ": larger than the data");
  }
  m.offsets.push_back(static_cast<uint32_t>(offset));
  if (offset != data_bytes) corrupt(where + ": its blocks do not fill its data");
  const bool horner =
      h.codec == Codec::quantized && h.coder == static_cast<uint8_t>(quant::Coder::horner);
  if (h.codec != Codec::ngram && !horner && any_coded != (h.tables > 0))
    corrupt(where + ": code tables without coded blocks, or none for them");
  return m;
}
}  // namespace gramzip::frame
