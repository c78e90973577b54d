// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "host/base/error.h"
#include "host/model/trie.h"

namespace gramzip::model {
namespace {
using Found = std::vector<std::pair<uint32_t, uint32_t>>;  // (length, value)

Found walk(const Trie& trie, std::string_view text) {
  // On the heap and exactly as long: a sanitizer sees a read beyond the end.
  const std::vector<uint8_t> copy(text.begin(), text.end());
  Found found;
  trie.view().walk(copy.data(), copy.size(),
                   [&](uint32_t length, uint32_t value) { found.emplace_back(length, value); });
  return found;
}
Found expected(const std::vector<std::string>& strings, std::string_view text) {
  Found found;
  for (size_t length = 2; length <= std::min<size_t>(text.size(), 32); ++length) {
    const std::string s(text.substr(0, length));
    const auto at = std::lower_bound(strings.begin(), strings.end(), s);
    if (at != strings.end() && *at == s)
      found.emplace_back(length, 256 + static_cast<uint32_t>(at - strings.begin()));
  }
  return found;
}
// letters: size of the alphabet, always with the bytes 0 and 255.
std::vector<std::string> random_strings(size_t count, uint32_t letters, uint64_t seed) {
  std::mt19937_64 g(seed);
  std::set<std::string> strings;
  for (size_t tries = 0; strings.size() < count && tries < 20 * count; ++tries) {
    std::string s;
    // Half of them grow from a string at hand, so that prefixes are shared.
    if (!strings.empty() && g() % 2 == 0) {
      const auto at = strings.lower_bound(std::string(1, static_cast<char>(g() % letters)));
      if (at != strings.end()) s = *at;
    }
    const size_t size = std::max<size_t>(2, s.size() + g() % 31);
    while (s.size() < std::min<size_t>(size, 32)) {
      const auto c = static_cast<uint32_t>(g() % letters);
      s.push_back(static_cast<char>(c + 1 == letters ? 255 : c));
    }
    strings.insert(s);
  }
  return {strings.begin(), strings.end()};
}

TEST(Trie, EmptyFindsNothing) {
  EXPECT_EQ(walk(Trie(), "abc"), Found());
  EXPECT_EQ(walk(Trie(std::vector<std::string>{}), "abc"), Found());
}
TEST(Trie, EveryPrefixShortestFirst) {
  const std::vector<std::string> s = {"ab", "abc", "abcdef", "abd", "bb"};
  const Trie trie(s);
  EXPECT_EQ(walk(trie, "abcdefg"), (Found{{2, 256}, {3, 257}, {6, 258}}));
  EXPECT_EQ(walk(trie, "abcde"), (Found{{2, 256}, {3, 257}}));
  EXPECT_EQ(walk(trie, "a"), Found());
  EXPECT_EQ(walk(trie, ""), Found());
  EXPECT_EQ(walk(trie, "ba"), Found());
}
TEST(Trie, ZeroBytesAreNoEnd) {
  const std::string z(32, '\0');
  std::vector<std::string> s;
  for (size_t n = 2; n <= 32; ++n) s.push_back(z.substr(0, n));
  const Trie trie(s);
  EXPECT_EQ(walk(trie, z + z).size(), 31u);
  const Trie one(std::vector<std::string>{z.substr(0, 2)});
  EXPECT_EQ(walk(one, z), (Found{{2, 256}}));
}
TEST(Trie, AgreesWithSearch) {
  for (const uint32_t letters : {2u, 3u, 26u, 256u}) {
    const auto strings = random_strings(5000, letters, letters);
    const Trie trie(strings);
    std::mt19937_64 g(letters);
    std::string text;
    while (text.size() < 60000) {
      text += strings[g() % strings.size()].substr(0, 1 + g() % 32);
      if (g() % 4 == 0) text.push_back(static_cast<char>(g()));
    }
    for (size_t i = 0; i < text.size(); ++i) {
      const std::string_view rest = std::string_view(text).substr(i, i % 3 == 0 ? 40 : g() % 36);
      ASSERT_EQ(walk(trie, rest), expected(strings, rest)) << letters << " at " << i;
    }
  }
}
TEST(Trie, AllPairsAndDenseNodes) {
  std::vector<std::string> s;
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) {
      const std::string pair = {static_cast<char>(a), static_cast<char>(b)};
      s.push_back(pair);
      for (int c = 0; c < 256 && a == 7; c += 3) s.push_back(pair + static_cast<char>(c));
    }
  const Trie trie(s);
  for (size_t i = 0; i < s.size(); ++i) ASSERT_EQ(walk(trie, s[i] + "x"), expected(s, s[i] + "x"));
}
TEST(Trie, LayoutDependsOnStringsAlone) {
  const auto strings = random_strings(3000, 26, 9);
  const Trie a(strings), b(strings);
  ASSERT_EQ(a.cells().size(), b.cells().size());
  for (size_t i = 0; i < a.cells().size(); ++i) {
    ASSERT_EQ(a.cells()[i].base_label, b.cells()[i].base_label);
    ASSERT_EQ(a.cells()[i].value, b.cells()[i].value);
  }
  // Little room is wasted.
  size_t nodes = 0;
  for (const TrieCell& c : a.cells()) nodes += c.base_label != 0 || c.value != kNoSymbol;
  EXPECT_LT(a.cells().size(), nodes + nodes / 4 + 1024);
}
TEST(Trie, ValuesCanBeSet) {
  Trie trie(std::vector<std::string>{"ab", "abc"});
  trie.set_value(0, 7);
  EXPECT_EQ(walk(trie, "abc"), (Found{{2, 7}, {3, 257}}));
  trie.set_value(1, kNoSymbol);
  EXPECT_EQ(walk(trie, "abc"), (Found{{2, 7}}));
}
TEST(Trie, RefusesWhatIsNoSet) {
  const auto code = [](std::vector<std::string> s) {
    try {
      Trie trie(s);
    } catch (const Error& e) {
      return e.code();
    }
    return ErrorCode::ok;
  };
  EXPECT_EQ(code({"a"}), ErrorCode::invalid_argument);
  EXPECT_EQ(code({std::string(33, 'a')}), ErrorCode::invalid_argument);
  EXPECT_EQ(code({"ab", "ab"}), ErrorCode::invalid_argument);
  EXPECT_EQ(code({"b1", "a1"}), ErrorCode::invalid_argument);
  EXPECT_EQ(code({"a\x80", "a\x7f"}), ErrorCode::invalid_argument);
  EXPECT_EQ(code({"a\x7f", "a\x80"}), ErrorCode::ok);
}
}  // namespace
}  // namespace gramzip::model
