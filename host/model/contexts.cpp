// SPDX-License-Identifier: Apache-2.0
#include "host/model/contexts.h"

#include <algorithm>
#include <numeric>

#include "gramzip/core/format.h"
#include "host/model/fixed_log.h"

namespace gramzip::model {
namespace {
constexpr uint32_t kUnseen = 64;  // what a count counts for beside a symbol that has none

// Counts without their zeros, largest first, ties by symbol.
struct Ranked {
  std::array<uint32_t, kContextSymbols> symbols{};
  size_t used = 0;
  uint64_t total = 0;

  explicit Ranked(const SymbolCounts& counts) {
    for (uint32_t s = 0; s < kContextSymbols; ++s)
      if (counts[s] > 0) {
        symbols[used++] = s;
        total += counts[s];
      }
    // Only the symbols that have half of the rest each must come first, and they are few.
    uint64_t rest = total;
    for (size_t r = 0; r < used; ++r) {
      size_t most = r;
      for (size_t i = r + 1; i < used; ++i)
        if (counts[symbols[i]] > counts[symbols[most]]) most = i;
      std::swap(symbols[r], symbols[most]);
      const uint64_t count = counts[symbols[r]];
      if (2 * count <= rest) break;
      rest -= count;
    }
  }
};
}  // namespace

uint64_t code_cost(const SymbolCounts& counts) {
  const Ranked ranked(counts);
  uint64_t rest = ranked.total, bits = 0;
  size_t r = 0;
  for (; r + 1 < ranked.used && 2 * uint64_t{counts[ranked.symbols[r]]} > rest; ++r) {
    bits += rest * kLogUnit;
    rest -= counts[ranked.symbols[r]];
  }
  if (r + 1 >= ranked.used) return bits;
  const uint64_t all = fixed_log2(rest);
  for (; r < ranked.used; ++r) {
    const uint64_t count = counts[ranked.symbols[r]];
    bits += count * (all - fixed_log2(count));
  }
  return bits;
}

void symbol_costs(const SymbolCounts& counts, std::span<uint16_t, kContextSymbols> costs) {
  const Ranked ranked(counts);
  const auto in_units = [](uint64_t bits) {
    return static_cast<uint16_t>(
        std::min<uint64_t>((bits * kCostUnit + kLogUnit / 2) / kLogUnit, kMostCost));
  };
  uint64_t rest = ranked.total * kUnseen + kContextSymbols, before = 0;
  std::array<bool, kContextSymbols> done{};
  for (size_t r = 0; r < ranked.used; ++r) {
    const uint64_t count = uint64_t{counts[ranked.symbols[r]]} * kUnseen;
    if (2 * count <= rest) break;
    before += kLogUnit;
    costs[ranked.symbols[r]] = in_units(before);
    done[ranked.symbols[r]] = true;
    rest -= count;
  }
  const uint64_t all = fixed_log2(rest) + before;
  for (uint32_t s = 0; s < kContextSymbols; ++s)
    if (!done[s]) costs[s] = in_units(all - fixed_log2(uint64_t{counts[s]} * kUnseen + 1));
}

uint64_t table_cost(const SymbolCounts& counts) {
  uint32_t first = kContextSymbols, last = 0;
  for (uint32_t s = 0; s < kContextSymbols; ++s)
    if (counts[s] > 0) {
      first = std::min(first, s);
      last = s;
    }
  const uint32_t span = first > last ? 0 : last - first + 1;
  return uint64_t{table_wire_bytes(span)} * 8 * kLogUnit;
}

void merge_contexts(std::vector<Context>& contexts, size_t most, const ContextCost& cost) {
  const auto joined = [](const Context& a, const Context& b) {
    Context c = a;
    c.elements += b.elements;
    c.changes += b.changes;
    for (uint32_t s = 0; s < kContextSymbols; ++s) c.counts[s] += b.counts[s];
    return c;
  };
  // gain[i]: what it saves to join i and i + 1.
  std::vector<int64_t> gain(contexts.size(), 0);
  const auto weigh = [&](size_t i) {
    if (i + 1 >= contexts.size()) return;
    const uint64_t together = cost(joined(contexts[i], contexts[i + 1]));
    gain[i] = static_cast<int64_t>(contexts[i].cost + contexts[i + 1].cost) -
              static_cast<int64_t>(together);
  };
  for (Context& c : contexts) c.cost = cost(c);
  for (size_t i = 0; i < contexts.size(); ++i) weigh(i);
  while (contexts.size() > 1) {
    const auto end = gain.begin() + static_cast<ptrdiff_t>(contexts.size() - 1);
    const auto best = std::max_element(gain.begin(), end);
    if (*best < 0 && contexts.size() <= most) break;
    const auto i = static_cast<size_t>(best - gain.begin());
    contexts[i] = joined(contexts[i], contexts[i + 1]);
    contexts[i].cost = cost(contexts[i]);
    contexts.erase(contexts.begin() + static_cast<ptrdiff_t>(i) + 1);
    gain.erase(gain.begin() + static_cast<ptrdiff_t>(i) + 1);
    weigh(i);
    if (i > 0) weigh(i - 1);
  }
}

uint64_t cost_of_all(const std::vector<Context>& contexts) {
  uint64_t cost = 0;
  for (const Context& c : contexts) cost += c.cost;
  return cost;
}
}  // namespace gramzip::model
