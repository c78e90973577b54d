// SPDX-License-Identifier: Apache-2.0
// Fast floats: every set of loops decodes what the encoder writes, refuses what is damaged with the
// same status, and stays inside the block.
#include <gtest/gtest.h>

#include <sys/mman.h>

#include <random>

#include "host/base/checksum.h"
#include "host/base/cpu_features.h"
#include "host/cpu/fast_decode.h"
#include "host/cpu/fast_encode.h"
#include "host/frame/segment_meta.h"
#include "tests/registry/cases.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
using Bytes = std::vector<uint8_t>;

std::vector<std::pair<std::string, cpu::FastLoops>> all_loops() {
  std::vector<std::pair<std::string, cpu::FastLoops>> all{{"baseline", cpu::decode_fast_baseline}};
#if defined(__x86_64__)
  if (cpu_features().avx2_bmi2) all.emplace_back("avx2", cpu::decode_fast_avx2);
  if (cpu_features().avx512_vbmi) all.emplace_back("avx512", cpu::decode_fast_avx512);
#endif
  return all;
}

// The coded block of a segment that has one, and what decoding takes.
struct OneBlock {
  Bytes coded;
  std::vector<cpu::FastTable> tables;
  SegmentHeader header;
  uint32_t exceptions_at;
  Bytes content;
};
OneBlock one_block(const test::SegmentCase& c) {
  const EncodedSegment s = test::encode_segment(*make_cpu_backend(), c);
  const frame::SegmentMeta meta =
      frame::load_segment_meta(frame::store_segment_meta(s), s.data.size(), "segment");
  EXPECT_EQ(s.header.blocks, 1u) << c.name;
  EXPECT_EQ(s.records[0].mode, BlockMode::coded) << c.name;
  const BlockPlan plan =
      plan_block(static_cast<uint32_t>(c.content.size()), s.header.split(), s.header.tables);
  return {{s.data.begin(), s.data.begin() + s.records[0].coded_bytes},
          cpu::make_fast_tables(meta.tables),
          s.header,
          plan.lanes_at,
          c.content};
}

// Memory whose end is followed by a page that faults.
class Fenced {
 public:
  explicit Fenced(const Bytes& bytes) : size_(round_up(bytes.size(), kPage) + kPage) {
    map_ = static_cast<uint8_t*>(
        mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(map_ + size_ - kPage, kPage, PROT_NONE);
    bytes_ = {map_ + size_ - kPage - bytes.size(), bytes.size()};
    std::copy(bytes.begin(), bytes.end(), bytes_.begin());
  }
  Fenced(const Fenced&) = delete;
  Fenced& operator=(const Fenced&) = delete;
  ~Fenced() { munmap(map_, size_); }
  std::span<uint8_t> bytes() const { return bytes_; }

 private:
  static constexpr size_t kPage = 4096;
  size_t size_;
  uint8_t* map_;
  std::span<uint8_t> bytes_;
};

// The status of a block, the same from all loops, alone and two at once; its content if it is ok.
BlockStatus status_of(const OneBlock& b, const Bytes& coded, Bytes* content = nullptr) {
  const Fenced in(coded);
  std::vector<BlockStatus> seen;
  for (const auto& [name, loops] : all_loops()) {
    cpu::FastDecoder decoder(loops);
    const Fenced first(Bytes(b.content.size(), 0xaa)), second(Bytes(b.content.size(), 0x55));
    cpu::FastDecoder::Block blocks[3] = {{in.bytes(), first.bytes(), BlockStatus::ok},
                                         {in.bytes(), second.bytes(), BlockStatus::ok},
                                         {in.bytes(), second.bytes(), BlockStatus::ok}};
    decoder.decode({blocks, 2}, b.header.split(), b.tables);
    decoder.decode({blocks + 2, 1}, b.header.split(), b.tables);
    for (const auto& x : blocks) seen.push_back(x.status);
    if (seen.back() != BlockStatus::bad_block)  // else nothing is written
      EXPECT_TRUE(std::ranges::equal(first.bytes(), second.bytes())) << name;
    const Bytes out(first.bytes().begin(), first.bytes().end());
    if (content != nullptr && content->empty()) *content = out;
    if (content != nullptr && seen[0] != BlockStatus::bad_block) EXPECT_EQ(out, *content) << name;
  }
  for (const BlockStatus s : seen) EXPECT_EQ(s, seen[0]);
  return seen[0];
}

// Elements of two bytes: of two exponents but for two exceptions, numbers 5000 and 10000.
Bytes two_exponents(size_t n, uint8_t top, uint8_t other_top, uint8_t rare_top) {
  Bytes content = test::make_random(2 * n, 1);
  for (size_t i = 0; i < n; ++i)
    content[2 * i + 1] = i == 5000 || i == 10'000  ? rare_top
                         : content[2 * i] % 4 == 0 ? top
                                                   : other_top;
  return content;
}

constexpr ElementType kTypes[] = {ElementType::bf16, ElementType::f16, ElementType::f32,
                                  ElementType::f8_e4m3, ElementType::f8_e5m2};
}  // namespace

