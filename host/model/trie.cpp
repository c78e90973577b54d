// SPDX-License-Identifier: Apache-2.0
// Children are placed first fit, depth first, so that the cells of one word lie together. A node
// tries kTries places, then takes fresh cells behind all others, so the time is linear in the
// number of nodes whatever the strings are.
#include "host/model/trie.h"

#include <algorithm>

#include "host/base/error.h"

namespace gramzip::model {
namespace {
constexpr int kTries = 256;   // first-fit attempts of one node
constexpr int kPatience = 8;  // failures at the lowest free cell before it is given up
constexpr uint8_t kUsed = 1;  // the cell holds a node
constexpr uint8_t kBase = 2;  // the index is some node's base, or a root

void check(std::span<const std::string> strings) {
  for (size_t i = 0; i < strings.size(); ++i) {
    if (strings[i].size() < kTrieMinBytes || strings[i].size() > kTrieMaxBytes)
      fail(ErrorCode::invalid_argument, "trie: string " + std::to_string(i) + " has " +
                                            std::to_string(strings[i].size()) +
                                            " bytes; give 2 to 32");
    if (i > 0 && !(strings[i - 1] < strings[i]))
      fail(ErrorCode::invalid_argument, "trie: string " + std::to_string(i) +
                                            " is not above the one before; sort them, once each");
  }
}
uint8_t byte_at(const std::string& s, size_t i) { return static_cast<uint8_t>(s[i]); }
}  // namespace

class Trie::Builder {
 public:
  Builder(Trie& trie, std::span<const std::string> strings) : trie_(trie), strings_(strings) {
    trie_.cell_of_.assign(strings.size(), 0);
    flags_.assign(trie_.cells_.size(), 0);
    flags_[0] = kUsed | kBase;
    end_ = 1;
  }

  void build() {
    for (size_t i = 0; i < strings_.size();) {
      const auto pair = [&](size_t k) {
        return byte_at(strings_[k], 0) | uint32_t{byte_at(strings_[k], 1)} << 8;
      };
      size_t j = i + 1;
      while (j < strings_.size() && pair(j) == pair(i)) ++j;
      // A root has label 0: as a base its index would make it its own child.
      uint32_t root = std::max(low(), next_root_);
      while (flags_[root] != 0) reserve(++root + 257);
      next_root_ = root + 1;
      take(root, 0);
      flags_[root] |= kBase;
      trie_.pair_root_[pair(i)] = root;
      place_children(i, j, kTrieMinBytes, root);
      i = j;
    }
    // Any byte may be added to any base.
    trie_.cells_.resize(end_ + 256, TrieCell{0, kNoSymbol});
    trie_.cells_.shrink_to_fit();
  }

 private:
  // Strings [a, z) share their first `length` bytes, which lead to `cell`.
  void place_children(size_t a, size_t z, uint32_t length, uint32_t cell) {
    if (strings_[a].size() == length) {
      trie_.cells_[cell].value = static_cast<uint32_t>(256 + a);
      trie_.cell_of_[a] = cell;
      ++a;
    }
    if (a == z) return;
    uint8_t labels[256];
    uint32_t count = 0;
    for (size_t i = a; i < z; ++i) {
      const uint8_t c = byte_at(strings_[i], length);
      if (count == 0 || labels[count - 1] != c) labels[count++] = c;
    }
    const uint32_t base = find_base(labels, count);
    flags_[base] |= kBase;
    trie_.cells_[cell].base_label |= base << 8;
    for (uint32_t k = 0; k < count; ++k) take(base + labels[k], labels[k]);
    for (uint32_t k = 0; k < count; ++k) {
      size_t j = a;
      while (j < z && byte_at(strings_[j], length) == labels[k]) ++j;
      place_children(a, j, length + 1, base + labels[k]);
      a = j;
    }
  }

  uint32_t find_base(const uint8_t* labels, uint32_t count) {
    if (failures_ > kPatience) ++low_, failures_ = 0;
    uint32_t p = low();
    for (int tries = 0; tries < kTries; ++tries, ++p) {
      reserve(p + 257);
      while ((flags_[p] & kUsed) != 0) reserve(++p + 257);
      if (p > labels[0] && fits(p - labels[0], labels, count)) return p - labels[0];
      ++failures_;
      if (p >= end_ + labels[0]) break;
    }
    // Behind all nodes and roots nothing is used; a base may be, by a node with large labels only.
    uint32_t base = end_;
    reserve(base + 257);
    while ((flags_[base] & kBase) != 0) reserve(++base + 257);
    return base;
  }
  bool fits(uint32_t base, const uint8_t* labels, uint32_t count) const {
    if ((flags_[base] & kBase) != 0) return false;
    for (uint32_t k = 0; k < count; ++k)
      if ((flags_[base + labels[k]] & kUsed) != 0) return false;
    return true;
  }
  // The lowest cell that is worth a try.
  uint32_t low() {
    while ((flags_[low_] & kUsed) != 0) {
      reserve(++low_ + 257);
      failures_ = 0;
    }
    return low_;
  }
  void take(uint32_t cell, uint32_t label) {
    reserve(cell + 257);
    flags_[cell] |= kUsed;
    trie_.cells_[cell].base_label = label;
    end_ = std::max(end_, cell + 1);
  }
  void reserve(size_t cells) {
    if (cells <= flags_.size()) return;
    if (cells > kTrieMaxCells)
      fail(ErrorCode::limit, "trie: more than 2^24 cells; give fewer or shorter strings");
    const size_t room = std::max(cells, 2 * flags_.size());
    flags_.resize(room, 0);
    trie_.cells_.resize(room, TrieCell{0, kNoSymbol});
  }

  Trie& trie_;
  std::span<const std::string> strings_;
  std::vector<uint8_t> flags_;
  uint32_t low_ = 1, next_root_ = 1, end_ = 0;  // end_: behind the last node
  int failures_ = 0;
};

Trie::Trie(std::span<const std::string> strings) {
  check(strings);
  Builder(*this, strings).build();
}
}  // namespace gramzip::model
