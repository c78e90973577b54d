// SPDX-License-Identifier: Apache-2.0
// From symbol counts to code lengths and codes: the host's walk over core/huffman.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/huffman.h"

namespace gramzip {
struct CodeBook {
  std::vector<uint8_t> lengths;  // by symbol; 0: no code, or the lone symbol
  std::vector<uint32_t> codes;   // by symbol, huffman::pack_code
  uint32_t used = 0;             // symbols with a count
  uint32_t lone = 0;             // the symbol if used == 1
};
// counts: one a symbol, 2 to 4096 of them, sum at most 2^24. limit: 11 or 12, at least log2 of the
// size.
CodeBook make_code_book(std::span<const uint32_t> counts, uint32_t limit);
}  // namespace gramzip
