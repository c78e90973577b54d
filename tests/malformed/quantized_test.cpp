// SPDX-License-Identifier: Apache-2.0
// Segments of quantized weights whose hashes are right and whose quant tables or blocks lie.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "gramzip/core/quant.h"
#include "host/base/checksum.h"
#include "host/base/error.h"
#include "tests/registry/quant_cases.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
EncodedSegment honest(const std::string& name) {
  for (const test::QuantCase& c : test::small_quantized())
    if (c.name == name) return test::encode_quantized(c);
  ADD_FAILURE() << "no case " << name;
  return {};
}

std::string error_after(const std::string& name,
                        const std::function<void(EncodedSegment&)>& change) {
  EncodedSegment s = honest(name);
  change(s);
  try {
    test::decode_segment(*make_cpu_backend(), s);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), s.header.coder > 2 ? ErrorCode::unsupported : ErrorCode::corrupt);
    return e.what();
  }
  return "";
}

void put(EncodedSegment& s, size_t at, uint32_t bytes, uint64_t x) {
  store_element(s.tables.data() + at, 0, bytes, x);
}

BlockStatus status_of(EncodedSegment s) {
  s.records[0].coded_hash = hash64({s.data.data(), s.records[0].coded_bytes});
  return test::decode_segment(*make_cpu_backend(), s).status[0];
}
}  // namespace

