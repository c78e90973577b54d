// SPDX-License-Identifier: Apache-2.0
// The CPU backend: the truth that every other backend is compared with.
#include "gramzip/core/fast.h"
#include "host/backend/backend.h"
#include "host/backend/class_segment.h"
#include "host/backend/cpu_blocks.h"
#include "host/backend/cpu_delta.h"
#include "host/backend/cpu_quantized.h"
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
      else if (in[i].levels != nullptr)
        cpu::encode_levels(in[i], encode_without_base, out[i]);
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
        case Codec::quantized:
          cpu::decode_quantized(r);
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

}  // namespace

void cpu::decode_coded(const DecodeRequest& r) {
  const SegmentView& s = r.segment;
  const SegmentHeader& h = s.header;
  if (h.codec == Codec::exact_floats) {
    thread_local cpu::ExactDecoder decoder;
    const cpu::ExactTables tables = cpu::make_exact_tables(s);
    return decode_blocks(r, [&](uint32_t, Bytes coded, std::span<uint8_t> out) {
      return decoder.decode(coded, h, tables, out);
    });
  }
  thread_local cpu::BlockDecoder decoder;
  const cpu::DecodeTables tables = cpu::make_decode_tables(s.tables, h.codec);
  decode_blocks(r, [&](uint32_t, Bytes coded, std::span<uint8_t> out) {
    return decoder.decode(coded, h.split(), tables, h.tables, h.period, out);
  });
}

std::unique_ptr<Backend> make_cpu_backend() { return std::make_unique<CpuBackend>(); }
}  // namespace gramzip
