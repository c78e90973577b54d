// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>

#include "host/base/error.h"
#include "host/frame/model_wire.h"
#include "host/model/compose.h"
#include "host/model/cost_tables.h"
#include "tests/registry/text_models.h"

namespace gramzip {
namespace {
using model::NgramModel;
using Reach = model::CodeOptions::Reach;

NgramModel example(size_t strings, uint32_t classes, Reach reach = Reach::like_text) {
  static const auto text = testing::made_up_text(20000, 7);
  static const auto ranked = testing::frequent_strings(text, 900);
  std::vector<std::string> some;  // spread over the alphabet
  for (size_t i = 0; i < strings; ++i) some.push_back(ranked[i * ranked.size() / strings]);
  return testing::greedy_model(text, some, classes, reach);
}

void expect_same(const NgramModel& a, const NgramModel& b) {
  EXPECT_EQ(a.strings, b.strings);
  EXPECT_EQ(a.parts, b.parts);
  EXPECT_EQ(a.popularity, b.popularity);
  EXPECT_EQ(a.class_of, b.class_of);
  EXPECT_EQ(a.global_lengths, b.global_lengths);
  ASSERT_EQ(a.codes.size(), b.codes.size());
  for (size_t c = 0; c < a.codes.size(); ++c) {
    EXPECT_EQ(a.codes[c].symbols, b.codes[c].symbols);
    EXPECT_EQ(a.codes[c].lengths, b.codes[c].lengths);
    EXPECT_EQ(a.codes[c].escape, b.codes[c].escape);
  }
  EXPECT_EQ(a.distance_lengths, b.distance_lengths);
  EXPECT_EQ(a.trained_symbols, b.trained_symbols);
  EXPECT_EQ(a.id, b.id);
}

TEST(ModelWire, ComesBack) {
  for (const size_t strings : {0, 1, 2, 50, 900})
    for (const uint32_t classes : {1u, 2u, 16u, 128u})
      for (const Reach reach : {Reach::trained, Reach::like_text, Reach::all}) {
        NgramModel m = example(strings, classes, reach);
        const auto bytes = frame::store_model(m);
        const NgramModel back = frame::load_model(bytes, "model");
        expect_same(m, back);
        NgramModel again = back;
        EXPECT_EQ(frame::store_model(again), bytes);
      }
}

TEST(ModelWire, StringsAreNumberedByTheirFirstParts) {
  const NgramModel m = example(400, 4);
  for (size_t i = 0; i < m.strings.size(); ++i) {
    std::string s;
    for (const uint16_t p : m.parts[i])
      s += p < 256 ? std::string(1, static_cast<char>(p)) : m.strings[p - 256];
    EXPECT_EQ(s, m.strings[i]);
    if (i > 0) {
      EXPECT_LE(m.parts[i - 1][0], m.parts[i][0]);
    }
    EXPECT_LT(m.parts[i][0], 256 + i);
  }
}

TEST(ModelWire, EveryTruncationIsRefused) {
  NgramModel m = example(60, 4);
  const auto bytes = frame::store_model(m);
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_THROW(frame::load_model(std::span(bytes).first(n), "model"), Error) << n;
}

// The bytes lie under a hash; without it, a change is refused or gives another valid model.
TEST(ModelWire, NoFlipBreaksTheLoader) {
  NgramModel m = example(60, 4);
  const auto bytes = frame::store_model(m);
  size_t loaded = 0;
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    auto bad = bytes;
    bad[bit / 8] = static_cast<uint8_t>(bad[bit / 8] ^ (1u << (bit % 8)));
    try {
      const NgramModel other = frame::load_model(bad, "model");
      EXPECT_NE(other.id, m.id);
      ++loaded;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::corrupt);
    }
  }
  EXPECT_LT(loaded, 2 * bytes.size());  // one in four bits: the parts' codes and raw fields
}
TEST(ModelWire, AStringTwiceIsNoFault) {
  NgramModel m = example(20, 2);
  m.strings[7] = m.strings[3];
  const model::CostTables tables(m);
  uint32_t found = 0;
  const std::string& s = m.strings[3];
  tables.costs().trie.walk(reinterpret_cast<const uint8_t*>(s.data()), s.size(),
                           [&](uint32_t length, uint32_t symbol) {
                             if (length == s.size()) found = symbol;
                           });
  EXPECT_EQ(found, 256u + 3u);
}
}  // namespace
}  // namespace gramzip
