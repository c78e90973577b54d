// SPDX-License-Identifier: Apache-2.0
// Decode tables of a segment on the host: built once a segment, shared by its blocks.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/huffman.h"
#include "host/backend/backend.h"

namespace gramzip::cpu {
struct DecodeTables {
  uint32_t bits = 0;                // width of every look-up
  std::vector<uint16_t> single;     // tables.size() << bits entries, huffman::pack_entry
  std::vector<uint32_t> multi;      // one table of symbols below 256: 1 << bits entries
  std::vector<bool> codes_nothing;  // a table
};
DecodeTables make_decode_tables(std::span<const CodeTable> tables, Codec codec);
}  // namespace gramzip::cpu
