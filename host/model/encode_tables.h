// SPDX-License-Identifier: Apache-2.0
// The codes of a model laid out for the encoder and as costs of the parse, built once a model.
#pragma once
#include <array>
#include <vector>

#include "gramzip/core/parse.h"
#include "host/model/ngram_model.h"
#include "host/model/trie.h"

namespace gramzip::model {
// Codes are huffman::pack_code, 0: none. 5 bytes a class and symbol in all.
struct TextEncodeTables {
  uint32_t symbols = 0, strings_end = 0;
  std::vector<uint32_t> codes;    // [class][symbol]; none: the class's escape, then the global code
  std::vector<uint32_t> escapes;  // of each class
  std::vector<uint32_t> global;   // of each symbol
  std::vector<uint8_t> class_of;
  std::array<std::array<uint32_t, text::kDistanceBuckets>, text::kLengthClasses> distance{};

  std::vector<text::SymbolCost> symbol_costs;  // [class][symbol]
  Trie trie;                                   // of the strings that have a code; value: the symbol
  // Views of this object.
  text::ParseCosts costs() const;
};
TextEncodeTables make_text_encode_tables(const NgramModel& m);
}  // namespace gramzip::model