TEST(FastFloats, RoundTripByEveryLoop) {
  for (const ElementType type : kTypes)
    for (const size_t n : {600, 1023, 1024, 1025, 1151, 1153, 20'000, 65'535, 65'536}) {
      const size_t bytes = n * element_info(type).bytes;
      const OneBlock b = one_block(
          {element_info(type).name, type, test::make_weights(type, bytes, 0.02, n), 0, true});
      Bytes content;
      ASSERT_EQ(status_of(b, b.coded, &content), BlockStatus::ok) << n;
      const auto differs =
          std::mismatch(content.begin(), content.end(), b.content.begin()).first - content.begin();
      ASSERT_EQ(differs, static_cast<ptrdiff_t>(bytes)) << element_info(type).name << " " << n;
    }
}

TEST(FastFloats, ExceptionsComeBack) {
  for (const ElementType type : kTypes) {
    const ElementInfo e = element_info(type);
    Bytes content = test::make_weights(type, 60'000u * e.bytes, 0.02, 1);
    for (uint32_t i = 0; i < 60'000; i += 5'003) {  // rarer than a code is worth
      const uint32_t top = (e.bytes - 1u) + i * e.bytes;
      content[top] = static_cast<uint8_t>(0x78 + i % 7);
    }
    const OneBlock b = one_block({"exceptions", type, content, 0, true});
    EXPECT_GT(load_le<uint32_t>(b.coded.data() + b.exceptions_at), 0u) << e.name;
    Bytes out;
    ASSERT_EQ(status_of(b, b.coded, &out), BlockStatus::ok);
    ASSERT_EQ(out, content) << e.name;
  }
}

TEST(FastFloats, WhatIsDamagedHasAStatus) {
  const Bytes content = two_exponents(20'001, 0x3b, 0x3c, 0x7e);
  const OneBlock b = one_block({"damaged", ElementType::bf16, content, 0, true});
  const uint32_t at = b.exceptions_at;
  ASSERT_EQ(load_le<uint32_t>(b.coded.data() + at), 2u);
  const auto after = [&](const std::function<void(Bytes&)>& change) {
    Bytes coded = b.coded;
    change(coded);
    return status_of(b, coded);
  };
  EXPECT_EQ(after([](Bytes&) {}), BlockStatus::ok);
  EXPECT_EQ(after([&](Bytes& c) { c[20'001] = 1; }), BlockStatus::bad_block);  // raw padding
  EXPECT_EQ(after([&](Bytes& c) { c[at - 1] = 1; }), BlockStatus::bad_block);  // class id padding
  EXPECT_EQ(after([&](Bytes& c) { store_le<uint32_t>(&c[at], UINT32_MAX); }),
            BlockStatus::bad_block);
  EXPECT_EQ(after([&](Bytes& c) { store_le<uint32_t>(&c[at], static_cast<uint32_t>(c.size())); }),
            BlockStatus::bad_block);
  EXPECT_EQ(after([&](Bytes& c) {
              store_le<uint32_t>(&c[at + 8], fast::pack_exception({5000, 1}));
            }),
            BlockStatus::bad_block);  // as the one before
  EXPECT_EQ(after([&](Bytes& c) {
              store_le<uint32_t>(&c[at + 8], fast::pack_exception({20'001, 1}));
            }),
            BlockStatus::bad_block);  // behind the last element
  EXPECT_EQ(after([&](Bytes& c) { c.push_back(1); }), BlockStatus::bad_block);
  EXPECT_EQ(after([&](Bytes& c) { c.resize(c.size() + 4); }), BlockStatus::bad_block);
  EXPECT_EQ(after([&](Bytes& c) { c.resize(at); }), BlockStatus::bad_block);
  EXPECT_EQ(after([&](Bytes& c) { c.resize(c.size() + 4, 1); }), BlockStatus::bad_stream);
  EXPECT_EQ(after([&](Bytes& c) { c.resize(c.size() + 400, 1); }), BlockStatus::bad_stream);
  EXPECT_EQ(after([&](Bytes& c) { c.insert(c.end(), 40'000, 0xff); }), BlockStatus::bad_stream);
  EXPECT_EQ(after([&](Bytes& c) { c.back() |= 0x80; }), BlockStatus::bad_stream);
  // Without words everything is the first code, which is a block.
  EXPECT_EQ(after([&](Bytes& c) { c.resize(at + 12); }), BlockStatus::ok);
}

TEST(FastFloats, ExponentsOutsideTheType) {
  const OneBlock b =
      one_block({"f16", ElementType::f16, two_exponents(20'000, 0x28, 0x2c, 0x7b), 0, true});
  Bytes coded = b.coded;
  ASSERT_EQ(load_le<uint32_t>(&coded[b.exceptions_at]), 2u);
  store_le<uint32_t>(&coded[b.exceptions_at + 4], fast::pack_exception({5000, 32}));
  EXPECT_EQ(status_of(b, coded), BlockStatus::bad_block);
}

TEST(FastFloats, RandomDamageIsTheSameToAllLoops) {
  std::mt19937_64 g(3);
  for (const ElementType type : kTypes) {
    const size_t elements = 3000 + g() % 2000;
    const OneBlock b =
        one_block({"random", type,
                   test::make_weights(type, elements * element_info(type).bytes, 0.02, 4), 0, true});
    for (int i = 0; i < 300; ++i) {
      Bytes coded = b.coded;
      for (uint64_t k = 1 + g() % 3; k > 0; --k) {
        const size_t bit = g() % (8 * coded.size());
        coded[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
      }
      if (i % 3 == 0) coded.resize(g() % coded.size());
      if (i % 7 == 0) coded.insert(coded.end(), 4 * (g() % 200), 0x5a);
      Bytes content;
      status_of(b, coded, &content);
    }
  }
}

TEST(FastFloats, AllWritersWriteTheSame) {
  std::mt19937_64 g(5);
  std::vector<uint32_t> counts(256, 0), lone(256, 0);
  for (uint32_t e = 110; e < 135; ++e) counts[e] = 1u << (e % 8);
  lone[200] = 1;
  const std::vector<cpu::FastCodes> codes{cpu::FastCodes(make_code_book(counts, kFastCodeLimit)),
                                          cpu::FastCodes(make_code_book(lone, kFastCodeLimit))};
  for (const size_t n : {1, 5, 127, 128, 129, 1000, 4096, 70'001}) {
    Bytes exponents(n), ids(ceil_div(n, kRunElements));
    for (uint8_t& id : ids) id = static_cast<uint8_t>(g() % 3 / 2);
    for (uint8_t& e : exponents)
      e = static_cast<uint8_t>(g() % 50 == 0 ? g() % 256 : 110 + g() % 25);
    const cpu::FastBlockInput in{exponents, {}, ids, codes};
    cpu::FastWords first;
    first.begin(static_cast<uint32_t>(n));
    const uint32_t words = cpu::write_fast_baseline(in, first);
    const auto expect_same = [&](cpu::FastWriter writer) {
      cpu::FastWords other;
      other.begin(static_cast<uint32_t>(n));
      ASSERT_EQ(writer(in, other), words) << n;
      ASSERT_TRUE(std::equal(first.words.begin(), first.words.begin() + words, other.words.begin()))
          << n;
      ASSERT_EQ(other.exceptions, first.exceptions) << n;
    };
#if defined(__x86_64__)
    if (cpu_features().avx2_bmi2) expect_same(cpu::write_fast_avx2);
    if (cpu_features().avx512_vbmi) expect_same(cpu::write_fast_avx512);
#endif
    expect_same(cpu::fast_writer());
  }
}

TEST(FastFloats, HeaderRules) {
  EncodedSegment s = test::encode_segment(
      *make_cpu_backend(),
      {"h", ElementType::bf16, test::make_weights(ElementType::bf16, 40'000, 0.02, 1), 0, true});
  const auto error = [&](const std::function<void(EncodedSegment&)>& change) -> std::string {
    EncodedSegment x = s;
    change(x);
    try {
      frame::load_segment_meta(frame::store_segment_meta(x), x.data.size(), "segment");
    } catch (const std::exception& e) {
      return e.what();
    }
    return "";
  };
  const auto expect = [&](const char* what, const std::function<void(EncodedSegment&)>& change) {
    EXPECT_NE(error(change).find(what), std::string::npos) << what << ": " << error(change);
  };
  EXPECT_EQ(error([](EncodedSegment&) {}), "");
  expect("word order 0", [](EncodedSegment& x) { x.header.word_order = 0; });
  expect("contradict", [](EncodedSegment& x) { x.header.type = ElementType::f64; });
  expect("symbol width", [](EncodedSegment& x) { x.header.symbol_bits = 9; });
  expect("code length limit", [](EncodedSegment& x) { x.header.code_limit = 12; });
  expect("too many symbols", [](EncodedSegment& x) {
    x.tables = {100, 0, 64, 0};  // 64 codes of 6 bits
    x.tables.insert(x.tables.end(), 32, 0x66);
    x.header.table_bytes = static_cast<uint32_t>(x.tables.size());
    x.header.tables = 1;
    x.header.run_log2 = 0;
  });
}
}  // namespace gramzip
