// SPDX-License-Identifier: Apache-2.0
// Exact counts of adjacent tokens, and the pairs that save most when they become one token.
#pragma once
#include <cstdint>
#include <vector>

#include "host/base/workers.h"

namespace gramzip::model {
// Tokens 0 to 255 are the bytes. kBreak ends a word and joins with nothing: its length is no
// token's.
inline constexpr uint16_t kBreak = 256;
inline constexpr uint32_t kFirstGram = 257;
inline constexpr uint32_t kMaxTokens = 1u << 16;
inline constexpr uint8_t kNoLength = 255;

// A piece of the text as tokens; joins do not reach over its ends.
struct TokenShard {
  std::vector<uint16_t> tokens;
  std::vector<uint32_t> weights;  // of each token; empty: 1 each
  std::vector<uint32_t> places;   // by token: how often it is here; by weight: tokens' weights
  std::vector<uint32_t> mass;     // by token: sum of weights, empty if weights are
  // Brings places and mass up to date.
  void count(size_t vocabulary);
};

struct Candidate {
  uint64_t gain;                                  // count times mutual information, in 1/1024 bit
  uint32_t pair;                                  // first << 16 | second
  bool operator<(const Candidate& other) const {  // the better one first
    return gain != other.gain ? gain > other.gain : pair < other.pair;
  }
};

class PairCounter {
 public:
  explicit PairCounter(Workers& workers) : workers_(workers), slots_(workers.size()) {}

  // The `most` best pairs, best first, of a count of at least `least` and a joint length of at most
  // max_bytes. Needs shards that are counted; uses up their `places`.
  std::vector<Candidate> best(std::vector<TokenShard>& shards, const std::vector<uint8_t>& lengths,
                              uint32_t max_bytes, uint32_t least, size_t most);

 private:
  struct Slot {
    std::vector<uint32_t> counts;  // by second token; zeros between buckets
    std::vector<uint16_t> seen;
    std::vector<Candidate> best;
    uint64_t bar = 0;  // what gains less is not among the best
  };
  void scatter(TokenShard& shard);
  // Counts the seconds of one first token.
  void count_bucket(uint32_t first, size_t begin, size_t end, Slot& slot) const;
  void offer(Candidate c, Slot& slot) const;

  Workers& workers_;
  std::vector<Slot> slots_;
  std::vector<uint16_t> second_;         // by first token: the tokens that follow it
  std::vector<uint32_t> second_weight_;  // of each, if tokens have weights
  std::vector<uint32_t> log_mass_;       // by token
  uint32_t log_total_ = 0;
  const std::vector<uint8_t>* lengths_ = nullptr;
  uint32_t max_bytes_ = 0, least_ = 0;
  size_t most_ = 0;
};
}  // namespace gramzip::model
