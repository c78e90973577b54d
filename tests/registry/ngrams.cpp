// SPDX-License-Identifier: Apache-2.0
#include "tests/registry/ngrams.h"

#include <cctype>
#include <random>

#include "tests/registry/cases.h"

namespace gramzip::test {
namespace {
bool letter(uint8_t b) { return b >= 0x80 || b == '_' || std::isalnum(b) != 0; }

std::vector<std::string> words_of(const std::vector<uint8_t>& f, bool lower) {
  std::vector<std::string> words(1);
  for (size_t i = 0; i < f.size(); ++i) {
    const bool inner =
        f[i] == '\'' && i > 0 && i + 1 < f.size() && letter(f[i - 1]) && letter(f[i + 1]);
    if (letter(f[i]) || inner) {
      const bool upper = f[i] >= 'A' && f[i] <= 'Z';
      words.back() += static_cast<char>(lower && upper ? f[i] + 32 : f[i]);
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

std::vector<uint8_t> drawn_from(const std::string& alphabet, size_t bytes, uint64_t seed) {
  std::mt19937_64 g(seed);
  std::vector<uint8_t> out(bytes);
  for (uint8_t& b : out) b = static_cast<uint8_t>(alphabet[g() % alphabet.size()]);
  return out;
}
}  // namespace

std::map<std::string, uint64_t> naive_count(const Files& files, const NgramSpec& spec) {
  std::map<std::string, uint64_t> counts;
  for (const auto& f : files) {
    if (spec.unit == NgramUnit::bytes) {
      const std::string s(f.begin(), f.end());
      for (size_t i = 0; i + spec.n <= s.size(); ++i) ++counts[s.substr(i, spec.n)];
      continue;
    }
    const auto words = words_of(f, spec.lower);
    for (size_t i = 0; i + spec.n <= words.size(); ++i) {
      std::string gram = words[i];
      for (size_t k = 1; k < spec.n; ++k) gram += " " + words[i + k];
      ++counts[gram];
    }
  }
  return counts;
}

std::vector<NgramSpec> ngram_specs() {
  std::vector<NgramSpec> specs;
  for (const uint32_t n : {1u, 2u, 3u, 4u, 7u, 8u, 9u, 16u, 31u, 32u})
    specs.push_back({NgramUnit::bytes, n, false});
  for (uint32_t n = 1; n <= kMaxNgramWords; ++n) specs.push_back({NgramUnit::words, n, n % 2 == 0});
  return specs;
}

std::string spec_name(const NgramSpec& spec) {
  return (spec.unit == NgramUnit::words ? ", words " : ", bytes ") + std::to_string(spec.n);
}

std::vector<uint8_t> ngram_noise(size_t bytes) { return make_random(bytes, 99); }

std::vector<std::pair<std::string, Files>> ngram_inputs(size_t bytes) {
  std::vector<std::pair<std::string, Files>> in;
  in.push_back({"no file", {}});
  in.push_back({"empty", {{}}});
  in.push_back({"one byte", {{'a'}, {0}, {'\''}}});
  in.push_back({"short", {{'a', ' ', 'b'}, {}, {'a', ' ', 'b'}, {0xff, 0xff, 0xff}}});
  in.push_back({"all equal", {std::vector<uint8_t>(bytes, 'a')}});
  in.push_back({"NULs", {std::vector<uint8_t>(bytes, 0)}});
  in.push_back({"0xff", {std::vector<uint8_t>(bytes, 0xff)}});
  in.push_back({"no words", {drawn_from(" .,\n'", bytes, 1)}});
  in.push_back({"apostrophes", {drawn_from("a''b ", bytes, 2)}});
  in.push_back({"invalid UTF-8", {drawn_from("\xc3\xa4\xff\x80 x", bytes, 3)}});
  in.push_back({"two letters", {drawn_from("ab", bytes, 4)}});
  in.push_back({"letters of both cases", {drawn_from("aA bB", bytes, 5)}});
  in.push_back({"random", {make_random(bytes, 6)}});
  Files many;
  std::mt19937_64 g(7);
  for (uint64_t i = 0; i < bytes / 20; ++i) many.push_back(drawn_from("ab '\n", g() % 40, i));
  in.push_back({"many files", many});
  auto text = make_text(bytes, 8);
  for (size_t i = 50; i < text.size(); i += 97) text[i] = "'A_9.\x80"[i % 6];
  in.push_back({"text", {text, make_text(bytes / 3, 9)}});
  return in;
}
}  // namespace gramzip::test
