// SPDX-License-Identifier: Apache-2.0
#include "host/model/compose.h"

#include <algorithm>
#include <array>

#include "gramzip/core/text.h"
#include "host/model/fixed_log.h"
#include "host/model/trie.h"

namespace gramzip::model {
namespace {
constexpr uint32_t kRounds = 4;
// A first part costs the number of children of a symbol; any other its code and one part more.
constexpr uint32_t kFirstPart = 2 * kLogUnit, kOnePart = 3 * kLogUnit / 2, kDearest = 15 * kLogUnit;
// Rest parts have codes of at most 15 bits; so many symbols at most get one.
constexpr uint32_t kMaxRestParts = 1u << 14;

// Symbols here: bytes, then 256 + index in `sorted`.
using Parts = std::vector<uint16_t>;

// The cheapest parts of one string.
Parts cheapest(const std::string& s, const TrieView& trie, const std::vector<uint32_t>& cost) {
  const auto n = static_cast<uint32_t>(s.size());
  std::array<uint32_t, text::kMaxString + 1> best, from, symbol;
  best.fill(UINT32_MAX);
  best[0] = 0;
  const auto* p = reinterpret_cast<const uint8_t*>(s.data());
  for (uint32_t i = 0; i < n; ++i) {
    if (best[i] == UINT32_MAX) continue;
    const auto relax = [&](uint32_t length, uint32_t what) {
      if (length == n || (i > 0 && cost[what] == UINT32_MAX)) return;
      const uint32_t c = best[i] + (i == 0 ? kFirstPart : cost[what] + kOnePart);
      if (c >= best[i + length]) return;
      best[i + length] = c;
      from[i + length] = i;
      symbol[i + length] = what;
    };
    relax(1, p[i]);
    trie.walk(p + i, n - i, relax);
  }
  Parts parts;
  for (uint32_t i = n; i > 0; i = from[i]) parts.push_back(static_cast<uint16_t>(symbol[i]));
  std::reverse(parts.begin(), parts.end());
  return parts;
}
}  // namespace

Composition compose(std::span<const std::string> sorted) {
  const size_t n = sorted.size(), symbols = text::kByteSymbols + n;
  Composition c;
  if (n == 0) return c;
  const Trie trie(sorted);
  std::vector<uint32_t> cost(symbols, 11 * kLogUnit);
  std::fill_n(cost.begin(), text::kByteSymbols, 8 * kLogUnit);
  std::vector<Parts> parts(n);
  for (uint32_t round = 0; round < kRounds; ++round) {
    std::vector<uint32_t> uses(symbols, 0);
    uint64_t total = 1;
    for (size_t i = 0; i < n; ++i) {
      parts[i] = cheapest(sorted[i], trie.view(), cost);
      for (size_t k = 1; k < parts[i].size(); ++k) ++uses[parts[i][k]];
      total += parts[i].size() - 1;
    }
    const uint32_t log_total = fixed_log2(total * 8);
    for (size_t s = 0; s < symbols; ++s)
      cost[s] = std::min(kDearest, log_total - fixed_log2(uint64_t{uses[s]} * 8 + 1));
    if (n <= kMaxRestParts) continue;
    // The strings used least are no rest parts any more.
    std::vector<uint32_t> ranked;
    for (auto s = static_cast<uint32_t>(text::kByteSymbols); s < symbols; ++s) ranked.push_back(s);
    std::stable_sort(ranked.begin(), ranked.end(),
                     [&](uint32_t a, uint32_t b) { return uses[a] > uses[b]; });
    for (size_t r = kMaxRestParts; r < ranked.size(); ++r) cost[ranked[r]] = UINT32_MAX;
  }
  if (n > kMaxRestParts)
    for (size_t i = 0; i < n; ++i) parts[i] = cheapest(sorted[i], trie.view(), cost);

  // Children of each symbol in ascending order of bytes; numbers go breadth first.
  std::vector<std::vector<uint32_t>> children(symbols);
  for (uint32_t i = 0; i < n; ++i) children[parts[i][0]].push_back(i);
  std::vector<uint16_t> number(symbols);
  for (uint16_t b = 0; b < text::kByteSymbols; ++b) number[b] = b;
  c.order.reserve(n);
  for (size_t a = 0; a < text::kByteSymbols + c.order.size(); ++a) {
    const size_t symbol =
        a < text::kByteSymbols ? a : text::kByteSymbols + c.order[a - text::kByteSymbols];
    for (const uint32_t child : children[symbol]) {
      number[text::kByteSymbols + child] =
          static_cast<uint16_t>(text::kByteSymbols + c.order.size());
      c.order.push_back(child);
    }
  }
  c.parts.reserve(n);
  for (const uint32_t i : c.order) {
    Parts& p = c.parts.emplace_back(std::move(parts[i]));
    for (uint16_t& s : p) s = number[s];
  }
  return c;
}

void number_by_parts(NgramModel& m) {
  Composition c = compose(m.strings);
  // old_of[new symbol]; bytes and matches keep their numbers.
  std::vector<uint16_t> old_of(m.symbols()), new_of(m.symbols());
  for (uint32_t s = 0; s < m.symbols(); ++s) old_of[s] = static_cast<uint16_t>(s);
  for (size_t i = 0; i < c.order.size(); ++i)
    old_of[text::kByteSymbols + i] = static_cast<uint16_t>(text::kByteSymbols + c.order[i]);
  for (uint32_t s = 0; s < m.symbols(); ++s) new_of[old_of[s]] = static_cast<uint16_t>(s);

  const auto permute = [&](auto& of_symbol) {
    auto before = of_symbol;
    for (uint32_t s = 0; s < m.symbols(); ++s) of_symbol[s] = before[old_of[s]];
  };
  permute(m.popularity);
  permute(m.class_of);
  permute(m.global_lengths);
  for (ClassCode& code : m.codes) {
    std::vector<std::pair<uint16_t, uint8_t>> symbols;
    for (size_t i = 0; i < code.symbols.size(); ++i)
      symbols.emplace_back(new_of[code.symbols[i]], code.lengths[i]);
    std::sort(symbols.begin(), symbols.end());
    for (size_t i = 0; i < symbols.size(); ++i) {
      code.symbols[i] = symbols[i].first;
      code.lengths[i] = symbols[i].second;
    }
  }
  std::vector<std::string> strings;
  strings.reserve(c.order.size());
  for (const uint32_t i : c.order) strings.push_back(std::move(m.strings[i]));
  m.strings = std::move(strings);
  m.parts = std::move(c.parts);
}
}  // namespace gramzip::model
