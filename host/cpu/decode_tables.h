// SPDX-License-Identifier: Apache-2.0
// Decode tables of a segment on the host: built once a segment, shared by its blocks.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/huffman.h"
#include "host/backend/backend.h"

namespace gramzip::cpu {
// Entries of the look-ups that go run by run: the length in the low 6 bits, so that a shift takes
// the whole entry for its count and entries add up, and the symbol above.
inline constexpr uint32_t kRunEntryShift = 6;
inline constexpr uint32_t kRunSymbolBits = 16 - kRunEntryShift;

struct DecodeTables {
  uint32_t bits = 0;                // width of every look-up
  std::vector<uint16_t> single;     // tables.size() << bits entries, huffman::pack_entry
  std::vector<uint16_t> runs;       // other codecs, symbols of kRunSymbolBits: in place of single
  std::vector<uint32_t> multi;      // codec bytes: 1 << bits entries
  std::vector<bool> codes_nothing;  // a table
};
DecodeTables make_decode_tables(std::span<const CodeTable> tables, Codec codec);
}  // namespace gramzip::cpu
