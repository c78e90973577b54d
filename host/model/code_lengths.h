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
inline constexpr uint32_t kLongestCode = 18;  // limit of make_code_book
// counts: one a symbol, 2 to 65536 of them. limit: at most kLongestCode, at least log2 of the
// number of symbols with a count. Lengths are optimal under the limit for counts whose sum is at
// most 2^27 - 2^16; larger ones are halved together as often as needed, and none becomes 0.
CodeBook make_code_book(std::span<const uint32_t> counts, uint32_t limit);
CodeBook make_code_book(std::span<const uint64_t> counts, uint32_t limit);

// The canonical codes (huffman::pack_code) of lengths up to kLongestCode that make a prefix code.
std::vector<uint32_t> canonical_codes(std::span<const uint8_t> lengths);
}  // namespace gramzip
