// SPDX-License-Identifier: Apache-2.0
#include "host/model/prune.h"

#include <algorithm>
#include <array>

#include "gramzip/core/text.h"
#include "host/model/compose.h"
#include "host/model/fixed_log.h"

namespace gramzip::model {
namespace {
// What a string takes in a model: its place in the tables, and each part but the first.
constexpr uint64_t kEntryBits = 24, kPartBits = 20;

// What the cheapest symbols but `self` that make up a string cost.
uint32_t alternative(const std::string& s, uint32_t self, const TrieView& trie,
                     std::span<const uint32_t> costs) {
  const auto n = static_cast<uint32_t>(s.size());
  const auto* p = reinterpret_cast<const uint8_t*>(s.data());
  std::array<uint32_t, text::kMaxString + 1> best;
  best.fill(UINT32_MAX);
  best[0] = 0;
  for (uint32_t i = 0; i < n; ++i) {
    const auto relax = [&](uint32_t length, uint32_t symbol) {
      if (symbol != self) best[i + length] = std::min(best[i + length], best[i] + costs[symbol]);
    };
    relax(1, p[i]);
    trie.walk(p + i, n - i, relax);
  }
  return best[n];
}
}  // namespace

std::vector<uint32_t> order0_costs(std::span<const uint64_t> counts) {
  uint64_t total = 0;
  for (const uint64_t n : counts) total += n;
  const uint32_t log_total = fixed_log2(5 * total + counts.size() + 1);
  std::vector<uint32_t> costs(counts.size());
  for (size_t s = 0; s < counts.size(); ++s)
    costs[s] = std::min(30 * kLogUnit, log_total - fixed_log2(5 * counts[s] + 1));
  return costs;
}

uint32_t prune_strings(std::span<const std::string> sorted, const Trie& trie,
                       std::span<const uint64_t> counts, std::span<const uint32_t> costs,
                       std::vector<uint8_t>& dead) {
  const TrieView view = trie.view();
  std::vector<std::string> live;
  std::vector<uint32_t> number;
  for (uint32_t i = 0; i < sorted.size(); ++i)
    if (!dead[i]) {
      live.push_back(sorted[i]);
      number.push_back(i);
    }
  const Composition parts = compose(live);
  std::vector<uint64_t> entry(sorted.size());
  for (size_t k = 0; k < live.size(); ++k)
    entry[number[parts.order[k]]] =
        (kEntryBits + kPartBits * (parts.parts[k].size() - 1)) * kLogUnit;
  uint32_t died = 0;
  for (uint32_t i = 0; i < sorted.size(); ++i) {
    if (dead[i]) continue;
    const uint32_t symbol = text::kByteSymbols + i;
    const uint32_t other = alternative(sorted[i], symbol, view, costs);
    // By order-0 costs a string may seem to gain nothing; in its context it gains half a bit.
    const uint32_t gain =
        std::max(kLogUnit / 2, other > costs[symbol] ? other - costs[symbol] : 0u);
    if (counts[symbol] * gain >= entry[i]) continue;
    dead[i] = 1;
    ++died;
  }
  return died;
}
}  // namespace gramzip::model
