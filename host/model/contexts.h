// SPDX-License-Identifier: Apache-2.0
// Code tables for contexts that stand in a row: neighbours that are alike, or too rare for a table,
// share one. Integers throughout, the same on every machine.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace gramzip::model {
inline constexpr uint32_t kContextSymbols = 256;
using SymbolCounts = std::array<uint32_t, kContextSymbols>;

// Bits, in 1/1024, that a prefix code needs for symbols of these counts: their entropy, but no less
// than a bit for the symbol that has more than half of what is left.
uint64_t code_cost(const SymbolCounts& counts);
// The same by symbol, in 1/8 bit and at most kMostCost; a symbol without a count costs as if it had
// a 64th of one.
inline constexpr uint16_t kCostUnit = 8, kMostCost = 20 * kCostUnit;
void symbol_costs(const SymbolCounts& counts, std::span<uint16_t, kContextSymbols> costs);
// Bits, in 1/1024, of the table on the wire (docs/format.md, 3).
uint64_t table_cost(const SymbolCounts& counts);

struct Context {
  uint32_t first = 0;     // the number of its first context
  uint64_t elements = 0;  // and what else a cost may depend on
  SymbolCounts counts{};
  uint64_t changes = 0;
  uint64_t cost = 0;
};
using ContextCost = std::function<uint64_t(const Context&)>;
// Joins neighbours, best gain first, until no join saves and at most `most` are left.
void merge_contexts(std::vector<Context>& contexts, size_t most, const ContextCost& cost);
uint64_t cost_of_all(const std::vector<Context>& contexts);
}  // namespace gramzip::model
