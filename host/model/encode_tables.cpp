// SPDX-License-Identifier: Apache-2.0
#include "host/model/encode_tables.h"

#include <algorithm>
#include <numeric>

#include "host/model/code_lengths.h"

namespace gramzip::model {
namespace {
using text::kCostPerBit;

text::SymbolCost cost_of_bits(uint32_t bits) {
  return static_cast<text::SymbolCost>(std::min(bits * kCostPerBit, text::kMaxCost));
}

void add_class(const ClassCode& code, TextEncodeTables& t) {
  std::vector<uint8_t> lengths = code.lengths;
  lengths.push_back(code.escape);  // the highest symbol
  const std::vector<uint32_t> packed = canonical_codes(lengths);
  t.escapes.push_back(packed.back());
  const size_t at = t.codes.size();
  t.codes.resize(at + t.symbols, 0);
  for (uint32_t s = 0; s < t.symbols; ++s) {
    const uint32_t global = huffman::code_length(t.global[s]);
    t.symbol_costs.push_back(global > 0 ? cost_of_bits(code.escape + global)
                                        : static_cast<text::SymbolCost>(text::kNoCode));
  }
  for (size_t i = 0; i < code.symbols.size(); ++i) {
    t.codes[at + code.symbols[i]] = packed[i];
    t.symbol_costs[at + code.symbols[i]] = cost_of_bits(code.lengths[i]);
  }
}

// Strings that no code reaches are no edges.
Trie make_trie(const NgramModel& m) {
  std::vector<bool> coded(m.symbols(), false);
  for (uint32_t s = 0; s < m.symbols(); ++s) coded[s] = m.global_lengths[s] > 0;
  for (const ClassCode& c : m.codes)
    for (const uint16_t s : c.symbols) coded[s] = true;
  std::vector<uint32_t> order(m.strings.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return m.strings[a] < m.strings[b]; });
  std::vector<std::string> sorted;
  sorted.reserve(order.size());
  for (const uint32_t i : order) sorted.push_back(m.strings[i]);
  Trie trie(sorted);
  for (size_t i = 0; i < order.size(); ++i) {
    const uint32_t symbol = text::kByteSymbols + order[i];
    trie.set_value(i, coded[symbol] ? symbol : kNoSymbol);
  }
  return trie;
}
}  // namespace

TextEncodeTables make_text_encode_tables(const NgramModel& m) {
  TextEncodeTables t;
  t.symbols = m.symbols();
  t.strings_end = m.strings_end();
  t.class_of = m.class_of;
  t.global = canonical_codes(m.global_lengths);
  t.codes.reserve(size_t{t.symbols} * m.codes.size());
  t.symbol_costs.reserve(size_t{t.symbols} * m.codes.size());
  for (const ClassCode& c : m.codes) add_class(c, t);
  for (uint32_t k = 0; k < text::kLengthClasses; ++k) {
    const std::vector<uint32_t> codes = canonical_codes(m.distance_lengths[k]);
    std::copy(codes.begin(), codes.end(), t.distance[k].begin());
  }
  t.trie = make_trie(m);
  return t;
}

text::ParseCosts TextEncodeTables::costs() const {
  text::ParseCosts c{};
  c.symbol = symbol_costs.data();
  c.class_of = class_of.data();
  c.symbols = symbols;
  c.classes = static_cast<uint32_t>(escapes.size());
  c.strings_end = strings_end;
  c.trie = trie.view();
  for (uint32_t k = 0; k < text::kLengthClasses; ++k)
    for (uint32_t b = 0; b < text::kDistanceBuckets; ++b) {
      const uint32_t bits = huffman::code_length(distance[k][b]);
      c.distance[k][b] = static_cast<uint16_t>(
          bits > 0 ? (bits + text::bucket(b).raw_bits) * kCostPerBit : text::kNoDistance);
    }
  return c;
}
}  // namespace gramzip::model