TEST(QuantLies, Fields) {
  const auto expect = [](const char* name, const char* what,
                         const std::function<void(EncodedSegment&)>& change) {
    const std::string error = error_after(name, change);
    EXPECT_NE(error.find(what), std::string::npos) << "wanted: " << what << "; got: " << error;
  };
  for (const test::QuantCase& c : test::small_quantized())
    EXPECT_EQ(error_after(c.name, [](EncodedSegment&) {}), "");
  const char *uniform = "BF16/phrases", *groups = "BF16/groups", *listed = "F64/listed",
             *horner = "BF16/horner", *trellis = "BF16/trellis-states";
  // The header.
  expect(uniform, "contradict", [](EncodedSegment& s) { s.header.type = ElementType::i16; });
  expect(uniform, "symbol width", [](EncodedSegment& s) { s.header.symbol_bits = 1; });
  expect(uniform, "code length limit", [](EncodedSegment& s) { s.header.code_limit = 11; });
  expect(uniform, "coder 3, which this gramzip does not know",
         [](EncodedSegment& s) { s.header.coder = 3; });
  expect(trellis, "coder 255", [](EncodedSegment& s) { s.header.coder = 255; });
  expect(trellis, "a coder that has none", [](EncodedSegment& s) { s.header.coder = 1; });
  for (const int tables : {1, 3})
    expect(trellis, "a class without both tables", [=](EncodedSegment& s) {
      s.header.tables = static_cast<uint8_t>(tables);
      s.header.run_log2 = tables > 1 ? 8 : 0;
    });
  expect(trellis, "code tables without", [](EncodedSegment& s) {
    s.header.tables = s.header.run_log2 = 0;
    s.tables.resize(round_up(32 + size_t{load_le<uint16_t>(s.tables.data())}, 4));
    s.header.table_bytes = static_cast<uint32_t>(s.tables.size());
  });
  expect(uniform, "a coder that has none", [](EncodedSegment& s) { s.header.coder = 1; });
  expect(uniform, "block size", [](EncodedSegment& s) { s.header.block_log2 = 21; });
  expect(uniform, "block size", [](EncodedSegment& s) { s.header.block_log2 = 15; });
  expect(horner, "code tables without", [](EncodedSegment& s) { s.header.coder = 0; });
  // The head of the quant table.
  expect(uniform, "number of levels", [](EncodedSegment& s) { put(s, 0, 2, 0); });
  expect(uniform, "number of levels", [](EncodedSegment& s) { put(s, 0, 2, 4096); });
  expect(horner, "number of levels", [](EncodedSegment& s) { put(s, 0, 2, 1); });
  expect(trellis, "number of levels", [](EncodedSegment& s) { put(s, 0, 2, 0); });
  expect(trellis, "number of levels", [](EncodedSegment& s) { put(s, 0, 2, 4096); });
  expect(trellis, "odd number of levels", [](EncodedSegment& s) { put(s, 0, 2, 15); });
  expect(trellis, "scales along a trellis", [](EncodedSegment& s) { put(s, 3, 1, 2); });
  expect(trellis, "scales along a trellis", [](EncodedSegment& s) { put(s, 3, 1, 5); });
  expect(trellis, "groups without scales", [](EncodedSegment& s) { put(s, 4, 4, 64); });
  expect(trellis, "expansions of a coder", [](EncodedSegment& s) { put(s, 12, 2, 1); });
  for (const uint32_t states : {0, 1, 9, 255})
    expect(trellis, "impossible states", [=](EncodedSegment& s) { put(s, 14, 1, states); });
  for (const char* name : {uniform, groups, horner})
    expect(name, "impossible states", [](EncodedSegment& s) { put(s, 14, 1, 2); });
  expect(trellis, "reserved byte", [](EncodedSegment& s) { put(s, 15, 1, 1); });
  expect(uniform, "neither uniform nor listed", [](EncodedSegment& s) { put(s, 2, 1, 2); });
  for (const uint32_t scales : {3, 4, 7, 8, 9, 128})
    expect(uniform, "impossible scales", [=](EncodedSegment& s) { put(s, 3, 1, scales); });
  expect(uniform, "groups without scales", [](EncodedSegment& s) { put(s, 4, 4, 64); });
  expect(uniform, "groups without scales", [](EncodedSegment& s) { put(s, 8, 4, 1); });
  expect(groups, "size of groups", [](EncodedSegment& s) { put(s, 4, 4, 7); });
  expect(groups, "size of groups", [](EncodedSegment& s) { put(s, 4, 4, (1u << 31) + 1); });
  expect(groups, "place in the first group", [](EncodedSegment& s) { put(s, 8, 4, 64); });
  expect(uniform, "too many expansions", [](EncodedSegment& s) { put(s, 12, 2, 2000); });
  expect(horner, "expansions of a coder", [](EncodedSegment& s) { put(s, 12, 2, 1); });
  expect(uniform, "reserved byte", [](EncodedSegment& s) { put(s, 15, 1, 1); });
  // Levels.
  expect(uniform, "first level", [](EncodedSegment& s) { put(s, 16, 4, (1u << 20) + 1); });
  expect(uniform, "first level", [](EncodedSegment& s) { put(s, 16, 4, ~(1u << 20)); });
  expect(uniform, "reserved byte", [](EncodedSegment& s) { put(s, 20, 4, 1); });
  for (const double step : {0.0, -1.0, 4e-320, HUGE_VAL, -HUGE_VAL, std::nan("")})
    expect(uniform, "step", [=](EncodedSegment& s) { put(s, 24, 8, double_as_bits(step)); });
  expect(uniform, "level is not finite",
         [](EncodedSegment& s) { put(s, 24, 8, double_as_bits(1e300)); });
  expect(groups, "level is not finite",
         [](EncodedSegment& s) { put(s, 24, 8, double_as_bits(1e300)); });
  expect(listed, "level is not finite", [](EncodedSegment& s) { put(s, 16, 4, 0x7f800000); });
  expect(listed, "level is not finite", [](EncodedSegment& s) { put(s, 20, 4, 0xffc00000); });
  // Scales of F16 behind the levels.
  expect(groups, "scale is not finite", [](EncodedSegment& s) {
    const size_t levels = load_le<uint16_t>(s.tables.data());
    put(s, round_up(32 + levels, 4), 2, 0x7c00);
  });
  // Expansions.
  const auto expansion = [](const EncodedSegment& s, uint32_t k) {
    return round_up(32 + size_t{load_le<uint16_t>(s.tables.data())}, 4) + 2 * k;
  };
  ASSERT_GE(load_le<uint16_t>(honest(uniform).tables.data() + 12), 2);
  expect(uniform, "impossible symbol", [&](EncodedSegment& s) {
    put(s, expansion(s, 0), 2, load_le<uint16_t>(s.tables.data()));
  });
  expect(uniform, "impossible symbol", [&](EncodedSegment& s) {
    put(s, expansion(s, 0), 2, load_le<uint16_t>(s.tables.data()) + 1u);
  });
  expect(uniform, "that has one", [&](EncodedSegment& s) {
    put(s, expansion(s, 1), 2, load_le<uint16_t>(s.tables.data() + expansion(s, 0)));
  });
  // Sizes.
  for (const char* name : {uniform, groups, listed, horner, trellis})
    for (const uint32_t keep : {0u, 4u, 12u, 16u, 32u})
      expect(name, "cut short", [=](EncodedSegment& s) {
        s.tables.resize(keep);
        s.header.table_bytes = keep;
      });
  expect(groups, "cut short", [](EncodedSegment& s) {
    // 48 groups have elements in the segment.
    s.tables.resize(round_up(32 + size_t{load_le<uint16_t>(s.tables.data())}, 4) + 2 * 47);
    s.header.table_bytes = static_cast<uint32_t>(s.tables.size());
  });
  expect(horner, "do not fill their place", [](EncodedSegment& s) {
    s.tables.resize(s.tables.size() + 4);
    s.header.table_bytes += 4;
  });
}

