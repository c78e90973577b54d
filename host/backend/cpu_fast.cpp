// SPDX-License-Identifier: Apache-2.0
// Segments of fast floats on the CPU.
#include "host/backend/cpu_fast.h"
#include "gramzip/core/table_wire.h"
#include "host/backend/cpu_blocks.h"
#include "host/base/checksum.h"
#include "host/cpu/fast_decode.h"
#include "host/cpu/fast_encode.h"
#include "host/cpu/huffman_encode.h"

namespace gramzip::cpu {
namespace {
using Bytes = std::span<const uint8_t>;
}  // namespace

void split_fast(Bytes content, const SegmentHeader& h, std::span<const BlockRecord> records,
                RawPlanes raw_planes, FastSplit& to) {
  const bool raw = raw_planes == RawPlanes::wanted;
  const Split split = h.split();
  const size_t elements = content.size() / split.bytes;
  // A step past the end: the encoder reads whole groups.
  if (to.exponents.size() < elements + fast::kStep) to.exponents.resize(elements + fast::kStep);
  if (raw)
    to.raw_planes.assign(ceil_div(elements * split.raw_bits, 8) + h.blocks + kRawPlaneSlack, 0);
  to.run_begin.clear();
  to.first_run.assign(h.blocks, 0);
  to.exponent_at.assign(h.blocks, 0);
  to.raw_at.assign(h.blocks, 0);
  uint32_t exponent_at = 0;
  size_t raw_at = 0;
  for (uint32_t b = 0; b < h.blocks; ++b) {
    if (records[b].mode != BlockMode::raw) continue;
    const uint32_t n = h.block_bytes(b) / split.bytes;
    to.first_run[b] = static_cast<uint32_t>(to.run_begin.size());
    to.exponent_at[b] = exponent_at;
    to.raw_at[b] = raw_at;
    encode_loops().split(content.data() + h.block_begin(b), n, split,
                         to.exponents.data() + exponent_at, nullptr,
                         raw ? to.raw_planes.data() + raw_at : nullptr);
    for (uint32_t i = 0; i < n; i += kRunElements) to.run_begin.push_back(exponent_at + i);
    exponent_at += n;
    raw_at += ceil_div(uint64_t{n} * split.raw_bits, 8);
  }
  to.run_begin.push_back(exponent_at);
}

void store_fast_tables(std::span<const CodeBook> books, EncodedSegment& out) {
  SegmentHeader& h = out.header;
  h.tables = static_cast<uint8_t>(books.size());
  h.run_log2 = h.tables > 1 ? 8 : 0;
  const uint32_t symbols = 1u << h.symbol_bits;
  for (const CodeBook& book : books) {
    const size_t at = out.tables.size();
    out.tables.resize(at + table_wire_bytes(symbols));
    out.tables.resize(at + store_table(book.lengths.data(), symbols, book.used, book.lone,
                                       out.tables.data() + at));
  }
  h.table_bytes = static_cast<uint32_t>(out.tables.size());
}

void encode_fast(const SegmentInput& in, EncodedSegment& out) {
  thread_local FastSplit parts;
  thread_local FastEncoder encoder;
  out.header = fast::make_header(in.type, static_cast<uint32_t>(in.content.size()));
  const SegmentHeader& h = out.header;
  const Split split = h.split();
  out.tables.clear();
  out.records.assign(h.blocks, {});
  std::vector<uint32_t> repeat_of;
  choose_modes(in.content, h, split.bytes, out.records, repeat_of);
  split_fast(in.content, h, out.records, RawPlanes::wanted, parts);

  const model::FastClasses classes =
      model::choose_fast_classes(parts.all_exponents(), parts.run_begin);
  const std::vector<FastCodes> codes(classes.books.begin(), classes.books.end());
  const bool any_coded = write_blocks(
      in.content, split.bytes, repeat_of, out, [&](uint32_t b, Bytes block, uint8_t* to) {
        const uint32_t n = static_cast<uint32_t>(block.size()) / split.bytes;
        const FastBlockInput input{
            Bytes(parts.exponents).subspan(parts.exponent_at[b], n),
            Bytes(parts.raw_planes).subspan(parts.raw_at[b]),
            Bytes(classes.ids).subspan(parts.first_run[b], ceil_div(n, kRunElements)), codes};
        return encoder.encode(input, split, static_cast<uint32_t>(block.size()), to);
      });
  if (any_coded) store_fast_tables(classes.books, out);
}

void decode_fast(const DecodeRequest& r) {
  thread_local FastDecoder decoder;
  const SegmentView& s = r.segment;
  const Split split = s.header.split();
  const std::vector<FastTable> tables = make_fast_tables(s.tables);
  const auto coded = [&](uint32_t b) {
    return s.data.subspan(s.offsets[b], s.records[b].coded_bytes);
  };
  FastDecoder::Block waiting[FastDecoder::kAtOnce];
  uint32_t number[FastDecoder::kAtOnce] = {}, count = 0;
  const auto check = [&](uint32_t i, Bytes out) {
    if (r.status[i] == BlockStatus::ok && hash64(out) != s.records[r.first_block + i].decoded_hash)
      r.status[i] = BlockStatus::bad_decoded_hash;
  };
  const auto decode_waiting = [&] {
    if (count > 0) decoder.decode({waiting, count}, split, tables);
    for (uint32_t k = 0; k < count; ++k) {
      r.status[number[k]] = waiting[k].status;
      check(number[k], waiting[k].out);
    }
    count = 0;
  };
  size_t at = 0;
  for (uint32_t i = 0; i < r.block_count; ++i) {
    uint32_t b = r.first_block + i;
    const auto out = r.output.subspan(at, s.header.block_bytes(b));
    at += out.size();
    BlockStatus& status = r.status[i];
    status =
        hash64(coded(b)) == s.records[b].coded_hash ? BlockStatus::ok : BlockStatus::bad_coded_hash;
    if (status == BlockStatus::ok && s.records[b].mode == BlockMode::repeat) {
      uint32_t source = 0;
      status = repeat_source(s, b, coded(b), source);
      b = source;
      if (status == BlockStatus::ok && hash64(coded(b)) != s.records[b].coded_hash)
        status = BlockStatus::bad_coded_hash;
    }
    if (status != BlockStatus::ok) continue;
    if (s.records[b].mode != BlockMode::coded) {
      status = fill_block(s.records[b].mode, coded(b), split.bytes, out);
      check(i, out);
    } else if (coded(b).size() >= out.size()) {
      status = BlockStatus::bad_block;
    } else {
      number[count] = i;
      waiting[count++] = {coded(b), out, BlockStatus::ok};
      if (count == FastDecoder::kAtOnce) decode_waiting();
    }
  }
  decode_waiting();
}
}  // namespace gramzip::cpu
