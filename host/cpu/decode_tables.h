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

// A table of run entries that fits registers: three levels of 128 entries. Few bits of the longest
// codes differ: canonical codes are longer the more ones they begin with. A window whose lowest
// `middle` bits are not all ones is looked up by bits 0 to 6, one whose lowest kLastShift are not
// by the 7 bits from `middle` on, and any other by the 7 from kLastShift on. Indices are
// complements.
struct RegisterTable {
  static constexpr uint32_t kLevelBits = 7, kLastShift = kFloatCodeLimit - kLevelBits;
  alignas(64) uint16_t level[3][1u << kLevelBits];
  uint16_t middle;
};

struct DecodeTables {
  uint32_t bits = 0;             // width of every look-up
  std::vector<uint16_t> single;  // tables.size() << bits entries, huffman::pack_entry
  std::vector<uint16_t> runs;    // other codecs, symbols of kRunSymbolBits: in place of single
  std::vector<RegisterTable> in_registers;  // of each of runs; empty if one does not fit, or
                                            // the processor has no use for them
  std::vector<uint32_t> multi;              // codec bytes: 1 << bits entries
  std::vector<bool> codes_nothing;          // a table
};
DecodeTables make_decode_tables(std::span<const CodeTable> tables, Codec codec);
}  // namespace gramzip::cpu
