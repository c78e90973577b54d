// SPDX-License-Identifier: Apache-2.0
// The CPU backend: the truth that every other backend is compared with.
#include "gramzip/core/fast.h"
#include "host/backend/backend.h"
#include "host/backend/class_segment.h"
#include "host/backend/cpu_blocks.h"
#include "host/backend/cpu_delta.h"
#include "host/base/checksum.h"
#include "host/cpu/exact_floats.h"
#include "host/cpu/huffman_decode.h"

namespace gramzip {
namespace {
using Bytes = std::span<const uint8_t>;

void encode_without_base(const SegmentInput& in, EncodedSegment& out) {
  if (in.fast && fast::codes(in.type))
    cpu::encode_fast(in, out);
  else if (has_classes(in))
    cpu::encode_classes(in, out);
  else
    cpu::encode_bytes(in, out);
}

class CpuBackend final : public Backend {
 public:
  std::string name() const override { return "cpu"; }

  void encode(std::span<const SegmentInput> in, std::span<EncodedSegment> out) override {
    for (size_t i = 0; i < in.size(); ++i) {
      if (in[i].text != nullptr)
        cpu::encode_text(in[i], out[i]);
      else if (!in[i].base.empty())
        encode_with_base(in[i], out[i]);
      else
        encode_without_base(in[i], out[i]);
    }
  }
  void decode(std::span<const DecodeRequest> requests) override {
    for (const DecodeRequest& r : requests) switch (r.segment.header.codec) {
        case Codec::ngram:
          cpu::decode_text(r);
          break;
        case Codec::fast_floats:
          cpu::decode_fast(r);
          break;
        case Codec::delta:
        case Codec::sparse_delta:
          cpu::decode_with_base(r);
          break;
        default:
          cpu::decode_coded(r);
      }
  }

 private:
  static void encode_with_base(const SegmentInput& in, EncodedSegment& out) {
    EncodedSegment* const to = &out;
    cpu::encode_with_base(
        {&in, 1},
        {cpu::encode_dense_segments, cpu::encode_sparse_segments,
         [](std::span<const SegmentInput> alone, std::span<EncodedSegment* const> coded) {
           for (size_t i = 0; i < alone.size(); ++i) encode_without_base(alone[i], *coded[i]);
         }},
        {&to, 1});
  }
};

// One block's payload into its place; decode(coded, out) is for coded ones. The record's coded hash
// has not been looked at yet.
template <class Decode>
BlockStatus decode_block(const SegmentView& s, uint32_t b, const Decode& decode,
                         std::span<uint8_t> out) {
  const BlockRecord& r = s.records[b];
  const Bytes coded = s.data.subspan(s.offsets[b], r.coded_bytes);
  if (hash64(coded) != r.coded_hash) return BlockStatus::bad_coded_hash;
  switch (r.mode) {
    case BlockMode::raw:
    case BlockMode::constant:
      return cpu::fill_block(r.mode, coded, element_info(s.header.type).bytes, out);
    case BlockMode::repeat: {
      uint32_t source = 0;
      const BlockStatus status = cpu::repeat_source(s, b, coded, source);
      return status == BlockStatus::ok ? decode_block(s, source, decode, out) : status;
    }
    case BlockMode::base:
      break;
    case BlockMode::coded:
      if (coded.size() >= out.size() || s.header.tables == 0) return BlockStatus::bad_block;
      return decode(coded, out);
  }
  return BlockStatus::bad_block;
}

template <class Decode>
void decode_blocks(const DecodeRequest& r, const Decode& decode) {
  const SegmentView& s = r.segment;
  size_t at = 0;
  for (uint32_t i = 0; i < r.block_count; ++i) {
    const uint32_t b = r.first_block + i, size = s.header.block_bytes(b);
    const auto out = r.output.subspan(at, size);
    at += size;
    r.status[i] = decode_block(s, b, decode, out);
    if (r.status[i] == BlockStatus::ok && hash64(out) != s.records[b].decoded_hash)
      r.status[i] = BlockStatus::bad_decoded_hash;
  }
}

}  // namespace

void cpu::decode_coded(const DecodeRequest& r) {
  const SegmentView& s = r.segment;
  const SegmentHeader& h = s.header;
  if (h.codec == Codec::exact_floats) {
    thread_local cpu::ExactDecoder decoder;
    const cpu::ExactTables tables = cpu::make_exact_tables(s);
    return decode_blocks(r, [&](Bytes coded, std::span<uint8_t> out) {
      return decoder.decode(coded, h, tables, out);
    });
  }
  thread_local cpu::BlockDecoder decoder;
  const cpu::DecodeTables tables = cpu::make_decode_tables(s.tables, h.codec);
  decode_blocks(r, [&](Bytes coded, std::span<uint8_t> out) {
    return decoder.decode(coded, h.split(), tables, h.tables, h.period, out);
  });
}

std::unique_ptr<Backend> make_cpu_backend() { return std::make_unique<CpuBackend>(); }
}  // namespace gramzip
