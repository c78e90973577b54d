// SPDX-License-Identifier: Apache-2.0
// Pruning by magnitude: which weights become 0, exact to one weight. The kernels of the same names
// give the same results.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gramzip/core/elements.h"

namespace gramzip::cpu {
// Magnitudes of a tensor's or of many tensors' weights of any float types, for the exact k-th
// smallest: radix select over the bits of |x| as F32 (the nearest, for F64), NaNs as the largest.
class MagnitudeSelect {
 public:
  MagnitudeSelect();
  ~MagnitudeSelect();
  // Two passes over all weights: first count_high() with each piece, then choose(k), then
  // count_low() with each, then cut(). Types of 8 and 16 bits need no second pass.
  void count_high(ElementType type, std::span<const uint8_t> elements);
  void choose(uint64_t smallest);  // how many weights are to be pruned; no more than were counted
  void count_low(ElementType type, std::span<const uint8_t> elements);
  static bool needs_low(ElementType type) { return element_info(type).bytes > 2; }
  // Counts made elsewhere. Of a type of 8 or 16 bits by pattern; of the keys' high 16 bits; in the
  // second pass of the low 15 bits of those whose high bits are chosen_high().
  void add_patterns(ElementType type, std::span<const uint64_t> counts);
  void add_high(std::span<const uint64_t> counts);
  void add_low(std::span<const uint64_t> counts);
  uint32_t chosen_high() const;
  // What another one has counted in the same pass. For the second, it was copied with begin_low().
  void merge(const MagnitudeSelect& other);
  // One that counts pieces of the second pass beside this one, for merge().
  MagnitudeSelect begin_low() const;

  // Weights with a magnitude below `below` are pruned, and of those equal to it the first `ties` in
  // order.
  struct Cut {
    uint32_t below = 0;  // bits of |x| as F32
    uint64_t ties = 0;
  };
  Cut cut() const;

  MagnitudeSelect(MagnitudeSelect&&) noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A cut in the magnitude bits of a type, which are in the order of those of F32: below `from`
// pruned, from there to `to` - 1 ties.
struct NativeCut {
  uint64_t from, to;
};
NativeCut native_cut(ElementType type, const MagnitudeSelect::Cut& cut);

// Edge pruning: zeroes (as +0) in place what the cut says; `cut.ties` goes down by those used.
// Returns how many weights it pruned, counting those that were 0 before.
uint64_t prune_edges(ElementType type, MagnitudeSelect::Cut& cut, std::span<uint8_t> elements);
// How many weights are equal to the cut: what lets pieces be pruned in any order, each with its
// share of the ties.
uint64_t count_ties(ElementType type, const MagnitudeSelect::Cut& cut,
                    std::span<const uint8_t> elements);

// Node pruning: squared norm of each row of `columns` elements, finite weights only. Of 32 sums the
// l-th takes the elements l, l + 32, ... in order; then sum l takes in sum l + 16, then l + 8, and
// so on.
std::vector<double> row_norms(ElementType type, std::span<const uint8_t> elements,
                              uint64_t columns);

// 2:4: of each four consecutive elements of a row the two of smallest magnitude become 0 (of equal
// ones the later); the 1 to 3 at a row's end: half of them, rounded down. Rows of `columns`
// elements.
void prune_two_of_four(ElementType type, std::span<uint8_t> elements, uint64_t columns);
}  // namespace gramzip::cpu
