// SPDX-License-Identifier: Apache-2.0
#include "tests/registry/text_models.h"

#include <algorithm>
#include <map>
#include <random>

#include "host/frame/model_wire.h"
#include "host/model/classes.h"
#include "host/model/compose.h"
#include "host/model/trie.h"

namespace gramzip::testing {
std::vector<uint8_t> made_up_text(size_t bytes, uint64_t seed) {
  std::mt19937_64 random(seed);
  static const char* const kSyllables[] = {"ta", "ro", "ing", "the",  "sel", "mo",
                                           "er", "un", "ka",  "tion", "li",  "des"};
  std::vector<std::string> words;
  for (int i = 0; i < 300; ++i) {
    std::string w;
    for (uint64_t k = 1 + random() % 3; k > 0; --k) w += kSyllables[random() % 12];
    words.push_back(w);
  }
  std::vector<uint8_t> text;
  while (text.size() < bytes) {
    // Low numbers more often.
    const std::string& w = words[random() % 300 * (random() % 300) / 300];
    text.insert(text.end(), w.begin(), w.end());
    const uint64_t mark = random() % 20;
    if (mark == 0) text.push_back('.');
    text.push_back(mark == 1 ? '\n' : ' ');
  }
  text.resize(bytes);
  return text;
}

std::vector<std::string> frequent_strings(std::span<const uint8_t> text, size_t most) {
  std::map<std::string, uint64_t> counts;
  for (size_t i = 0; i < text.size(); ++i)
    for (size_t length = 2; length <= 12 && i + length <= text.size(); length += 1 + length / 4)
      counts[std::string(text.begin() + static_cast<ptrdiff_t>(i),
                         text.begin() + static_cast<ptrdiff_t>(i + length))] += length - 1;
  std::vector<std::pair<uint64_t, std::string>> ranked;
  for (const auto& [s, n] : counts) ranked.emplace_back(n, s);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::string> strings;
  for (size_t i = 0; i < ranked.size() && i < most; ++i) strings.push_back(ranked[i].second);
  std::sort(strings.begin(), strings.end());
  return strings;
}

model::NgramModel greedy_model(std::span<const uint8_t> text, std::vector<std::string> strings,
                               uint32_t classes, model::CodeOptions::Reach reach) {
  model::NgramModel m;
  const model::Trie trie(strings);
  m.strings = std::move(strings);
  const uint32_t symbols = m.symbols();
  std::vector<uint16_t> tokens;
  for (size_t i = 0; i < text.size();) {
    uint32_t length = 1, symbol = text[i];
    trie.view().walk(text.data() + i, text.size() - i, [&](uint32_t l, uint32_t s) {
      length = l;
      symbol = s;
    });
    tokens.push_back(static_cast<uint16_t>(symbol));
    i += length;
  }
  std::vector<uint64_t> counts(symbols, 0);
  model::Bigrams bigrams;
  bigrams.row_begin.assign(symbols + 1, 0);
  uint32_t before = text::kFirstContext;
  for (const uint16_t t : tokens) {
    ++counts[t];
    ++bigrams.row_begin[before + 1];
    before = t;
  }
  for (uint32_t s = 0; s < symbols; ++s) bigrams.row_begin[s + 1] += bigrams.row_begin[s];
  std::vector<uint64_t> at(bigrams.row_begin.begin(), bigrams.row_begin.end() - 1);
  bigrams.next.resize(tokens.size());
  before = text::kFirstContext;
  for (const uint16_t t : tokens) {
    bigrams.next[at[before]++] = t;
    before = t;
  }
  std::vector<uint16_t> first(symbols, 256);
  for (uint32_t s = 0; s < m.strings_end(); ++s)
    first[s] = static_cast<uint16_t>(s < 256 ? s : static_cast<uint8_t>(m.strings[s - 256][0]));
  const auto class_of =
      model::cluster_symbols(bigrams, model::follower_columns(counts, first), {}, {classes, 6, 2});
  model::make_codes(m, bigrams, counts, class_of, {}, {9, reach});
  model::number_by_parts(m);
  frame::store_model(m);  // for its id
  return m;
}
}  // namespace gramzip::testing
