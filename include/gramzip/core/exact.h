// SPDX-License-Identifier: Apache-2.0
// Exact floats (docs/format.md, 11): symbols of 2^S and above are exact values and have no raw
// bits.
#pragma once
#include "gramzip/core/elements.h"

namespace gramzip {
// Raw bits behind the code of a symbol.
GRAMZIP_HD inline uint32_t exact_raw_bits(const Split& s, uint32_t symbol) {
  return (symbol >> s.symbol_bits) != 0 ? 0 : s.raw_bits;
}
// The element of a symbol whose raw value is 0; or'ed with exact_raw(), that of any raw value.
GRAMZIP_HD inline uint64_t exact_base(const Split& s, const uint64_t* values, uint32_t symbol) {
  return (symbol >> s.symbol_bits) != 0 ? values[symbol - (1u << s.symbol_bits)]
                                        : s.join(symbol, 0);
}
// Where the raw bits of an element are in it. raw_bits is at least 1.
GRAMZIP_HD inline uint64_t exact_raw(const Split& s, uint64_t raw) {
  const uint64_t low = (uint64_t{1} << (s.raw_bits - 1)) - 1;
  return (raw & low) | ((raw & ~low) << (8 * s.bytes - s.raw_bits));
}
}  // namespace gramzip
