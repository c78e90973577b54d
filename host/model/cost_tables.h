// SPDX-License-Identifier: Apache-2.0
// What the parser needs of a model: the cost of every symbol in every class, and the trie of its
// strings. Costs are the lengths of the codes.
#pragma once
#include <span>
#include <vector>

#include "gramzip/core/parse.h"
#include "host/model/ngram_model.h"
#include "host/model/trie.h"

namespace gramzip::model {
class CostTables {
 public:
  // dead[i]: string i is not used. The model's numbers need not be those of the format.
  explicit CostTables(const NgramModel& m, std::span<const uint8_t> dead = {});
  // Valid as long as the tables are.
  text::ParseCosts costs() const;
  const Trie& trie() const { return trie_; }

 private:
  Trie trie_;
  std::vector<text::SymbolCost> symbol_;  // [class][symbol]
  std::vector<uint8_t> class_of_;
  uint32_t classes_, strings_end_;
  uint16_t distance_[text::kLengthClasses][text::kDistanceBuckets];
};
}  // namespace gramzip::model
