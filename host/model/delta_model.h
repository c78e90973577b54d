// SPDX-License-Identifier: Apache-2.0
// What the encoders of codecs delta and sparse_delta decide for a segment: classes of runs, groups
// of exponents, code tables. Integers throughout, the same for every backend.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/sparse_delta.h"
#include "host/model/code_lengths.h"

namespace gramzip::model {
// Codec delta.
struct DeltaModel {
  uint32_t classes = 1;
  std::vector<uint8_t> class_of_run;  // below classes
  std::vector<uint16_t> bounds;       // of each table but the first, rising
  std::vector<CodeBook> books;        // 1 to kMaxTables
};
// symbols, exponents: of all elements of the blocks to be coded, one or more, in order; all blocks
// but the last are whole.
DeltaModel make_delta_model(std::span<const uint8_t> symbols, std::span<const uint16_t> exponents);

// Codec sparse_delta, by exponent: elements, changes, and the symbols of these.
struct ChangeCounts {
  explicit ChangeCounts(uint32_t exponents)
      : elements(exponents, 0),
        changes(exponents, 0),
        symbols(size_t{exponents} << delta::kSymbolBits, 0) {}
  std::vector<uint32_t> elements, changes;
  std::vector<uint32_t> symbols;  // [exponent][256]
};
// bytes: what codes and tables will take, roughly.
delta::Groups make_groups(const ChangeCounts& counts, uint64_t& bytes);
// The books of the tables (gap_table, change_table) of all groups from their counts. Gap tables get
// two symbols at least, change tables one.
std::vector<CodeBook> make_sparse_books(std::span<std::vector<uint32_t>> counts);

// Lanes of a block of so many changes: few changes are not worth many lanes.
uint32_t lane_log2_of(uint32_t changes);

// Which of the codecs a segment tries, by elements that change and elements in all.
struct DeltaChoice {
  bool dense, sparse;
};
DeltaChoice choose_delta(uint64_t changes, uint64_t elements);
// A coding against a base of so many bytes beats the codec of the type, which need not be tried.
bool surely_smaller(ElementType type, uint64_t coded, uint64_t content);
}  // namespace gramzip::model
