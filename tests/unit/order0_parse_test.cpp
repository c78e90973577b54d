// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "host/model/dictionary.h"
#include "host/model/fixed_log.h"
#include "host/model/order0_parse.h"
#include "host/model/trie.h"
#include "tests/unit/model_inputs.h"

namespace gramzip::model {
namespace {
TEST(FixedLog, CloseAndRising) {
  EXPECT_EQ(fixed_log2(1), 0u);
  EXPECT_EQ(fixed_log2(uint64_t{1} << 63), 63u * kLogUnit);
  std::mt19937_64 g(1);
  uint32_t before = 0;
  for (uint64_t x = 1; x < 100000; ++x) {
    const uint32_t log = fixed_log2(x);
    ASSERT_GE(log, before);
    before = log;
    const double exact = std::log2(static_cast<double>(x)) * kLogUnit;
    ASSERT_LE(log, exact + 1e-6);
    ASSERT_GT(log, exact - 2.5);
    const uint64_t large = g() | 1;
    ASSERT_NEAR(fixed_log2(large), std::log2(static_cast<double>(large)) * kLogUnit, 2.5);
  }
}

TEST(Order0Parse, LoopsAgree) {
  if (&parse_loops() == &kParseScalar) GTEST_SKIP() << "no AVX-512 here";
  std::mt19937_64 g(4);
  const Bytes prose = make_prose(kParsePiece * 35 + 77, 5);
  for (const Bytes& text : {prose, random_bytes(prose.size(), 2, 1),
                            random_bytes(prose.size(), 256, 2), Bytes(prose.size(), 0)}) {
    std::vector<std::string> d = train_dictionary(prose, {3000, 31, 1});
    // Long runs of zeros, and any bytes.
    for (size_t n = 2; n <= 32; n += 3) d.push_back(std::string(n, '\0'));
    for (int i = 0; i < 1000; ++i)
      d.push_back({static_cast<char>(g()), static_cast<char>(g()), static_cast<char>(g() % 2)});
    std::sort(d.begin(), d.end());
    d.erase(std::unique(d.begin(), d.end()), d.end());
    Trie trie(d);
    std::vector<uint32_t> cost(256 + d.size());
    std::vector<uint8_t> lengths(cost.size(), 1);
    for (size_t s = 0; s < cost.size(); ++s) {
      // Few distinct costs: ties are common.
      cost[s] = s % 5 == 0 ? kMaxCost : static_cast<uint32_t>(g() % 4 * 3000);
      if (s < 256) continue;
      lengths[s] = static_cast<uint8_t>(d[s - 256].size());
      trie.set_value(s - 256, s % 7 == 0 ? kNoSymbol : cost[s] << 16 | static_cast<uint32_t>(s));
    }
    const ParseModel model = {trie.view(), cost.data(), lengths.data()};
    Workers workers(2);
    const ParseResult a = order0_parse(text, model, cost.size(), kParseScalar, workers);
    const ParseResult b = order0_parse(text, model, cost.size(), parse_loops(), workers);
    EXPECT_EQ(a.cost, b.cost);
    EXPECT_EQ(a.uses, b.uses);
    uint64_t bytes = 0, paid = 0;
    for (size_t s = 0; s < cost.size(); ++s) {
      bytes += a.uses[s] * lengths[s];
      paid += a.uses[s] * cost[s];
    }
    EXPECT_EQ(bytes, text.size());
    EXPECT_EQ(paid, a.cost);
  }
}
TEST(Order0Parse, FindsTheCheapest) {
  // Against all ways to spell a short text.
  const Bytes text = random_bytes(14, 2, 3);
  const std::vector<std::string> d = {std::string("\0\0", 2), std::string("\0\1", 2),
                                      std::string("\0\1\1", 3), std::string("\1\0", 2),
                                      std::string("\1\0\0\1", 4)};
  const std::vector<uint32_t> gram_cost = {900, 1300, 1700, 1100, 2500};
  std::vector<uint32_t> byte_cost(256, 5000);
  byte_cost[0] = 700;
  byte_cost[1] = 800;
  Trie trie(d);
  std::vector<uint8_t> lengths(256 + d.size(), 1);
  for (size_t k = 0; k < d.size(); ++k) {
    lengths[256 + k] = static_cast<uint8_t>(d[k].size());
    trie.set_value(k, gram_cost[k] << 16 | static_cast<uint32_t>(256 + k));
  }
  const auto cheapest = [&](auto&& self, size_t i) -> uint64_t {
    if (i == text.size()) return 0;
    uint64_t best = byte_cost[text[i]] + self(self, i + 1);
    for (size_t k = 0; k < d.size(); ++k)
      if (i + d[k].size() <= text.size() &&
          std::equal(d[k].begin(), d[k].end(), text.begin() + static_cast<ptrdiff_t>(i)))
        best = std::min(best, gram_cost[k] + self(self, i + d[k].size()));
    return best;
  };
  std::vector<uint32_t> uses(lengths.size(), 0);
  ParseSpace space;
  EXPECT_EQ(parse_piece(text.data(), text.size(), {trie.view(), byte_cost.data(), lengths.data()},
                        space, uses.data()),
            cheapest(cheapest, 0));
}
}  // namespace
}  // namespace gramzip::model
