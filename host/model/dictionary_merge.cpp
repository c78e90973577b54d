// SPDX-License-Identifier: Apache-2.0
#include "host/model/dictionary_merge.h"

#include <algorithm>
#include <bit>

namespace gramzip::model {
namespace {
constexpr uint32_t kNoRank = UINT32_MAX;
constexpr size_t kLeastNew = 200;  // pairs of a round
constexpr int kMostRounds = 100;   // 64K tokens take 40

// Pairs by rank. Two flags a token answer most look-ups.
class PairRanks {
 public:
  PairRanks(const std::vector<Candidate>& pairs, std::vector<uint16_t> tokens, size_t vocabulary)
      : token_(std::move(tokens)),
        role_(vocabulary, 0),
        shift_(static_cast<uint32_t>(64 - std::bit_width(4 * pairs.size() + 16))),
        slots_(size_t{1} << (64 - shift_), 0) {
    for (size_t r = 0; r < pairs.size(); ++r) {
      const uint32_t pair = pairs[r].pair;
      role_[pair >> 16] |= 1;
      role_[pair & 0xffff] |= 2;
      size_t at = home(pair);
      while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = (uint64_t{pair} + 1) << 32 | r;
    }
  }
  uint32_t rank(uint16_t x, uint16_t y) const {
    if ((role_[x] & 1) == 0 || (role_[y] & 2) == 0) return kNoRank;
    const uint32_t pair = uint32_t{x} << 16 | y;
    for (size_t at = home(pair);; at = (at + 1) & (slots_.size() - 1)) {
      const uint64_t slot = slots_[at];
      if (slot == 0) return kNoRank;
      if (slot >> 32 == uint64_t{pair} + 1) return static_cast<uint32_t>(slot);
    }
  }
  uint16_t token(uint32_t rank) const { return token_[rank]; }

 private:
  size_t home(uint32_t pair) const { return pair * 0x9e3779b97f4a7c15ull >> shift_; }
  std::vector<uint16_t> token_;  // by rank
  std::vector<uint8_t> role_;    // by token; 1: some pair's first, 2: some pair's second
  uint32_t shift_;
  std::vector<uint64_t> slots_;  // pair + 1, rank
};

// In a run of falling ranks each pair is better than the one before it, which overlaps it: the last
// is joined, then every second one before it. Left to right instead would join the worse ones.
template <bool kWeighted>
void join(TokenShard& shard, const PairRanks& ranks) {
  uint16_t* t = shard.tokens.data();
  uint32_t* w = shard.weights.data();
  const size_t n = shard.tokens.size();
  constexpr size_t kLongest = 60;
  uint32_t run[kLongest + 1];
  size_t out = 0;
  const auto put = [&](uint16_t token, size_t from) {
    t[out] = token;
    if constexpr (kWeighted) w[out] = w[from];
    ++out;
  };
  for (size_t i = 0; i < n;) {
    run[0] = i + 1 < n ? ranks.rank(t[i], t[i + 1]) : kNoRank;
    if (run[0] == kNoRank) {
      put(t[i], i);
      ++i;
      continue;
    }
    size_t last = 0;
    while (last < kLongest && i + last + 2 < n) {
      const uint32_t r = ranks.rank(t[i + last + 1], t[i + last + 2]);
      if (r >= run[last]) break;
      run[++last] = r;
    }
    if (last % 2 == 1) put(t[i], i);
    for (size_t k = last % 2; k <= last; k += 2) put(ranks.token(run[k]), i + k);
    i += last + 2;
  }
  shard.tokens.resize(out);
  if constexpr (kWeighted) shard.weights.resize(out);
}
}  // namespace

SeedGrower::SeedGrower(uint32_t max_bytes, Workers& workers)
    : max_bytes_(max_bytes), workers_(workers), counter_(workers) {
  for (uint32_t c = 0; c < 256; ++c) bytes_.push_back(std::string(1, static_cast<char>(c)));
  lengths_.assign(256, 1);
  bytes_.emplace_back();
  lengths_.push_back(kNoLength);
}

uint16_t SeedGrower::token_of(uint32_t pair) {
  const auto [at, is_new] = known_.try_emplace(bytes_[pair >> 16] + bytes_[pair & 0xffff],
                                               static_cast<uint16_t>(bytes_.size()));
  if (is_new) {
    bytes_.push_back(at->first);
    lengths_.push_back(static_cast<uint8_t>(at->first.size()));
  }
  return at->second;
}

void SeedGrower::grow(std::vector<TokenShard>& shards, const Plan& plan) {
  const auto recount = [&] {
    workers_.run(shards.size(), [&](size_t s, size_t) { shards[s].count(bytes_.size()); });
  };
  recount();
  for (int round = 0; round < kMostRounds && bytes_.size() < plan.vocabulary; ++round) {
    const size_t wish = std::max(kLeastNew, bytes_.size() * plan.percent / 100);
    const std::vector<Candidate> pairs = counter_.best(
        shards, lengths_, max_bytes_, plan.least, std::min(wish, plan.vocabulary - bytes_.size()));
    const size_t before = bytes_.size();
    std::vector<uint16_t> tokens;
    for (const Candidate& c : pairs) tokens.push_back(token_of(c.pair));
    const PairRanks ranks(pairs, std::move(tokens), before);
    workers_.run(shards.size(), [&](size_t s, size_t) {
      if (shards[s].weights.empty()) {
        join<false>(shards[s], ranks);
      } else {
        join<true>(shards[s], ranks);
      }
      shards[s].count(bytes_.size());
    });
    if (pairs.empty()) break;
  }
}
}  // namespace gramzip::model
