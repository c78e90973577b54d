// SPDX-License-Identifier: Apache-2.0
// Pruning by magnitude: which weights become 0, exact to one weight. The kernels of the same names
// give the same results.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/elements.h"

namespace gramzip::cpu {
// Magnitudes of a tensor's or of many tensors' weights, for the exact k-th smallest: radix select
// over the bits of |x| as an unsigned integer, NaNs as the largest. Types may not be mixed unless
// all are made of F32 patterns (bf16, f16, f32 and 8-bit floats convert to F32 exactly).
class MagnitudeSelect {
 public:
  MagnitudeSelect();
  ~MagnitudeSelect();
  // Two passes over all weights, the same ones in the same order: first count_high() with each
  // piece, then choose(k), then count_low() with each, then cut().
  void count_high(ElementType type, std::span<const uint8_t> elements);
  void choose(uint64_t smallest);  // how many weights are to be pruned
  void count_low(ElementType type, std::span<const uint8_t> elements);
  // Weights with a magnitude below `below` are pruned, and of those equal to it the first `ties` in
  // order.
  struct Cut {
    uint32_t below = 0;  // bits of |x| as F32
    uint64_t ties = 0;
  };
  Cut cut() const;

 private:
  struct Impl;
  Impl* impl_;
};

// Edge pruning: zeroes (as +0) in place what the cut says; `cut.ties` goes down by those used.
// Returns how many weights it pruned.
uint64_t prune_edges(ElementType type, MagnitudeSelect::Cut& cut, std::span<uint8_t> elements);

// Node pruning: squared norm of each row of `columns` elements, finite weights only, summed in
// order.
std::vector<double> row_norms(ElementType type, std::span<const uint8_t> elements,
                              uint64_t columns);

// 2:4: of each four consecutive elements of a row the two of smallest magnitude become 0 (of equal
// ones the later); the 1 to 3 at a row's end: half of them, rounded down. Rows of `columns`
// elements.
void prune_two_of_four(ElementType type, std::span<uint8_t> elements, uint64_t columns);
}  // namespace gramzip::cpu
