// SPDX-License-Identifier: Apache-2.0
// The CPU backend: the truth that every other backend is compared with.
#include "gramzip/core/fast.h"
#include "gramzip/core/table_wire.h"
#include "host/backend/backend.h"
#include "host/backend/cpu_blocks.h"
#include "host/base/checksum.h"
#include "host/base/error.h"
#include "host/cpu/histogram.h"
#include "host/cpu/huffman_decode.h"
#include "host/cpu/huffman_encode.h"

namespace gramzip {
namespace {
using Bytes = std::span<const uint8_t>;

class CpuBackend final : public Backend {
 public:
  std::string name() const override { return "cpu"; }

  void encode(std::span<const SegmentInput> in, std::span<EncodedSegment> out) override {
    for (size_t i = 0; i < in.size(); ++i) {
      if (in[i].text != nullptr)
        cpu::encode_text(in[i], out[i]);
      else if (in[i].fast && fast::codes(in[i].type))
        cpu::encode_fast(in[i], out[i]);
      else
        encode_segment(in[i], out[i]);
    }
  }
  void decode(std::span<const DecodeRequest> requests) override {
    for (const DecodeRequest& r : requests) {
      if (r.segment.header.codec == Codec::ngram)
        cpu::decode_text(r);
      else if (r.segment.header.codec == Codec::fast_floats)
        cpu::decode_fast(r);
      else
        decode_segment(r);
    }
  }

 private:
  static void encode_segment(const SegmentInput& in, EncodedSegment& out);
  static void decode_segment(const DecodeRequest& r);
};

void CpuBackend::encode_segment(const SegmentInput& in, EncodedSegment& out) {
  thread_local cpu::BlockEncoder encoder;
  out.header = make_segment_header(in.type, static_cast<uint32_t>(in.content.size()));
  SegmentHeader& h = out.header;
  const Split split = h.split();
  out.tables.clear();
  out.records.assign(h.blocks, {});
  std::vector<uint32_t> repeat_of;
  cpu::choose_modes(in.content, h, split.bytes, out.records, repeat_of);

  thread_local cpu::PairHistogram pairs;
  const bool by_pairs = h.codec == Codec::bytes && in.content.size() >= cpu::PairHistogram::kFrom;
  if (by_pairs) pairs.begin();
  std::vector<uint32_t> counts(size_t{1} << h.symbol_bits, 0);
  for (uint32_t b = 0; b < h.blocks; ++b) {
    if (out.records[b].mode != BlockMode::raw) continue;
    const Bytes block = in.content.subspan(h.block_begin(b), h.block_bytes(b));
    if (by_pairs)
      pairs.add(block);
    else
      cpu::histogram(block, split, counts);
  }
  if (by_pairs) pairs.take(counts);

  const CodeBook book = make_code_book(counts, h.code_limit);
  thread_local cpu::EncodeTables tables;
  cpu::make_encode_tables({&book, 1}, in.content.size() / split.bytes, tables);
  const bool any_coded = cpu::write_blocks(in.content, split.bytes, repeat_of, out,
                                           [&](uint32_t, Bytes block, uint8_t* to) {
                                             return encoder.encode(block, split, tables, {}, to);
                                           });
  h.tables = any_coded ? 1 : 0;
  if (h.tables > 0) {
    out.tables.resize(table_wire_bytes(1u << h.symbol_bits));
    h.table_bytes = store_table(book.lengths.data(), 1u << h.symbol_bits, book.used, book.lone,
                                out.tables.data());
    out.tables.resize(h.table_bytes);
  }
}

// One block's payload into its place. The record's coded hash has not been looked at yet.
BlockStatus decode_block(const SegmentView& s, uint32_t b, const cpu::DecodeTables& tables,
                         cpu::BlockDecoder& decoder, std::span<uint8_t> out) {
  const BlockRecord& r = s.records[b];
  const Bytes coded = s.data.subspan(s.offsets[b], r.coded_bytes);
  if (hash64(coded) != r.coded_hash) return BlockStatus::bad_coded_hash;
  switch (r.mode) {
    case BlockMode::raw:
    case BlockMode::constant:
      return cpu::fill_block(r.mode, coded, s.header.split().bytes, out);
    case BlockMode::repeat: {
      uint32_t source = 0;
      const BlockStatus status = cpu::repeat_source(s, b, coded, source);
      return status == BlockStatus::ok ? decode_block(s, source, tables, decoder, out) : status;
    }
    case BlockMode::base:
      break;
    case BlockMode::coded:
      if (coded.size() >= out.size() || s.header.tables == 0) return BlockStatus::bad_block;
      return decoder.decode(coded, s.header.split(), tables, s.header.tables, out);
  }
  return BlockStatus::bad_block;
}

void CpuBackend::decode_segment(const DecodeRequest& r) {
  thread_local cpu::BlockDecoder decoder;
  const SegmentView& s = r.segment;
  const cpu::DecodeTables tables = cpu::make_decode_tables(s.tables, s.header.codec);
  size_t at = 0;
  for (uint32_t i = 0; i < r.block_count; ++i) {
    const uint32_t b = r.first_block + i, size = s.header.block_bytes(b);
    const auto out = r.output.subspan(at, size);
    at += size;
    r.status[i] = decode_block(s, b, tables, decoder, out);
    if (r.status[i] == BlockStatus::ok && hash64(out) != s.records[b].decoded_hash)
      r.status[i] = BlockStatus::bad_decoded_hash;
  }
}
}  // namespace

std::unique_ptr<Backend> make_cpu_backend() { return std::make_unique<CpuBackend>(); }
}  // namespace gramzip
