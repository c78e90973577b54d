// SPDX-License-Identifier: Apache-2.0
#include "tests/registry/segments.h"

#include "gramzip/core/table_wire.h"
#include "host/base/checksum.h"
#include "host/cpu/histogram.h"
#include "host/cpu/huffman_encode.h"
#include "host/frame/segment_meta.h"
#include "host/frame/writer.h"
#include "tests/registry/memory_io.h"

namespace gramzip::test {
EncodedSegment encode_segment(Backend& backend, const SegmentCase& c) {
  SegmentInput in{c.type, c.content};
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
    std::vector<uint8_t> wire(table_wire_bytes(symbols));
    wire.resize(store_table(books.back().lengths.data(), symbols, books.back().used,
                            books.back().lone, wire.data()));
    s.tables.insert(s.tables.end(), wire.begin(), wire.end());
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
}  // namespace gramzip::test
