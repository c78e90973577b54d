// SPDX-License-Identifier: Apache-2.0
// The codes of a model laid out for the encoder, with the costs of the parse; built once a model.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "host/model/cost_tables.h"

namespace gramzip::model {
// Codes are huffman::pack_code, 0: none. With the costs 5 bytes a class and symbol.
struct TextEncodeTables {
  explicit TextEncodeTables(const NgramModel& m);
  text::ParseCosts costs() const { return cost_tables.costs(); }

  uint32_t symbols, strings_end;
  std::vector<uint32_t> codes;    // [class][symbol]; none: the class's escape, then the global code
  std::vector<uint32_t> escapes;  // of each class
  std::vector<uint32_t> global;   // of each symbol
  std::vector<uint8_t> class_of;
  std::array<std::array<uint32_t, text::kDistanceBuckets>, text::kLengthClasses> distance;
  CostTables cost_tables;
};
}  // namespace gramzip::model
