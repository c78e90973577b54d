// SPDX-License-Identifier: Apache-2.0
#include "host/model/cost_tables.h"

#include <algorithm>
#include <numeric>

namespace gramzip::model {
namespace {
constexpr text::SymbolCost bits(uint32_t n) {
  return static_cast<text::SymbolCost>(std::min(text::kMaxCost, n * text::kCostPerBit));
}
}  // namespace

CostTables::CostTables(const NgramModel& m, std::span<const uint8_t> dead)
    : class_of_(m.class_of),
      classes_(static_cast<uint32_t>(m.codes.size())),
      strings_end_(m.strings_end()) {
  const uint32_t symbols = m.symbols();
  symbol_.resize(size_t{classes_} * symbols);
  for (uint32_t c = 0; c < classes_; ++c) {
    const ClassCode& code = m.codes[c];
    text::SymbolCost* row = symbol_.data() + size_t{c} * symbols;
    for (uint32_t s = 0; s < symbols; ++s)
      row[s] = m.global_lengths[s] == 0 ? text::SymbolCost{text::kNoCode}
                                        : bits(uint32_t{code.escape} + m.global_lengths[s]);
    for (size_t i = 0; i < code.symbols.size(); ++i) row[code.symbols[i]] = bits(code.lengths[i]);
  }
  for (uint32_t k = 0; k < text::kLengthClasses; ++k)
    for (uint32_t b = 0; b < text::kDistanceBuckets; ++b) {
      const uint32_t length = m.distance_lengths[k][b];
      distance_[k][b] =
          length == 0
              ? static_cast<uint16_t>(text::kNoDistance)
              : static_cast<uint16_t>((length + text::bucket(b).raw_bits) * text::kCostPerBit);
    }

  // The trie wants ascending strings, each once; its values are the symbols. A model read from a
  // file may have a string twice: the first is taken.
  std::vector<uint32_t> order(m.strings.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return m.strings[a] < m.strings[b]; });
  const auto same = [&](uint32_t a, uint32_t b) { return m.strings[a] == m.strings[b]; };
  order.erase(std::unique(order.begin(), order.end(), same), order.end());
  std::vector<std::string> sorted;
  sorted.reserve(order.size());
  for (const uint32_t i : order) sorted.push_back(m.strings[i]);
  trie_ = Trie(sorted);
  for (size_t r = 0; r < order.size(); ++r) {
    const bool out = !dead.empty() && dead[order[r]] != 0;
    trie_.set_value(r, out ? kNoSymbol : text::kByteSymbols + order[r]);
  }
}

text::ParseCosts CostTables::costs() const {
  text::ParseCosts c{};
  c.symbol = symbol_.data();
  c.class_of = class_of_.data();
  c.symbols = static_cast<uint32_t>(class_of_.size());
  c.classes = classes_;
  c.strings_end = strings_end_;
  c.trie = trie_.view();
  std::copy(&distance_[0][0], &distance_[0][0] + sizeof distance_ / sizeof distance_[0][0],
            &c.distance[0][0]);
  return c;
}
}  // namespace gramzip::model
