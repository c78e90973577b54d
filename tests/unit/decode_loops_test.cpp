// SPDX-License-Identifier: Apache-2.0
// The block decoder's loops of each instruction set: the same content, and the same statuses of
// damaged blocks.
#include <gtest/gtest.h>

#include <random>

#include "host/base/cpu_features.h"
#include "host/cpu/huffman_decode.h"
#include "host/frame/segment_meta.h"
#include "host/model/code_lengths.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
using Bytes = std::vector<uint8_t>;

// Coded blocks of a segment with their tables, as a reader has them.
struct Coded {
  explicit Coded(EncodedSegment s)
      : segment(std::move(s)),
        meta(frame::load_segment_meta(frame::store_segment_meta(segment), segment.data.size(), "")),
        view(meta.view(segment.data, nullptr)),
        tables(cpu::make_decode_tables(view.tables, segment.header.codec)) {}
  bool is_coded(uint32_t b) const { return segment.records[b].mode == BlockMode::coded; }
  Bytes block(uint32_t b) const {
    const auto at = segment.data.begin() + static_cast<ptrdiff_t>(view.offsets[b]);
    return {at, at + segment.records[b].coded_bytes};
  }
  // The status that all loops agree on; content: what they decode if it is ok.
  BlockStatus decode(uint32_t b, const Bytes& coded, Bytes& content) const {
    const SegmentHeader& h = segment.header;
    BlockStatus first{};
    for (const cpu::DecodeLoops* loops : cpu::decode_loops()) {
      cpu::BlockDecoder decoder(*loops);
      Bytes out(h.block_bytes(b));
      const BlockStatus status = decoder.decode(coded, h.split(), tables, h.tables, h.period, out);
      if (loops == cpu::decode_loops().front()) {
        first = status;
        content = out;
      }
      EXPECT_EQ(status, first);
      if (status == BlockStatus::ok) EXPECT_EQ(out, content);
    }
    return first;
  }

  EncodedSegment segment;
  frame::SegmentMeta meta;
  SegmentView view;
  cpu::DecodeTables tables;
};

void expect_content(const Coded& c, const Bytes& content) {
  for (uint32_t b = 0; b < c.segment.header.blocks; ++b) {
    if (!c.is_coded(b)) continue;
    Bytes out;
    ASSERT_EQ(c.decode(b, c.block(b), out), BlockStatus::ok);
    ASSERT_TRUE(
        std::equal(out.begin(), out.end(),
                   content.begin() + static_cast<ptrdiff_t>(c.segment.header.block_begin(b))));
  }
}

// Exponents of a normal distribution, with stretches in which all is rare.
Bytes rare_stretches(ElementType type, size_t bytes, uint64_t seed) {
  Bytes content = test::make_weights(type, bytes, 0.02, seed);
  const Bytes rare = test::make_weights(type, bytes, 1e-4, seed + 1);
  for (size_t at = 0; at + 64 <= bytes; at += 6400 + seed * 64)
    std::copy_n(rare.begin() + static_cast<ptrdiff_t>(at), 64,
                content.begin() + static_cast<ptrdiff_t>(at));
  return content;
}
}  // namespace

TEST(DecodeLoops, EverySplitComesBack) {
  for (const ElementType type : {ElementType::bf16, ElementType::f16, ElementType::f32,
                                 ElementType::f64, ElementType::f8_e4m3, ElementType::f8_e5m2}) {
    const ElementInfo info = element_info(type);
    const uint32_t most = std::min(12u, 8u * info.bytes - 1);
    for (uint32_t s = info.exponent_bits; s <= most; ++s)
      for (const uint32_t n : {2047u, 2048u, 2049u, 4096u, 4351u, 9999u}) {
        const test::SegmentCase c{"split", type, test::make_weights(type, n * info.bytes, 0.02, s)};
        expect_content(Coded(test::encode_with_classes(c, n % 3 + 1, s)), c.content);
      }
  }
}

