// SPDX-License-Identifier: Apache-2.0
#include "host/frame/segment_meta.h"

#include <algorithm>

#include "host/base/error.h"
#include "host/frame/code_table.h"
#include "host/frame/sections.h"

namespace gramzip::frame {
namespace {
void store_header(uint8_t* p, const SegmentHeader& h) {
  p[0] = static_cast<uint8_t>(h.codec);
  p[1] = h.word_order;
  p[2] = static_cast<uint8_t>(h.type);
  p[3] = h.block_log2;
  p[4] = h.symbol_bits;
  p[5] = h.code_limit;
  p[6] = h.tables;
  p[7] = h.run_log2;
  store_le<uint32_t>(p + 8, h.blocks);
  store_le<uint32_t>(p + 12, h.table_bytes);
  store_le<uint64_t>(p + 16, h.decoded_bytes);
  store_le<uint64_t>(p + 32, h.model_low);
  store_le<uint64_t>(p + 40, h.model_high);
}

SegmentHeader load_header(const uint8_t* p, const std::string& where) {
  const auto corrupt = [&where](const char* what) {
    fail(ErrorCode::corrupt, where + ": " + what);
  };
  if (p[0] < 1 || p[0] > 3)
    fail(ErrorCode::unsupported, where + ": codec " + std::to_string(p[0]) +
                                     ", which this gramzip does not know; use a newer one");
  if (p[1] != 0)
    fail(ErrorCode::unsupported, where + ": word order " + std::to_string(p[1]) +
                                     ", which this gramzip does not know; use a newer one");
  if (p[2] >= static_cast<uint8_t>(ElementType::count))
    fail(ErrorCode::unsupported, where + ": element type " + std::to_string(p[2]) +
                                     ", which this gramzip does not know; use a newer one");
  SegmentHeader h{};
  h.codec = static_cast<Codec>(p[0]);
  h.type = static_cast<ElementType>(p[2]);
  const ElementInfo e = element_info(h.type);
  const bool floats = h.codec == Codec::floats, ngram = h.codec == Codec::ngram;
  if (ngram ? h.type != ElementType::text : e.codec != h.codec)
    corrupt("codec and element type contradict each other");
  h.block_log2 = p[3];
  if (h.block_log2 < kMinBlockLog2 || h.block_log2 > kMaxBlockLog2)
    corrupt("impossible block size");
  h.symbol_bits = p[4];
  if (floats ? (h.symbol_bits < e.exponent_bits || h.symbol_bits > 8 * e.bytes - 1 ||
                h.symbol_bits > kMaxSymbolBits)
             : h.symbol_bits != (ngram ? 0 : 8))
    corrupt("impossible symbol width");
  h.code_limit = p[5];
  if (h.code_limit != (ngram ? 0 : code_limit(h.codec))) corrupt("impossible code length limit");
  h.tables = p[6];
  if (h.tables > (floats ? kMaxTables : ngram ? 0 : 1)) corrupt("too many code tables");
  h.run_log2 = p[7];
  if (h.run_log2 != (h.tables > 1 ? 8 : 0)) corrupt("impossible run length");
  h.blocks = load_le<uint32_t>(p + 8);
  h.table_bytes = load_le<uint32_t>(p + 12);
  const uint64_t decoded = load_le<uint64_t>(p + 16);
  if (decoded == 0 || decoded > kMaxSegmentBytes || decoded % e.bytes != 0)
    corrupt("impossible decoded size");
  h.decoded_bytes = static_cast<uint32_t>(decoded);
  if (h.blocks != ceil_div(decoded, uint64_t{1} << h.block_log2))
    corrupt("the number of blocks contradicts the decoded size");
  if (ngram && h.table_bytes != 0) corrupt("code tables beside a model");
  h.model_low = load_le<uint64_t>(p + 32);
  h.model_high = load_le<uint64_t>(p + 40);
  if (!ngram && (h.model_low | h.model_high) != 0)
    corrupt("it names a model that its codec has not");
  if (!all_zero(p + 24, 8) || !all_zero(p + 48, 16)) corrupt("a reserved byte is set");
  return h;
}

}  // namespace

std::vector<uint8_t> store_segment_meta(const EncodedSegment& s) {
  const size_t records_at = round_up(kSegmentHeaderBytes + s.tables.size(), 8);
  std::vector<uint8_t> meta(records_at + s.records.size() * kBlockRecordBytes, 0);
  store_header(meta.data(), s.header);
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

SegmentMeta load_segment_meta(std::span<const uint8_t> meta, uint64_t data_bytes,
                              const std::string& where) {
  const auto corrupt = [](const std::string& what) { fail(ErrorCode::corrupt, what); };
  if (meta.size() < kSegmentHeaderBytes) corrupt(where + ": its meta is cut short");
  SegmentMeta m;
  m.header = load_header(meta.data(), where);
  const SegmentHeader& h = m.header;
  const uint64_t records_at = round_up(kSegmentHeaderBytes + uint64_t{h.table_bytes}, 8);
  if (meta.size() != records_at + uint64_t{h.blocks} * kBlockRecordBytes)
    corrupt(where + ": the size of its meta contradicts its fields");

  size_t at = kSegmentHeaderBytes;
  const size_t tables_end = at + h.table_bytes;
  m.tables.resize(h.tables);
  for (uint32_t t = 0; t < h.tables; ++t)
    at += load_code_table(meta.subspan(at, tables_end - at), h.symbol_bits, h.code_limit,
                          m.tables[t], where + ", code table " + std::to_string(t));
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
    any_coded |= r.mode == BlockMode::coded;
    m.offsets.push_back(static_cast<uint32_t>(offset));
    offset += round_up(uint64_t{r.coded_bytes}, kBlockAlign);
    if (offset > data_bytes)
      corrupt(where + ", block " + std::to_string(b) + ": larger than the data");
  }
  m.offsets.push_back(static_cast<uint32_t>(offset));
  if (offset != data_bytes) corrupt(where + ": its blocks do not fill its data");
  if (h.codec != Codec::ngram && any_coded != (h.tables > 0))
    corrupt(where + ": code tables without coded blocks, or none for them");
  return m;
}
}  // namespace gramzip::frame
