// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <random>

#include "host/base/error.h"
#include "host/model/dictionary.h"
#include "host/model/fixed_log.h"
#include "host/model/order0_parse.h"
#include "host/model/trie.h"

namespace gramzip::model {
namespace {
using Bytes = std::vector<uint8_t>;

// Words of a vocabulary with falling frequencies, some in fixed phrases. Integers alone: the same
// on every machine.
Bytes make_prose(size_t bytes, uint64_t seed) {
  std::mt19937_64 g(seed);
  std::vector<std::string> words;
  for (int i = 0; i < 2000; ++i) {
    std::string w;
    for (uint64_t n = 1 + g() % 4; n > 0; --n) {
      w += "bcdfghklmnprstvw"[g() % 16];
      w += "aeiou"[g() % 5];
    }
    words.push_back(w);
  }
  Bytes text;
  while (text.size() < bytes) {
    const std::string& w = words[(g() % 2000) * (g() % 2000) / 2000];
    text.insert(text.end(), w.begin(), w.end());
    if (g() % 9 == 0) {
      const std::string phrase = " of the " + words[g() % 3];
      text.insert(text.end(), phrase.begin(), phrase.end());
    }
    text.push_back("  ,.\n"[g() % 5]);
  }
  text.resize(bytes);
  return text;
}
Bytes random_bytes(size_t bytes, uint32_t letters, uint64_t seed) {
  std::mt19937_64 g(seed);
  Bytes data(bytes);
  for (uint8_t& b : data) b = static_cast<uint8_t>(g() % letters);
  return data;
}
std::vector<std::string> train(const Bytes& sample, uint32_t entries, int threads = 1,
                               uint32_t max_bytes = 31) {
  return train_dictionary(sample, {entries, max_bytes, threads});
}
void expect_legal(const std::vector<std::string>& d, uint32_t entries, uint32_t max_bytes,
                  const Bytes& sample) {
  EXPECT_LE(d.size(), entries);
  for (size_t i = 0; i < d.size(); ++i) {
    ASSERT_GE(d[i].size(), 2u);
    ASSERT_LE(d[i].size(), max_bytes);
    if (i > 0) {
      ASSERT_LT(d[i - 1], d[i]);
    }
    ASSERT_NE(std::search(sample.begin(), sample.end(), d[i].begin(), d[i].end(),
                          [](uint8_t a, char b) { return a == static_cast<uint8_t>(b); }),
              sample.end());
  }
}
uint64_t fingerprint(const std::vector<std::string>& d) {
  uint64_t h = 0xcbf29ce484222325ull;
  for (const std::string& s : d) {
    for (const char c : s) h = (h ^ static_cast<uint8_t>(c)) * 0x100000001b3ull;
    h = (h ^ 0x100) * 0x100000001b3ull;
  }
  return h;
}
// What the text costs with a dictionary, in bits a byte: costs and uses settle in four parses.
double bits_a_byte(const Bytes& text, const std::vector<std::string>& d) {
  Trie trie(d);
  const size_t symbols = 256 + d.size();
  std::vector<uint8_t> lengths(symbols, 1);
  std::vector<uint32_t> cost(symbols);
  for (size_t k = 0; k < d.size(); ++k) lengths[256 + k] = static_cast<uint8_t>(d[k].size());
  std::vector<uint64_t> uses(symbols, 1);
  Workers workers(1);
  double bits = 0;
  for (int round = 0; round < 4; ++round) {
    uint64_t total = 0;
    for (const uint64_t n : uses) total += n;
    for (size_t s = 0; s < symbols; ++s) {
      cost[s] = std::min(kMaxCost, fixed_log2(4 * total + symbols) - fixed_log2(4 * uses[s] + 1));
      if (s >= 256) trie.set_value(s - 256, cost[s] << 16 | static_cast<uint32_t>(s));
    }
    const ParseModel model = {trie.view(), cost.data(), lengths.data()};
    const ParseResult r = order0_parse(text, model, symbols, parse_loops(), workers);
    bits = static_cast<double>(r.cost) / kLogUnit;
    uses = r.uses;
  }
  return bits / static_cast<double>(text.size());
}

TEST(Dictionary, SameAtAnyThreadCount) {
  for (const Bytes& sample : {make_prose(900000, 1), random_bytes(300000, 4, 2)}) {
    const auto one = train(sample, 1000, 1);
    expect_legal(one, 1000, 31, sample);
    EXPECT_GT(one.size(), 100u);
    for (const int threads : {2, 3, 7, 0}) EXPECT_EQ(train(sample, 1000, threads), one) << threads;
  }
}
TEST(Dictionary, SameOnAnyMachine) {
  EXPECT_EQ(fingerprint(train(make_prose(500000, 3), 2000)), 1156622701001327661ull);
}
TEST(Dictionary, EdgeInputs) {
  for (size_t n = 0; n < 70; ++n) {
    expect_legal(train(Bytes(n, 'a'), 100), 100, 31, Bytes(n, 'a'));
    const Bytes mixed = make_prose(n, n);
    expect_legal(train(mixed, 100), 100, 31, mixed);
  }
  // Around the ends of shards, groups and pieces.
  for (const size_t n : {8191u, 8192u, 8193u, 131071u, 131072u, 131073u, 262143u, 262145u}) {
    const Bytes text = make_prose(n, n);
    const auto d = train(text, 300);
    expect_legal(d, 300, 31, text);
    EXPECT_GT(d.size(), 50u) << n;
  }
  EXPECT_TRUE(train(make_prose(100000, 1), 0).empty());
  EXPECT_EQ(train(make_prose(100000, 1), 1).size(), 1u);
}
TEST(Dictionary, AnyBytes) {
  Bytes line = make_prose(600000, 5);  // one giant word
  std::erase_if(line, [](uint8_t c) { return c < 'a'; });
  Bytes steps(600000);
  for (size_t i = 0; i < steps.size(); ++i) steps[i] = static_cast<uint8_t>(i >> 3);
  Bytes halves(400000, 0);
  std::fill(halves.begin() + 200000, halves.end(), uint8_t{255});
  for (const Bytes& sample :
       {line, steps, halves, Bytes(500000, 0), Bytes(500000, ' '), random_bytes(500000, 256, 6),
        random_bytes(500000, 2, 7), random_bytes(500000, 32, 8)})
    expect_legal(train(sample, 500, 2), 500, 31, sample);
}
TEST(Dictionary, TimeIsLinear) {
  // 8 times the data in less than 24 times the processor time: quadratic would be 64 times.
  for (const uint32_t letters : {1u, 2u, 256u}) {
    const auto seconds = [&](size_t bytes) {
      const Bytes sample = random_bytes(bytes, letters, 1);
      const std::clock_t start = std::clock();
      train(sample, 8192);
      return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    };
    const double small = seconds(1 << 19);
    EXPECT_LT(seconds(1 << 22), 24 * small + 0.1) << letters;
  }
}
TEST(Dictionary, LengthsAreLimited) {
  const Bytes text = make_prose(200000, 9);
  for (const uint32_t most : {2u, 3u, 8u, 32u}) {
    const auto d = train(text, 500, 1, most);
    expect_legal(d, 500, most, text);
    EXPECT_GT(d.size(), 20u);
  }
  const auto longest = [](const std::vector<std::string>& d) {
    size_t n = 0;
    for (const auto& s : d) n = std::max(n, s.size());
    return n;
  };
  EXPECT_GT(longest(train(text, 500, 1, 32)), 8u);
}
TEST(Dictionary, TextGetsCheaper) {
  const Bytes text = make_prose(1000000, 11);
  const double bytes_alone = bits_a_byte(text, {});
  const double small = bits_a_byte(text, train(text, 250));
  const double large = bits_a_byte(text, train(text, 2000));
  EXPECT_LT(small, 0.75 * bytes_alone);
  EXPECT_LT(large, 0.85 * small);
  // Text of the same kind that training did not see.
  std::vector<std::string> half = train(Bytes(text.begin(), text.begin() + 500000), 2000);
  EXPECT_LT(bits_a_byte(Bytes(text.begin() + 500000, text.end()), half), 1.15 * large);
}
TEST(Dictionary, WordsAndPhrasesAreFound) {
  const auto d = train(make_prose(1000000, 12), 2000);
  EXPECT_TRUE(std::any_of(d.begin(), d.end(), [](const std::string& s) {
    return s.find(" of the ") != std::string::npos;
  }));
}
TEST(Dictionary, RefusesOptions) {
  const auto code = [](DictionaryOptions o) {
    try {
      train_dictionary(Bytes(100, 'a'), o);
    } catch (const Error& e) {
      return e.code();
    }
    return ErrorCode::ok;
  };
  EXPECT_EQ(code({65001, 31, 1}), ErrorCode::invalid_argument);
  EXPECT_EQ(code({100, 1, 1}), ErrorCode::invalid_argument);
  EXPECT_EQ(code({100, 33, 1}), ErrorCode::invalid_argument);
  EXPECT_EQ(code({65000, 32, 1}), ErrorCode::ok);
}

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
    std::vector<std::string> d = train(prose, 3000);
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
