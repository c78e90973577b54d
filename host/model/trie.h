// SPDX-License-Identifier: Apache-2.0
// Builds the double array of core/trie.h.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gramzip/core/trie.h"

namespace gramzip::model {
class Trie {
 public:
  Trie() = default;
  // strings: of 2 to 32 bytes, distinct, ascending by bytes. String i has the value 256 + i. The
  // layout depends on the strings alone.
  explicit Trie(std::span<const std::string> strings);

  TrieView view() const { return {pair_root_.data(), cells_.data()}; }
  std::span<const uint32_t> pair_root() const { return pair_root_; }
  std::span<const TrieCell> cells() const { return cells_; }
  // A value of the caller's for string i; kNoSymbol takes the string out of the walk.
  void set_value(size_t i, uint32_t value) { cells_[cell_of_[i]].value = value; }

 private:
  class Builder;
  std::vector<uint32_t> pair_root_ = std::vector<uint32_t>(kTrieRoots, 0);
  std::vector<TrieCell> cells_ = std::vector<TrieCell>(256, TrieCell{0, kNoSymbol});
  std::vector<uint32_t> cell_of_;  // by string
};
}  // namespace gramzip::model
