// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>

#include "host/base/error.h"
#include "host/model/dictionary.h"
#include "host/model/fixed_log.h"
#include "host/model/order0_parse.h"
#include "host/model/trie.h"
#include "tests/unit/model_inputs.h"

namespace gramzip::model {
namespace {
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

}  // namespace
}  // namespace gramzip::model
