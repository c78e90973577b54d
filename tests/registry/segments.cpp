// SPDX-License-Identifier: Apache-2.0
#include "tests/registry/segments.h"

#include <algorithm>

#include "gramzip/core/table_wire.h"
#include "host/base/checksum.h"
#include "host/cpu/exact_floats.h"
#include "host/cpu/histogram.h"
#include "host/cpu/huffman_encode.h"
#include "host/frame/segment_meta.h"
#include "host/model/exact_values.h"
#include "host/frame/writer.h"
#include "tests/registry/memory_io.h"

namespace gramzip::test {
EncodedSegment encode_segment(Backend& backend, const SegmentCase& c) {
  SegmentInput in{c.type, c.content};
  in.period = c.period;
  in.fast = c.fast;
  EncodedSegment out;
  backend.encode({&in, 1}, {&out, 1});
  return out;
}

EncodedSegment encode_segment(Backend& backend, const TextCase& c) {
  const SegmentInput in{ElementType::text, c.content, c.model.get(), c.effort};
  EncodedSegment out;
  backend.encode({&in, 1}, {&out, 1});
  return out;
}

Decoded decode_segment(Backend& backend, const EncodedSegment& s, const model::TextModel* text) {
  return decode_segment(backend, s, 0, s.header.blocks, text);
}

Decoded decode_segment(Backend& backend, const EncodedSegment& s, uint32_t first_block,
                       uint32_t blocks, const model::TextModel* text) {
  const frame::SegmentMeta meta =
      frame::load_segment_meta(frame::store_segment_meta(s), s.data.size(), "segment");
  Decoded d;
  size_t bytes = 0;
  for (uint32_t b = first_block; b < first_block + blocks; ++b) bytes += s.header.block_bytes(b);
  d.content.resize(bytes);
  d.status.resize(blocks);
  const DecodeRequest request{meta.view(s.data, text), first_block, blocks, d.content, d.status};
  backend.decode({&request, 1});
  return d;
}

std::vector<uint8_t> archive_of(const EncodedSegment& s, std::span<const uint8_t> content) {
  MemorySink out;
  frame::ArchiveWriter writer(out);
  const frame::MemberRecord member{0, 0644, 0, "a"};
  writer.members({&member, 1});
  writer.segment(s);
  writer.finish({{0, content.size(), hash128(content)}}, hash128(content));
  return out.bytes;
}

size_t block_offset(const EncodedSegment& s, uint32_t block) {
  size_t at = 0;
  for (uint32_t b = 0; b < block; ++b) at += round_up(s.records[b].coded_bytes, kBlockAlign);
  return at;
}

namespace {
void append_table(const CodeBook& book, uint32_t alphabet, std::vector<uint8_t>& tables) {
  const size_t at = tables.size();
  tables.resize(at + table_wire_bytes(alphabet));
  tables.resize(
      at + store_table(book.lengths.data(), alphabet, book.used, book.lone, tables.data() + at));
}
}  // namespace

EncodedSegment encode_with_classes(const SegmentCase& c, uint32_t tables, uint32_t symbol_bits) {
  EncodedSegment s;
  s.header = make_segment_header(c.type, static_cast<uint32_t>(c.content.size()));
  if (symbol_bits > 0) s.header.symbol_bits = static_cast<uint8_t>(symbol_bits);
  const Split split = s.header.split();
  const uint32_t symbols = 1u << s.header.symbol_bits;
  const size_t run = size_t{kRunElements} * split.bytes;
  std::vector<uint8_t> ids(ceil_div(c.content.size(), run));
  std::vector<std::vector<uint32_t>> counts(tables, std::vector<uint32_t>(symbols, 0));
  for (size_t r = 0; r < ids.size(); ++r) {
    ids[r] = static_cast<uint8_t>((r * 7 + 3) % tables);
    cpu::histogram(std::span(c.content).subspan(r * run, std::min(run, c.content.size() - r * run)),
                   split, counts[ids[r]]);
  }
  std::vector<CodeBook> books;
  for (const auto& count : counts) {
    books.push_back(make_code_book(count, s.header.code_limit));
    append_table(books.back(), symbols, s.tables);
  }
  s.header.tables = static_cast<uint8_t>(tables);
  s.header.run_log2 = tables > 1 ? 8 : 0;
  s.header.table_bytes = static_cast<uint32_t>(s.tables.size());
  cpu::BlockEncoder encoder;
  BlockRecord r{BlockMode::coded, 0, 0, hash64(c.content)};
  if (!encoder.encode(c.content, split, books, tables > 1 ? ids : std::vector<uint8_t>{}, s.data))
    std::abort();
  r.coded_bytes = static_cast<uint32_t>(s.data.size());
  r.coded_hash = hash64(s.data);
  s.data.resize(round_up(s.data.size(), kBlockAlign), 0);
  s.records = {r};
  return s;
}

EncodedSegment encode_with_values(const SegmentCase& c, std::span<const uint64_t> values,
                                  uint32_t tables, uint32_t symbol_bits, size_t used) {
  EncodedSegment s;
  s.header = make_segment_header(c.type, static_cast<uint32_t>(c.content.size()));
  s.header.codec = Codec::exact_floats;
  s.header.symbol_bits = static_cast<uint8_t>(symbol_bits);
  s.header.exact_values = static_cast<uint8_t>(values.size());
  s.header.tables = static_cast<uint8_t>(tables);
  s.header.run_log2 = tables > 1 ? 8 : 0;
  const Split split = s.header.split();
  const uint32_t alphabet = s.header.alphabet();
  std::vector<uint16_t> symbols(c.content.size() / split.bytes);
  model::exact_symbols(c.content, split,
                     model::ExactIndex(values.first(std::min(used, values.size()))),
                     symbols.data());
  std::vector<uint8_t> ids(ceil_div(symbols.size(), kRunElements));
  for (size_t r = 0; r < ids.size(); ++r) ids[r] = static_cast<uint8_t>((r * 7 + 3) % tables);
  std::vector<std::vector<uint32_t>> counts(tables, std::vector<uint32_t>(alphabet, 0));
  for (size_t j = 0; j < symbols.size(); ++j) ++counts[ids[j / kRunElements]][symbols[j]];
  s.tables.assign(s.header.exact_bytes(), 0);
  for (size_t d = 0; d < values.size(); ++d)
    store_element(s.tables.data(), d, split.bytes, values[d]);
  std::vector<CodeBook> books;
  for (const auto& count : counts) {
    books.push_back(make_code_book(count, s.header.code_limit));
    append_table(books.back(), alphabet, s.tables);
  }
  s.header.table_bytes = static_cast<uint32_t>(s.tables.size());
  cpu::EncodeTables codes;
  cpu::make_encode_tables(books, 0, codes);
  s.data.resize(c.content.size() + kBlockAlign);
  cpu::ExactEncoder encoder;
  const uint32_t coded =
      encoder.encode(c.content, split, symbols.data(), codes,
                     std::span(ids).first(tables > 1 ? ids.size() : 0), s.data.data());
  if (coded == 0) std::abort();
  s.data.resize(coded);
  s.records = {{BlockMode::coded, coded, hash64(s.data), hash64(c.content)}};
  s.data.resize(round_up(coded, kBlockAlign), 0);
  return s;
}

std::vector<uint64_t> special_values(ElementType type, size_t count) {
  const ElementInfo e = element_info(type);
  const uint32_t bits = 8u * e.bytes, mantissa = bits - 1 - e.exponent_bits;
  const uint64_t inf = ((uint64_t{1} << e.exponent_bits) - 1) << mantissa,
                 sign = uint64_t{1} << (bits - 1);
  std::vector<uint64_t> values = {0, sign, inf | 1, 1, inf, sign | 2, inf | sign, inf | sign | 3};
  for (uint64_t k = 4; values.size() < count; ++k) values.push_back(inf / 2 + k);
  values.resize(count);
  std::sort(values.begin(), values.end());
  return values;
}
}  // namespace gramzip::test
