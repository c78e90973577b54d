// SPDX-License-Identifier: Apache-2.0
// Behind the hashes: the fuzzer writes a segment's meta, its data and what its base consists of;
// the hashes are made to fit, so the checks of tables, records, lane headers and streams are
// reached. GRAMZIP_CPU=baseline runs the loops without AVX.
#include <cstdlib>
#include <random>

#include "host/base/checksum.h"
#include "host/base/error.h"
#include "host/frame/segment_meta.h"
#include "tests/fuzz/samples.h"
#include "tests/registry/delta_cases.h"
#include "tests/registry/quant_cases.h"
#include "tests/registry/segments.h"
#include "tests/registry/text_stub.h"

namespace gramzip::test {
namespace {
// Two of the largest blocks but for codec quantized, eight of the smallest.
constexpr uint32_t kMostBytes = 1u << 19;

// Text is decoded with this one, whatever the header names.
const ModelPtr& text_model() {
  static const ModelPtr model = stub_model(make_text(20'000, 1));
  return model;
}

// The piece over and over; without one every byte is there, so that exponents of all kinds occur.
std::vector<uint8_t> make_base(std::span<const uint8_t> piece, size_t bytes) {
  std::vector<uint8_t> base(bytes);
  for (size_t i = 0; i < bytes; ++i)
    base[i] = piece.empty() ? static_cast<uint8_t>(i * 167 + i / 256) : piece[i % piece.size()];
  return base;
}

std::vector<uint8_t> input_of(const EncodedSegment& s, std::span<const uint8_t> piece = {}) {
  const std::vector<uint8_t> meta = frame::store_segment_meta(s);
  std::vector<uint8_t> out = {static_cast<uint8_t>(meta.size()),
                              static_cast<uint8_t>(meta.size() >> 8),
                              static_cast<uint8_t>(piece.size())};
  out.insert(out.end(), piece.begin(), piece.end());
  out.insert(out.end(), meta.begin(), meta.end());
  out.insert(out.end(), s.data.begin(), s.data.end());
  return out;
}

void add_deltas(std::vector<std::vector<uint8_t>>& out) {
  std::mt19937_64 g(1);
  for (const ElementType type :
       {ElementType::bytes, ElementType::bf16, ElementType::f16, ElementType::f32, ElementType::f64,
        ElementType::i16, ElementType::i64, ElementType::f8_e4m3})
    for (const size_t piece_bytes : {size_t{0}, size_t{1}, size_t{64}})
      for (const uint32_t every : {1u, 3u, 50u}) {
        DeltaCase c;
        c.type = type;
        const std::vector<uint8_t> piece = make_random(piece_bytes, g());
        c.base = make_base(piece, 4000);
        c.content = c.base;
        for (uint8_t& b : c.content)
          if (g() % (every * element_info(type).bytes) == 0) b = static_cast<uint8_t>(b + g() % 7);
        for (const Codec codec : {Codec::delta, Codec::sparse_delta})
          out.push_back(input_of(encode_delta_as(codec, c), piece));
      }
}

std::vector<std::vector<uint8_t>> make_samples() {
  std::vector<std::vector<uint8_t>> out;
  const auto cpu = make_cpu_backend();
  for (uint64_t seed = 0; seed < 200; ++seed)
    out.push_back(input_of(encode_segment(*cpu, random_segment(seed, 3000))));
  for (const ElementType type : {ElementType::bf16, ElementType::f16, ElementType::f32,
                                 ElementType::f8_e4m3, ElementType::f8_e5m2}) {
    SegmentCase c{"weights", type, make_scales(type, 1500, 1)};
    for (const uint32_t tables : {1u, 2u, 3u, 5u})
      out.push_back(input_of(encode_with_classes(c, tables)));
    c.fast = true;
    out.push_back(input_of(encode_segment(*cpu, c)));
    c.content = special_floats(type, 1504, 2);
    out.push_back(input_of(encode_segment(*cpu, c)));
    out.push_back(input_of(encode_with_values(c, special_values(type, 7), 2, 7)));
  }
  for (const size_t bytes : {40, 1000, 6000}) {
    const std::vector<uint8_t> text = make_text(bytes, bytes);
    const SegmentInput in{ElementType::text, text, text_model().get()};
    EncodedSegment s;
    cpu->encode({&in, 1}, {&s, 1});
    out.push_back(input_of(s));
  }
  add_deltas(out);
  for (const QuantCase& c : small_quantized()) out.push_back(input_of(encode_quantized(c)));
  for (uint64_t seed = 0; seed < 100; ++seed)
    out.push_back(input_of(encode_quantized(random_quantized(seed, 1500))));
  return out;
}

void decode(std::span<const uint8_t> meta, std::vector<uint8_t> data,
            std::span<const uint8_t> piece) {
  frame::SegmentMeta m = frame::load_segment_meta(meta, data.size(), "segment");
  const SegmentHeader& h = m.header;
  if (h.decoded_bytes > kMostBytes || h.blocks == 0) return;
  for (uint32_t b = 0; b < h.blocks; ++b)
    m.records[b].coded_hash = hash64({data.data() + m.offsets[b], m.records[b].coded_bytes});
  const bool text = h.codec == Codec::ngram;
  std::vector<uint8_t> out(h.decoded_bytes), base;
  if (h.of_base) base = make_base(piece, out.size());
  std::vector<BlockStatus> status(h.blocks);
  DecodeRequest request{
      m.view(data, text ? text_model().get() : nullptr), 0, h.blocks, out, status, base};
  static const auto cpu = make_cpu_backend();
  cpu->decode({&request, 1});
  if (text || h.blocks == 1) return;
  // The last block alone is the same.
  const uint32_t last = h.blocks - 1;
  std::vector<uint8_t> alone(h.block_bytes(last));
  BlockStatus alone_status{};
  request.first_block = last;
  request.block_count = 1;
  request.output = alone;
  request.status = {&alone_status, 1};
  if (h.of_base) request.base = std::span<const uint8_t>(base).subspan(h.block_begin(last));
  cpu->decode({&request, 1});
  if (alone_status != status[last]) std::abort();
  if (alone_status == BlockStatus::ok &&
      !std::equal(alone.begin(), alone.end(), out.begin() + h.block_begin(last)))
    std::abort();
}
}  // namespace
}  // namespace gramzip::test

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  static const auto samples = gramzip::test::make_samples();
  return gramzip::test::mutate_samples(samples, data, size, most, seed);
}

// Two bytes: the size of the meta; one: that of the base's piece; the piece, the meta, the data.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gramzip;
  if (size < 3) return 0;
  std::span<const uint8_t> rest(data + 3, size - 3);
  const auto take = [&rest](size_t n) {
    const auto part = rest.first(std::min(n, rest.size()));
    rest = rest.subspan(part.size());
    return part;
  };
  const auto piece = take(data[2]);
  const auto meta = take(load_le<uint16_t>(data));
  std::vector<uint8_t> coded(rest.begin(), rest.end());
  coded.resize(round_up(coded.size(), kBlockAlign));
  try {
    test::decode(meta, std::move(coded), piece);
  } catch (const Error& e) {
    if (e.code() == ErrorCode::internal) __builtin_trap();
  }
  return 0;
}
