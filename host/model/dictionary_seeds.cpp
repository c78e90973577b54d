// SPDX-License-Identifier: Apache-2.0
// Seeds in two steps: joins inside the distinct words, each with its count for a weight, which is
// cheap and gives words and their parts; then joins over the whole sequence, which give phrases.
#include <algorithm>
#include <numeric>

#include "host/model/dictionary_merge.h"
#include "host/model/dictionary_words.h"

namespace gramzip::model {
namespace {
constexpr size_t kWordShardTokens = size_t{1} << 14;
constexpr size_t kWordPercent = 20;  // of the seeds that are made inside words

// Distinct words as tokens, each ended by kBreak.
std::vector<TokenShard> spell(std::span<const uint8_t> sample, const Words& words) {
  std::vector<TokenShard> shards;
  for (size_t w = 0; w < words.start.size(); ++w) {
    if (shards.empty() || shards.back().tokens.size() >= kWordShardTokens) shards.emplace_back();
    TokenShard& s = shards.back();
    const auto word = sample.subspan(words.start[w], words.length[w]);
    s.tokens.insert(s.tokens.end(), word.begin(), word.end());
    s.weights.insert(s.weights.end(), word.size(), words.count[w]);
    s.tokens.push_back(kBreak);
    s.weights.push_back(0);
  }
  return shards;
}

// The sample as tokens, from its words as tokens.
std::vector<TokenShard> expand(const std::vector<TokenShard>& spelled, Words& words,
                               Workers& workers) {
  std::vector<const uint16_t*> word;
  word.reserve(words.start.size());
  for (const TokenShard& s : spelled) {
    const uint16_t* at = s.tokens.data();
    for (const uint16_t* end = at + s.tokens.size(); at < end; ++at) {
      word.push_back(at);
      while (*at != kBreak) ++at;
    }
  }
  std::vector<TokenShard> shards(words.shards.size());
  workers.run(shards.size(), [&](size_t s, size_t) {
    WordShard& from = words.shards[s];
    std::vector<uint16_t>& to = shards[s].tokens;
    to.reserve(2 * from.sequence.size());
    for (const uint32_t w : from.sequence)
      for (const uint16_t* at = word[from.global[w]]; *at != kBreak; ++at) to.push_back(*at);
    from = WordShard();
  });
  return shards;
}
}  // namespace

Seeds grow_seeds(std::span<const uint8_t> sample, size_t seeds, uint32_t max_bytes,
                 Workers& workers) {
  Words words = split_words(sample, max_bytes, workers);
  std::vector<TokenShard> spelled = spell(sample, words);
  SeedGrower grower(max_bytes, workers);
  const auto least = static_cast<uint32_t>(std::max<size_t>(3, sample.size() * 6 / 20000000));
  grower.grow(spelled, {kFirstGram + seeds * kWordPercent / 100, 20, least});
  std::vector<TokenShard> shards = expand(spelled, words, workers);
  spelled = {};
  grower.grow(shards, {kFirstGram + seeds, 30, least});

  std::vector<uint32_t> order(grower.vocabulary() - kFirstGram);
  std::iota(order.begin(), order.end(), kFirstGram);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return grower.bytes(a) < grower.bytes(b); });
  Seeds result;
  result.counts.assign(256 + order.size(), 0);
  for (const TokenShard& s : shards) {
    for (size_t c = 0; c < 256; ++c) result.counts[c] += s.places[c];
    for (size_t k = 0; k < order.size(); ++k) result.counts[256 + k] += s.places[order[k]];
  }
  for (const uint32_t token : order) result.grams.push_back(grower.bytes(token));
  return result;
}
}  // namespace gramzip::model
