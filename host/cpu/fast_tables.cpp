// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/fast_tables.h"

#include "host/model/code_lengths.h"

namespace gramzip::cpu {
std::vector<FastTable> make_fast_tables(std::span<const CodeTable> tables) {
  std::vector<FastTable> out(tables.size());  // zeros
  for (size_t i = 0; i < tables.size(); ++i) {
    const CodeTable& t = tables[i];
    FastTable& f = out[i];
    f.codes_nothing = t.count == 0;
    const std::vector<uint32_t> codes = canonical_codes(t.lengths);
    uint32_t rank = 0;
    for (uint32_t s = 0; s < t.count; ++s) {
      const uint32_t length = t.lengths[s], exponent = t.first + s;
      if (length == 0 && t.count > 1) continue;
      for (const uint32_t r : {rank, rank + kFastSymbols}) {
        f.exponent[r] = static_cast<uint8_t>(exponent);
        f.rotated[r] = static_cast<uint8_t>((exponent >> 1) | (exponent << 7));
      }
      for (uint32_t k = huffman::code_bits(codes[s]); k < fast::kEntries; k += 1u << length) {
        f.entry[k] = static_cast<uint8_t>((rank << 3) | length);
        f.symbol[k] = static_cast<uint16_t>((exponent << 8) | length);
      }
      ++rank;
    }
  }
  return out;
}
}  // namespace gramzip::cpu
