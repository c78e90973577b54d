// SPDX-License-Identifier: Apache-2.0
// What the encoder of codec sparse_delta decides for a segment: groups of exponents, code tables.
// Integers throughout, the same for every backend.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "gramzip/core/sparse_delta.h"
#include "host/model/code_lengths.h"
#include "host/model/contexts.h"

namespace gramzip::model {
// Codec sparse_delta: how often each symbol of a change occurs, by exponent; kUnchanged for
// elements that do not change.
inline constexpr uint32_t kUnchanged = kContextSymbols - 1;
static_assert(delta::bucket_symbols(64) <= kUnchanged);
struct ChangeCounts {
  explicit ChangeCounts(uint32_t exponents) : symbols(size_t{exponents} * kContextSymbols, 0) {}
  std::vector<uint32_t> symbols;  // [exponent][kContextSymbols]
};
delta::Groups make_groups(const ChangeCounts& counts);
// Bytes that codes and tables will take, about, for a sample of a segment: by exponent, how often
// each symbol of codec delta occurs. scaled: from bits of the sample to bits of all.
uint64_t estimate_sparse(std::vector<Context> dense,
                         const std::function<uint64_t(uint64_t)>& scaled);
// The books of the tables (gap_table, change_table) of all groups from their counts. Gap tables get
// two symbols at least, change tables one.
std::vector<CodeBook> make_sparse_books(std::span<std::vector<uint32_t>> counts);
}  // namespace gramzip::model
