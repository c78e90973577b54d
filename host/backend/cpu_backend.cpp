// SPDX-License-Identifier: Apache-2.0
// The CPU backend: the truth that every other backend is compared with.
#include <cstring>
#include <unordered_map>

#include "gramzip/core/table_wire.h"
#include "host/backend/backend.h"
#include "host/base/checksum.h"
#include "host/base/error.h"
#include "host/cpu/histogram.h"
#include "host/cpu/huffman_decode.h"
#include "host/cpu/huffman_encode.h"

namespace gramzip {
namespace {
using Bytes = std::span<const uint8_t>;

bool is_constant(Bytes block, uint32_t element) {
  return block.size() % element == 0 &&
         std::memcmp(block.data(), block.data() + element, block.size() - element) == 0;
}

// Finds, for each block, whether it is constant or repeats an earlier one (docs/format.md, 2.4).
class Classifier {
 public:
  // The lowest-numbered earlier block that equals this one, or -1; remembers it if there is none.
  int64_t find_or_add(uint32_t block, Bytes bytes, uint64_t hash) {
    auto& candidates = seen_[hash];
    for (const auto& [number, other] : candidates)
      if (other.size() == bytes.size() &&
          std::memcmp(other.data(), bytes.data(), bytes.size()) == 0)
        return number;
    candidates.emplace_back(block, bytes);
    return -1;
  }

 private:
  std::unordered_map<uint64_t, std::vector<std::pair<uint32_t, Bytes>>> seen_;
};

class CpuBackend final : public Backend {
 public:
  std::string name() const override { return "cpu"; }

  void encode(std::span<const SegmentInput> in, std::span<EncodedSegment> out) override {
    for (size_t i = 0; i < in.size(); ++i) encode_segment(in[i], out[i]);
  }
  void decode(std::span<const DecodeRequest> requests) override {
    for (const DecodeRequest& r : requests) decode_segment(r);
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
  std::vector<uint32_t> repeat_of(h.blocks, 0);

  thread_local cpu::PairHistogram pairs;
  const bool by_pairs = h.codec == Codec::bytes && in.content.size() >= cpu::PairHistogram::kFrom;
  if (by_pairs) pairs.begin();
  Classifier classifier;
  std::vector<uint32_t> counts(size_t{1} << h.symbol_bits, 0);
  for (uint32_t b = 0; b < h.blocks; ++b) {
    const Bytes block = in.content.subspan(h.block_begin(b), h.block_bytes(b));
    BlockRecord& r = out.records[b];
    r.decoded_hash = hash64(block);
    r.mode = BlockMode::raw;
    if (is_constant(block, split.bytes)) {
      r.mode = BlockMode::constant;
      continue;
    }
    if (const int64_t of = classifier.find_or_add(b, block, r.decoded_hash); of >= 0) {
      r.mode = BlockMode::repeat;
      repeat_of[b] = static_cast<uint32_t>(of);
      continue;
    }
    if (by_pairs)
      pairs.add(block);
    else
      cpu::histogram(block, split, counts);
  }
  if (by_pairs) pairs.take(counts);

  const CodeBook book = make_code_book(counts, h.code_limit);
  thread_local cpu::EncodeTables tables;
  cpu::make_encode_tables({&book, 1}, in.content.size() / split.bytes, tables);
  // Sized once: blocks are written in place, and a buffer that comes back needs no zeros.
  out.data.resize(segment_data_bound(in.content.size(), h.blocks));
  size_t end = 0;
  for (uint32_t b = 0; b < h.blocks; ++b) {
    const Bytes block = in.content.subspan(h.block_begin(b), h.block_bytes(b));
    BlockRecord& r = out.records[b];
    uint8_t* const to = out.data.data() + end;
    uint32_t coded = 0;
    switch (r.mode) {
      case BlockMode::constant:
        coded = split.bytes;
        std::memcpy(to, block.data(), coded);
        break;
      case BlockMode::repeat:
        coded = 4;
        store_le<uint32_t>(to, repeat_of[b]);
        break;
      default:
        coded = encoder.encode(block, split, tables, {}, to);
        if (coded > 0) {
          r.mode = BlockMode::coded;
          h.tables = 1;
        } else {
          coded = static_cast<uint32_t>(block.size());
          std::memcpy(to, block.data(), coded);
        }
    }
    r.coded_bytes = coded;
    r.coded_hash = hash64({to, coded});
    const size_t padded = round_up(coded, kBlockAlign);
    std::memset(to + coded, 0, padded - coded);
    end += padded;
  }
  out.data.resize(end);
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
  const uint32_t element = s.header.split().bytes;
  switch (r.mode) {
    case BlockMode::raw:
      if (coded.size() != out.size()) return BlockStatus::bad_block;
      std::memcpy(out.data(), coded.data(), out.size());
      return BlockStatus::ok;
    case BlockMode::constant:
      if (coded.size() != element || out.size() % element != 0) return BlockStatus::bad_block;
      for (size_t i = 0; i < out.size(); i += element)
        std::memcpy(out.data() + i, coded.data(), element);
      return BlockStatus::ok;
    case BlockMode::repeat: {
      if (coded.size() != 4) return BlockStatus::bad_block;
      const uint32_t source = load_le<uint32_t>(coded.data());
      if (source >= b || s.records[source].mode == BlockMode::repeat ||
          s.header.block_bytes(source) != out.size())
        return BlockStatus::bad_block;
      return decode_block(s, source, tables, decoder, out);
    }
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