TEST(QuantLies, APhraseOf65Levels) {
  // 64 expansions of one level's chain: the last phrase is too long.
  test::QuantCase c{"chain", test::uniform_levels(ElementType::bf16, 2), 0, {}};
  c.levels.coder = quant::CoderChoice::zero_runs;
  c.content = test::draw_levels(c.levels, 0, 400'000, {0.1, 0}, 1);
  for (size_t j = 0; j < 400'000; j += 4999) c.content[2 * j] ^= 1, c.content[2 * j + 1] ^= 1;
  EncodedSegment s = test::encode_quantized(c);
  const uint32_t levels = load_le<uint16_t>(s.tables.data()),
                 had = load_le<uint16_t>(s.tables.data() + 12);
  const size_t at = round_up(32 + levels, 4);
  ASSERT_GT(had, 3u);
  ASSERT_LE(had, quant::kMaxPhrase - 1);
  const uint32_t zero = load_le<uint16_t>(s.tables.data() + at);
  std::vector<uint8_t> chain(round_up(2 * quant::kMaxPhrase, 4));
  for (uint32_t k = 0; k < quant::kMaxPhrase; ++k)
    store_le<uint16_t>(chain.data() + 2 * k,
                       static_cast<uint16_t>(k == 0 ? zero : levels + 1 + (k - 1) * levels + zero));
  const auto begin = s.tables.begin() + static_cast<ptrdiff_t>(at);
  s.tables.erase(begin, begin + static_cast<ptrdiff_t>(round_up(2 * had, 4)));
  s.tables.insert(s.tables.begin() + static_cast<ptrdiff_t>(at), chain.begin(), chain.end());
  s.header.table_bytes = static_cast<uint32_t>(s.tables.size());
  store_le<uint16_t>(s.tables.data() + 12, quant::kMaxPhrase);
  try {
    test::decode_segment(*make_cpu_backend(), s);
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("too long"), std::string::npos) << e.what();
  }
}

// Runs of this case never leave quantizer 0; its other table has one code all the same.
TEST(QuantLies, AQuantizerWithoutCodes) {
  EncodedSegment s = honest("F64/trellis-one-quantizer");
  ASSERT_EQ(s.header.tables, 2);
  EXPECT_EQ(status_of(s), BlockStatus::ok);
  const size_t at = s.tables.size() - 8;
  ASSERT_EQ(load_le<uint32_t>(s.tables.data() + at), 1u << 16);  // symbol 0 alone
  s.tables.resize(at + 4);
  put(s, at, 4, 0);
  s.header.table_bytes = static_cast<uint32_t>(s.tables.size());
  EXPECT_EQ(status_of(s), BlockStatus::bad_block);
}

// Whatever is changed, some check sees it, but where one of several levels that are the same
// element in their group stands for another: which one does is the writer's choice.
TEST(QuantLies, BitsOfABlock) {
  for (const test::QuantCase& c : test::small_quantized()) {
    const EncodedSegment good = test::encode_quantized(c);
    ASSERT_EQ(good.header.blocks, 1u);
    ASSERT_EQ(good.records[0].mode, BlockMode::coded) << c.name;
    size_t equal = 0, layout = 0, stream = 0, decoded = 0;
    // Every bit of the front, where layouts are, and one of each byte of the rest.
    for (uint32_t bit = 0; bit < 8 * good.records[0].coded_bytes; bit += bit < 1600 ? 1 : 7) {
      EncodedSegment s = good;
      s.data[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
      const BlockStatus status = status_of(s);
      equal += status == BlockStatus::ok;
      layout += status == BlockStatus::bad_block;
      stream += status == BlockStatus::bad_stream;
      decoded += status == BlockStatus::bad_decoded_hash;
    }
    if (c.levels.group == 0) EXPECT_EQ(equal, 0u) << c.name;
    EXPECT_LT(equal, 2 * good.records[0].coded_bytes) << c.name;  // one group in seven
    EXPECT_GT(layout, 0u) << c.name;
    EXPECT_GT(decoded, 0u) << c.name;
    if (good.header.coder != 1) EXPECT_GT(stream, 0u) << c.name;
  }
}

TEST(QuantLies, Digits) {
  const EncodedSegment good = honest("BF16/horner");
  const uint32_t exceptions = load_le<uint32_t>(good.data.data());
  ASSERT_GE(exceptions, 2u);
  const uint32_t levels = load_le<uint16_t>(good.tables.data());
  const auto plan = quant::plan_horner(6000, 2, levels, exceptions);
  ASSERT_EQ(plan.bytes, good.records[0].coded_bytes);
  const auto after = [&](uint64_t at, uint32_t bytes, uint64_t x) {
    EncodedSegment s = good;
    store_element(s.data.data() + at, 0, bytes, x);
    return status_of(s);
  };
  const auto number = [&](uint32_t k) { return load_le<uint32_t>(good.data.data() + 4 + 4 * k); };
  EXPECT_EQ(after(0, 4, exceptions + 1), BlockStatus::bad_block);
  EXPECT_EQ(after(0, 4, exceptions - 1), BlockStatus::bad_block);
  EXPECT_EQ(after(0, 4, ~0u), BlockStatus::bad_block);
  EXPECT_EQ(after(4, 4, number(1)), BlockStatus::bad_block);
  EXPECT_EQ(after(4 + 4 * (exceptions - 1), 4, 6000), BlockStatus::bad_block);
  if (plan.padding_at < plan.words_at)
    EXPECT_EQ(after(plan.padding_at, 1, 1), BlockStatus::bad_block);
  // A word of 3^40 or more; an exception whose digit is not 0.
  ASSERT_EQ(quant::digits_per_word(levels), 40u);
  EXPECT_EQ(after(plan.words_at, 8, 12157665459056928801u), BlockStatus::bad_stream);
  const uint64_t word = plan.words_at + 8 * (number(0) / 40);
  uint64_t power = 1;
  for (uint32_t d = number(0) % 40; d > 0; --d) power *= levels;
  EXPECT_EQ(after(word, 8, load_le<uint64_t>(good.data.data() + word) + power),
            BlockStatus::bad_stream);
}
}  // namespace gramzip
