// SPDX-License-Identifier: Apache-2.0
// Codec quantized: whatever the levels, scales and coder are, the bytes come back, in few bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "host/backend/cpu_blocks.h"
#include "host/cpu/quantize.h"
#include "host/frame/segment_meta.h"
#include "host/model/quant_table.h"
#include "tests/registry/quant_cases.h"
#include "tests/registry/segments.h"
#include "tests/registry/trellis_cases.h"

namespace gramzip {
namespace {
void expect_back(Backend& backend, const EncodedSegment& s, const std::vector<uint8_t>& content,
                 const std::string& name) {
  const test::Decoded d = test::decode_segment(backend, s);
  for (size_t b = 0; b < d.status.size(); ++b)
    ASSERT_EQ(d.status[b], BlockStatus::ok) << name << ", block " << b;
  ASSERT_EQ(d.content, content) << name;
}

double entropy(std::span<const uint16_t> indexes, uint32_t levels) {
  std::vector<double> count(levels + 1, 0);
  for (const uint16_t i : indexes) ++count[i];
  double bits = 0;
  for (const double c : count)
    if (c > 0) bits -= c * std::log2(c / static_cast<double>(indexes.size()));
  return bits;
}
}  // namespace

TEST(Quantized, EdgesComeBack) {
  const auto backend = make_cpu_backend();
  for (const test::QuantCase& c : test::edge_quantized()) {
    const EncodedSegment s = test::encode_quantized(c);
    ASSERT_EQ(s.header.codec, Codec::quantized) << c.name;
    expect_back(*backend, s, c.content, c.name);
    expect_back(*backend, test::encode_quantized(*backend, c), c.content, c.name);
  }
}

TEST(Quantized, RandomOnesComeBack) {
  const auto backend = make_cpu_backend();
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const test::QuantCase c = test::random_quantized(seed, 20000);
    expect_back(*backend, test::encode_quantized(c), c.content, c.name);
  }
}

