// SPDX-License-Identifier: Apache-2.0
// Coded blocks of text, read back bit by bit by a reader that shares nothing with the encoder.
#include <gtest/gtest.h>

#include "host/base/error.h"
#include "host/cpu/text_encode.h"
#include "tests/registry/text_models.h"
#include "tests/unit/text_inputs.h"
#include "tests/unit/text_writer.h"

namespace gramzip::test {
namespace {
using cpu::SegmentTokens;

// The words of each lane, as docs/format.md, 4 lays them out.
Lanes lanes_of(std::span<const uint8_t> block) {
  const auto word = [&](size_t at) { return load_le<uint32_t>(block.data() + at); };
  const uint32_t rows = word(0) & 0xffffff, bits = word(0) >> 24;
  size_t at = (4 + 4 * bits + 31) / 32 * 32;
  Lanes lanes(32);
  for (uint32_t r = 0; r < rows; ++r)
    for (auto& lane : lanes) {
      lane.push_back(word(at));
      at += 4;
    }
  for (uint32_t l = 0; l < 32; ++l) {
    uint32_t extra = 0;
    for (uint32_t k = 0; k < bits; ++k) extra |= (word(4 + 4 * k) >> l & 1u) << k;
    for (; extra > 0; --extra) {
      lanes[l].push_back(word(at));
      at += 4;
    }
  }
  EXPECT_EQ(at, block.size());
  return lanes;
}

struct Coded {
  SegmentTokens tokens;
  std::vector<std::vector<uint8_t>> blocks;  // empty: not smaller
  uint64_t bytes = 0;
};
Coded code(const std::vector<uint8_t>& text, const model::TextEncodeTables& tables,
           const text::ParseSettings& settings) {
  Coded c;
  cpu::SegmentParser parser;
  cpu::TextEncoder encoder;
  parser.begin(text, settings);
  parser.parse(tables.costs(), c.tokens);
  const size_t block = size_t{1} << settings.block_log2;
  for (size_t at = 0; at < text.size(); at += block) {
    const auto content = static_cast<uint32_t>(std::min(block, text.size() - at));
    std::vector<uint8_t>& out = c.blocks.emplace_back(content);
    out.resize(
        encoder.encode(c.tokens, static_cast<uint32_t>(at / block), content, tables, out.data()));
    c.bytes += out.empty() ? content : out.size();
  }
  return c;
}
// Reads all blocks back. A block that is not smaller stands for itself.
void expect_back(const std::vector<uint8_t>& text, const Coded& coded, const model::NgramModel& m,
                 uint32_t block_log2 = 18) {
  const Codes codes(m);
  std::vector<uint8_t> back;
  for (const auto& block : coded.blocks) {
    const size_t n = std::min(text.size() - back.size(), size_t{1} << block_log2);
    if (block.empty()) {
      const auto from = text.begin() + static_cast<ptrdiff_t>(back.size());
      back.insert(back.end(), from, from + static_cast<ptrdiff_t>(n));
      continue;
    }
    ASSERT_LT(block.size(), n);
    ASSERT_EQ(read_block(m, codes, lanes_of(block), static_cast<uint32_t>(n), back),
              BlockStatus::ok);
  }
  ASSERT_EQ(back, text);
}

// A model of what `text` is like, of every reach.
model::NgramModel model_of(std::span<const uint8_t> text, uint32_t classes,
                           model::CodeOptions::Reach reach = model::CodeOptions::Reach::like_text) {
  return testing::greedy_model(text, testing::frequent_strings(text, 400), classes, reach);
}

TEST(TextEncode, EveryInputComesBackAtEveryEffort) {
  const auto trained = testing::made_up_text(60000, 1);
  for (const uint32_t classes : {1u, 16u}) {
    const model::NgramModel m = model_of(trained, classes);
    const model::TextEncodeTables tables(m);
    for (const auto& [name, text] : text_inputs())
      for (const uint32_t effort : {1u, 3u, 4u, 6u, 9u}) {
        SCOPED_TRACE(name + ", effort " + std::to_string(effort));
        expect_back(text, code(text, tables, text::parse_settings(effort)), m);
      }
  }
}
TEST(TextEncode, SmallBlocks) {
  const auto text = mixed_text(300000, 3);
  const model::NgramModel m = model_of(text, 16);
  text::ParseSettings settings = text::parse_settings(6);
  settings.block_log2 = 16;
  expect_back(text, code(text, model::TextEncodeTables(m), settings), m, 16);
}
TEST(TextEncode, CodesOfEveryShape) {
  // Codes of 16 bits, escapes of all lengths, one class and many.
  Random random(7);
  uint32_t smaller = 0;
  for (uint32_t round = 0; round < 12; ++round) {
    const auto m = random_model(random, 1 + static_cast<uint32_t>(random() % 200), 1 + round * 3);
    const model::TextEncodeTables tables(m);
    auto text = testing::made_up_text(20000, round);
    // Strings of the model, so that their codes are used.
    for (uint32_t i = 0; i < 3000; ++i) {
      const std::string& s = m.strings[random() % m.strings.size()];
      text.insert(text.end(), s.begin(), s.end());
    }
    const Coded coded = code(text, tables, text::parse_settings(6));
    SCOPED_TRACE(round);
    expect_back(text, coded, m);
    if (!coded.blocks[0].empty()) ++smaller;
  }
  EXPECT_GT(smaller, 3u);
}
TEST(TextEncode, CostsAreTheBits) {
  // Where no symbol costs more than the scale has, the parse's cost is the size without padding.
  const auto text = mixed_text(200000, 5);
  const model::NgramModel m = model_of(text, 8);
  const Coded coded = code(text, model::TextEncodeTables(m), text::parse_settings(6));
  uint64_t words = 0;
  for (const auto& lane : lanes_of(coded.blocks[0])) words += lane.size();
  EXPECT_LE(coded.tokens.cost, words * 32 * text::kCostPerBit);
  EXPECT_GT(coded.tokens.cost + 32 * 32 * text::kCostPerBit, words * 32 * text::kCostPerBit);
}
TEST(TextEncode, MatchesAndRepeatsPay) {
  const auto text = mixed_text(400000, 9);
  const model::NgramModel m = model_of(text, 16);
  const model::TextEncodeTables tables(m);
  const Coded with = code(text, tables, text::parse_settings(6));
  text::ParseSettings none = text::parse_settings(6);
  for (text::MatchHash& h : none.hash) h.ways = 0;
  const Coded without = code(text, tables, none);
  EXPECT_EQ(without.tokens.matches.size(), 0u);
  EXPECT_GT(with.tokens.matches.size(), 100u);
  EXPECT_LT(with.bytes * 10, without.bytes * 9);
  bool repeats = false;
  for (const uint16_t s : with.tokens.symbols)
    repeats |= s >= tables.strings_end + text::kLengthBuckets;
  EXPECT_TRUE(repeats);
}
TEST(TextEncode, RandomBytesAreNotCoded) {
  Random random(1);
  std::vector<uint8_t> text(100000);
  for (uint8_t& b : text) b = static_cast<uint8_t>(random());
  const model::NgramModel m = model_of(testing::made_up_text(20000, 2), 4);
  EXPECT_EQ(code(text, model::TextEncodeTables(m), text::parse_settings(6)).bytes, text.size());
}
}  // namespace
}  // namespace gramzip::test
