// SPDX-License-Identifier: Apache-2.0
// A set of byte strings of 2 to 32 bytes as a double array (Aoe 1989): one walk finds every string
// that starts at a position, with one load a byte.
//
// The first two bytes choose a root by table. From a cell with base b, byte c leads to cell b + c
// if that cell's label is c. Bases are distinct, and no base is the index of a root, so a label
// that fits proves the parent. Free cells have base 0 and no value: to step on one ends the walk.
#pragma once
#include "gramzip/core/config.h"

namespace gramzip {
inline constexpr uint32_t kNoSymbol = 0xffffffffu;
inline constexpr uint32_t kTrieMinBytes = 2;
inline constexpr uint32_t kTrieMaxBytes = 32;
inline constexpr uint32_t kTrieRoots = 1u << 16;
inline constexpr uint32_t kTrieMaxCells = 1u << 24;  // bases have 24 bits

// 8 bytes, so that one load, or one gather a word, brings all of a step.
struct TrieCell {
  uint32_t base_label;  // base in bits 8 to 31, 0: no children; label in bits 0 to 7
  uint32_t value;       // of the string that ends here, or kNoSymbol

  GRAMZIP_HD uint32_t base() const { return base_label >> 8; }
  GRAMZIP_HD uint32_t label() const { return base_label & 0xffu; }
};
static_assert(sizeof(TrieCell) == 8);

struct TrieView {
  const uint32_t* pair_root;  // kTrieRoots cells by b0 | b1 << 8; 0: no string starts so
  const TrieCell* cells;      // 256 cells and more from every base on; cell 0 is nobody's

  // Calls f(length, value) for every string that p[0..n) starts with, shortest first. Reads
  // nothing beyond p[n).
  template <class F>
  GRAMZIP_HD void walk(const uint8_t* p, size_t n, F&& f) const {
    if (n < kTrieMinBytes) return;
    const uint32_t root = pair_root[p[0] | uint32_t{p[1]} << 8];
    if (root == 0) return;
    TrieCell cell = cells[root];
    for (uint32_t length = kTrieMinBytes;; ++length) {
      if (cell.value != kNoSymbol) f(length, cell.value);
      const uint32_t base = cell.base();
      if (base == 0 || length >= n) return;
      const uint32_t c = p[length];
      cell = cells[base + c];
      if (cell.label() != c) return;
    }
  }
};
}  // namespace gramzip
