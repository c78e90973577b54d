// SPDX-License-Identifier: Apache-2.0
// Grows a vocabulary of seeds by joining adjacent tokens in rounds (batched byte pair encoding).
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/model/dictionary_pairs.h"

namespace gramzip::model {
// Token t stands for bytes(t). 256 is kBreak, of no bytes.
class SeedGrower {
 public:
  SeedGrower(uint32_t max_bytes, Workers& workers);

  struct Plan {
    size_t vocabulary;  // tokens to grow to
    uint32_t percent;   // new tokens of a round, of those at hand; at least 200
    uint32_t least;     // count of a pair
  };
  // Joins tokens of the shards until the plan is reached or no pair gains anything.
  void grow(std::vector<TokenShard>& shards, const Plan& plan);

  size_t vocabulary() const { return bytes_.size(); }
  const std::string& bytes(size_t token) const { return bytes_[token]; }

 private:
  uint16_t token_of(uint32_t pair);

  uint32_t max_bytes_;
  Workers& workers_;
  PairCounter counter_;
  std::vector<std::string> bytes_;
  std::vector<uint8_t> lengths_;
  std::unordered_map<std::string, uint16_t> known_;
};

// The seeds of a sample with their counts in its tokens, without the bytes.
struct Seeds {
  std::vector<std::string> grams;  // ascending
  std::vector<uint64_t> counts;    // bytes first, then by gram
};
Seeds grow_seeds(std::span<const uint8_t> sample, size_t seeds, uint32_t max_bytes,
                 Workers& workers);
}  // namespace gramzip::model
