// SPDX-License-Identifier: Apache-2.0
// Codec exact_floats: every type, width and number of values and tables comes back, and the writer
// takes it where it gains.
#include <gtest/gtest.h>

#include <random>

#include "host/base/error.h"
#include "host/model/exact_values.h"
#include "tests/registry/cases.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
constexpr ElementType kFloats[] = {ElementType::bf16, ElementType::f16,     ElementType::f32,
                                   ElementType::f64,  ElementType::f8_e4m3, ElementType::f8_e5m2};

void expect_back(const EncodedSegment& s, const std::vector<uint8_t>& content,
                 const std::string& name) {
  const test::Decoded d = test::decode_segment(*make_cpu_backend(), s);
  for (const BlockStatus status : d.status) ASSERT_EQ(status, BlockStatus::ok) << name;
  ASSERT_EQ(d.content, content) << name;
}
}  // namespace

TEST(ExactFloats, EveryTypeWidthAndNumberOfTablesComesBack) {
  for (const ElementType type : kFloats) {
    const ElementInfo e = element_info(type);
    for (uint32_t s = e.exponent_bits; s <= std::min(kMaxExactSymbolBits, 8u * e.bytes - 1); ++s)
      for (const size_t values : {1, 5, 16})
        for (const uint32_t tables : {1u, 3u, 32u}) {
          const size_t elements = tables == 3 ? 4096 : 5003;
          const auto content = test::special_floats(type, elements * e.bytes, s * 100 + tables);
          expect_back(test::encode_with_values({"exact", type, content},
                                               test::special_values(type, values), tables, s),
                      content, std::string(e.name) + " S=" + std::to_string(s));
        }
  }
}

TEST(ExactFloats, AllElementsExactOrNone) {
  for (const ElementType type : kFloats) {
    const uint32_t e = element_info(type).bytes, s = element_info(type).exponent_bits;
    // Lanes without a bit, and lanes of exact codes alone.
    std::vector<uint8_t> zeros(3000 * e, 0), two = zeros;
    for (size_t i = 0; i < 3000; ++i)
      if (i * i % 7 == 2) store_element(two.data(), i, e, 1);
    for (const auto& content : {zeros, two})
      expect_back(
          test::encode_with_values({"exact", type, content}, std::vector<uint64_t>{0, 1}, 2, s),
          content, element_info(type).name);
    const auto none = test::make_weights(type, 3000 * e, 0.02, 1);
    expect_back(
        test::encode_with_values({"none", type, none}, std::vector<uint64_t>{0x7f, 0x80}, 1, s),
        none, element_info(type).name);
  }
}

// Only a writer must use the symbol of an exact value.
TEST(ExactFloats, PlainSymbolsOfExactValuesDecode) {
  for (const ElementType type : kFloats) {
    const auto content = test::special_floats(type, 6000 * element_info(type).bytes, 3);
    const auto values = test::special_values(type, 8);
    for (const size_t used : {0, 3})
      expect_back(test::encode_with_values({"plain", type, content}, values, 2,
                                           element_info(type).exponent_bits, used),
                  content, element_info(type).name);
  }
}

TEST(ExactFloats, TheWriterTakesThemWhereTheyGain) {
  const auto codec_of = [](ElementType type, const std::vector<uint8_t>& content) {
    return test::encode_segment(*make_cpu_backend(), {"s", type, content}).header.codec;
  };
  for (const ElementType type : kFloats) {
    const auto weights = test::make_weights(type, 300'000, 0.02, 7);
    EXPECT_EQ(codec_of(type, weights), Codec::floats) << element_info(type).name;
    if (element_info(type).bytes < 2) continue;  // one raw bit a value
    auto half = weights;
    std::mt19937 g(1);
    for (size_t i = 0; i < half.size() / element_info(type).bytes; ++i)
      if (g() % 2 == 0) store_element(half.data(), i, element_info(type).bytes, 0x1234);
    EXPECT_EQ(codec_of(type, half), Codec::exact_floats) << element_info(type).name;
    expect_back(test::encode_segment(*make_cpu_backend(), {"s", type, half}), half, "half");
  }
}

TEST(ExactFloats, TheChoiceIsTheMostFrequentAscending) {
  // Value v occurs 300 - v times among ordinary weights, 20 values in all.
  auto content = test::make_weights(ElementType::f32, 4 * 30000, 0.02, 9);
  size_t at = 0;
  for (uint32_t v = 0; v < 20; ++v)
    for (uint32_t k = 0; k < 300 - v; ++k, at += 4)
      store_element(content.data(), at * 7919 % 120'000 / 4, 4, 0x40490fdb + 4096 * (19 - v));
  const auto values = model::choose_exact_values(content, ElementType::f32);
  ASSERT_EQ(values.size(), kMaxExactValues);
  EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
  EXPECT_EQ(values.back(), 0x40490fdb + 4096 * 19u);
  EXPECT_TRUE(
      model::choose_exact_values(std::vector<uint8_t>(1 << 20, 3), ElementType::f32).empty());
  EXPECT_TRUE(model::choose_exact_values({content.data(), 4}, ElementType::f32).empty());
  EXPECT_TRUE(model::choose_exact_values(test::make_weights(ElementType::bf16, 1 << 20, 0.02, 1),
                                         ElementType::bf16)
                  .empty());
}

TEST(ExactFloats, TheIndexKnowsItsValuesAndNoOthers) {
  std::mt19937_64 g(4);
  for (int round = 0; round < 600; ++round) {
    std::vector<uint64_t> values(g() % (kMaxExactValues + 1));
    const uint64_t step = uint64_t{1} << (g() % 64);  // values at equal distances, too
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = round % 3 == 0   ? g()
                  : round % 3 == 1 ? (g() % 1024) * (i + 1) << (g() % 50)
                                   : g() % 64 * step;
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    const model::ExactIndex index(values);
    for (uint32_t i = 0; i < values.size(); ++i) ASSERT_EQ(index.find(values[i]), i);
    for (int i = 0; i < 200; ++i) {
      const uint64_t x = g() >> (g() % 64);
      if (!std::binary_search(values.begin(), values.end(), x))
        ASSERT_EQ(index.find(x), model::ExactIndex::kNone);
    }
    if (!std::binary_search(values.begin(), values.end(), uint64_t{0}))
      ASSERT_EQ(index.find(0), model::ExactIndex::kNone);
  }
}
}  // namespace gramzip