TEST(DecodeLoops, SegmentsAsTheyAreWritten) {
  const auto backend = make_cpu_backend();
  for (const auto& cases : {test::edge_segments(), test::plane_segments()})
    for (const test::SegmentCase& c : cases) {
      const EncodedSegment s = test::encode_segment(*backend, c);
      if (s.header.codec == Codec::bytes || s.header.codec == Codec::floats ||
          s.header.codec == Codec::planes)
        expect_content(Coded(s), c.content);
    }
}

TEST(DecodeLoops, LanesWhoseCodesAreLong) {
  for (const ElementType type : {ElementType::bf16, ElementType::f16, ElementType::f32})
    for (uint64_t seed = 0; seed < 4; ++seed) {
      const test::SegmentCase c{"rare", type, rare_stretches(type, 100'000, seed)};
      const Coded coded(test::encode_with_classes(c, 2));
      EXPECT_EQ(coded.tables.in_registers.empty(), !cpu_features().avx512_vbmi);
      expect_content(coded, c.content);
    }
  // Codes that are too long and too many for registers.
  test::SegmentCase c{"flat", ElementType::bf16, test::make_random(100'000, 1)};
  for (size_t i = 1; i < c.content.size(); i += 2) c.content[i] &= 0xbf;  // half of the symbols
  const Coded coded(test::encode_with_classes(c, 2, 10));
  EXPECT_TRUE(coded.tables.in_registers.empty());
  expect_content(coded, c.content);
}

TEST(DecodeLoops, RandomDamageHasTheSameStatus) {
  std::mt19937_64 g(7);
  for (const ElementType type : {ElementType::bf16, ElementType::f32, ElementType::f8_e4m3}) {
    const size_t elements = 5000 + g() % 2000;
    const test::SegmentCase c{"damage", type,
                              rare_stretches(type, elements * element_info(type).bytes, 1)};
    const Coded coded(test::encode_with_classes(c, 3));
    ASSERT_TRUE(coded.is_coded(0));
    size_t fine = 0, bad = 0;
    for (int i = 0; i < 300; ++i) {
      Bytes damaged = coded.block(0);
      for (uint64_t k = 1 + g() % 3; k > 0; --k) {
        const size_t bit = g() % (8 * damaged.size());
        damaged[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
      }
      if (i % 9 == 0) damaged.resize(g() % damaged.size());
      Bytes out;
      (coded.decode(0, damaged, out) == BlockStatus::ok ? fine : bad)++;
    }
    EXPECT_GT(bad, 20u);
    EXPECT_GT(fine, 20u);  // raw planes can hold anything
  }
}

TEST(DecodeLoops, RegisterTablesHoldEveryWindow) {
  if (!cpu_features().avx512_vbmi) GTEST_SKIP() << "no AVX-512 VBMI here";
  std::mt19937 g(5);
  size_t fit = 0, rounds = 200;
  for (size_t round = 0; round < rounds; ++round) {
    std::vector<uint32_t> counts(256, 0);
    const uint32_t symbols = 1 + g() % 256;
    for (uint32_t s = 0; s < symbols; ++s) counts[s] = 1u << (g() % (4 + round % 16));
    const CodeBook book = make_code_book(counts, kFloatCodeLimit);
    CodeTable t;
    t.count = static_cast<uint16_t>(symbols);
    t.lengths.assign(book.lengths.begin(), book.lengths.begin() + symbols);
    if (symbols == 1) t.lengths[0] = 0;
    const cpu::DecodeTables d = cpu::make_decode_tables({&t, 1}, Codec::floats);
    if (d.in_registers.empty()) continue;
    ++fit;
    const cpu::RegisterTable& r = d.in_registers[0];
    for (uint32_t w = 0; w < 1u << kFloatCodeLimit; ++w) {
      const auto all_ones = [&](uint32_t bits) { return (~w & ((1u << bits) - 1)) == 0; };
      const uint32_t last = cpu::RegisterTable::kLastShift;
      const uint32_t k = all_ones(last) ? 2 : all_ones(r.middle) ? 1 : 0;
      const uint32_t shift = k == 2 ? last : k == 1 ? r.middle : 0;
      ASSERT_EQ(r.level[k][~(w >> shift) & 127], d.runs[w]) << round << " " << w;
    }
  }
  EXPECT_GT(fit, rounds / 4);
  EXPECT_LT(fit, rounds);
}
}  // namespace gramzip