TEST(Quantized, BlocksDecodeByThemselves) {
  const auto backend = make_cpu_backend();
  quant::Levels l = test::uniform_levels(ElementType::f32, 9);
  test::add_scales(l, quant::ScaleType::f16, 100, true, 700'000, 2);
  const test::QuantCase c{"parts", l, 55, test::draw_levels(l, 55, 600'000, {1.5, 30}, 3)};
  const EncodedSegment s = test::encode_quantized(c);
  ASSERT_EQ(s.header.blocks, 3u);
  for (uint32_t b = 0; b < 3; ++b) {
    const test::Decoded d = test::decode_segment(*backend, s, b, 1);
    ASSERT_EQ(d.status[0], BlockStatus::ok);
    ASSERT_TRUE(std::equal(d.content.begin(), d.content.end(),
                           c.content.begin() + s.header.block_begin(b)));
  }
}

// Bits of a code, tables and all, against the entropy of the levels: the rates at which weights
// are quantized.
TEST(Quantized, SizesAreNearTheEntropy) {
  for (const size_t n : {size_t{256} << 10, size_t{1} << 20})
    for (const double spread : {0.37, 0.5, 0.7, 1.0, 2.0, 4.0, 8.0, 16.0}) {
      const quant::Levels l = test::uniform_levels(ElementType::bf16, 255);
      const test::QuantCase c{"bell", l, 0, test::draw_levels(l, 0, n, {spread, 0}, 7)};
      std::vector<uint16_t> indexes(n);
      cpu::level_indexes(l, 0, c.content, indexes);
      const double bits = entropy(indexes, 255);
      const EncodedSegment s = test::encode_quantized(c);
      // But for framing and padding of the section.
      const auto size = static_cast<double>(8 * cpu::coded_size(s));
      const double rate = bits / static_cast<double>(n), ratio = size / bits;
      RecordProperty("bits_" + std::to_string(rate), std::to_string(ratio));
      EXPECT_LE(ratio, rate <= 2 ? 1.02 : 1.025)
          << n << " elements of " << rate << " bits, " << int{s.header.tables} << " tables";
    }
}

TEST(Quantized, TheCoderIsTheSmallerOne) {
  const auto coder_of = [](double spread, quant::CoderChoice choice) {
    quant::Levels l = test::uniform_levels(ElementType::bf16, 3);
    l.coder = choice;
    const test::QuantCase c{"coder", l, 0, test::draw_levels(l, 0, 100'000, {spread, 0}, 7)};
    return test::encode_quantized(c).header.coder;
  };
  using quant::CoderChoice;
  EXPECT_EQ(coder_of(0.3, CoderChoice::automatic), 0);
  EXPECT_EQ(coder_of(0.3, CoderChoice::horner), 1);
  EXPECT_EQ(coder_of(1.1, CoderChoice::huffman), 0);
  // Three levels that are about as frequent: 1.6 bits each, as Horner's rule has them.
  EXPECT_EQ(coder_of(1.13, CoderChoice::automatic), 1);
}

TEST(Quantized, AlongATrellis) {
  const auto of = [](uint32_t log2, quant::CoderChoice choice) {
    quant::Levels l = test::trellis_levels(ElementType::bf16, 64, log2);
    l.coder = choice;
    return test::QuantCase{"walk", l, 0, test::draw_trellis(l, 200'000, {8, 0}, log2)};
  };
  using quant::CoderChoice;
  for (uint32_t log2 = quant::kMinTrellisLog2; log2 <= quant::kMaxTrellisLog2; ++log2) {
    const test::QuantCase c = of(log2, CoderChoice::automatic);
    const EncodedSegment s = test::encode_quantized(c);
    ASSERT_EQ(s.header.coder, 2);
    ASSERT_EQ(s.header.tables, 2);
    EXPECT_EQ(s.tables[14], log2);
    // What the state says need not be coded: a bit an element less than levels alone take.
    std::vector<uint16_t> indexes(200'000);
    cpu::level_indexes(c.levels, 0, c.content, indexes);
    const double bits = entropy(indexes, 64) - 200'000;
    EXPECT_LE(static_cast<double>(8 * cpu::coded_size(s)), 1.03 * bits) << log2;
  }
  EXPECT_EQ(test::encode_quantized(of(3, CoderChoice::huffman)).header.coder, 2);
  EXPECT_EQ(test::encode_quantized(of(3, CoderChoice::zero_runs)).header.coder, 0);
  EXPECT_EQ(test::encode_quantized(of(3, CoderChoice::horner)).header.coder, 1);
}

// Levels that do not occur are left out, and those that stay are where the trellis had them.
TEST(Quantized, ATrellisKeepsItsParity) {
  for (const uint32_t count : {38u, 40u, 42u, 44u, 46u}) {
    const quant::Levels l = test::trellis_levels(ElementType::f32, count, 4);
    const test::QuantCase c{"inner", l, 0, test::draw_trellis(l, 5000, {1.5, 0}, count)};
    const EncodedSegment s = test::encode_quantized(c);
    EXPECT_EQ(s.header.coder, 2);
    EXPECT_LE(load_le<uint16_t>(s.tables.data()), 16);
    EXPECT_EQ(load_le<uint16_t>(s.tables.data()) % 2, 0);
    EXPECT_LT(8 * cpu::coded_size(s), 4 * 5000u);  // no escapes
    expect_back(*make_cpu_backend(), s, c.content, c.name);
  }
}

TEST(Quantized, ContentOfNoLevelsTakesAnotherCodec) {
  const auto backend = make_cpu_backend();
  const quant::Levels l = test::uniform_levels(ElementType::bf16, 16);
  const auto content = test::make_weights(ElementType::bf16, 200'000, 0.02, 3);
  const EncodedSegment s = test::encode_quantized(*backend, {"weights", l, 0, content});
  EXPECT_EQ(s.header.codec, Codec::floats);
  expect_back(*backend, s, content, "weights");
}

TEST(Quantized, IndexesAreTheLowestOfEqualLevels) {
  for (uint64_t seed = 1000; seed < 1200; ++seed) {
    const test::QuantCase c = test::random_quantized(seed, 3000);
    const uint32_t e = element_info(c.levels.type).bytes, levels = c.levels.count();
    std::vector<uint16_t> indexes(c.content.size() / e);
    cpu::level_indexes(c.levels, c.first, c.content, indexes);
    for (size_t j = 0; j < indexes.size(); j += 1 + seed % 5) {
      const uint64_t g = c.levels.group == 0 ? 0 : (c.first + j) / c.levels.group;
      uint32_t want = 0;
      while (want < levels && c.levels.element(want, g) != load_element(c.content.data(), j, e))
        ++want;
      ASSERT_EQ(indexes[j], want) << c.name << ", element " << j;
    }
  }
}

TEST(Quantized, TablesComeBackFromTheWire) {
  for (const test::QuantCase& c : test::small_quantized()) {
    const EncodedSegment s = test::encode_quantized(c);
    const frame::SegmentMeta m =
        frame::load_segment_meta(frame::store_segment_meta(s), s.data.size(), "segment");
    ASSERT_NE(m.quantized, nullptr);
    const quant::Table& t = *m.quantized;
    // Levels that do not pay are left out at both ends.
    ASSERT_LE(t.count(), c.levels.count());
    uint32_t skipped = 0;
    while (c.levels.value(skipped) != t.levels.value(0)) ++skipped;
    const uint64_t shift = c.levels.group == 0 ? 0 : c.first / c.levels.group;
    for (uint32_t i = 0; i < t.count(); ++i)
      for (uint64_t g = 0; g < std::max<size_t>(t.levels.scales.size(), 1); ++g)
        ASSERT_EQ(t.levels.element(i, g), c.levels.element(i + skipped, g + shift)) << c.name;
    EXPECT_EQ(t.levels.trellis, c.levels.trellis);
    const quant::Phrases p = quant::make_phrases(t.count(), t.expansions);
    EXPECT_LE(p.longest, quant::kMaxPhrase);
    EXPECT_EQ(p.length(t.escape()), 0u);
  }
}

TEST(Quantized, DigitsOfAWord) {
  EXPECT_EQ(quant::digits_per_word(2), 64u);
  EXPECT_EQ(quant::digits_per_word(3), 40u);
  EXPECT_EQ(quant::digits_per_word(4), 32u);
  EXPECT_EQ(quant::digits_per_word(16), 16u);
  EXPECT_EQ(quant::digits_per_word(17), 15u);
  EXPECT_EQ(quant::digits_per_word(256), 8u);
  EXPECT_EQ(quant::digits_per_word(4095), 5u);
  EXPECT_EQ(quant::digits_per_word(1), 0u);
}
}  // namespace gramzip
