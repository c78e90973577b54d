// SPDX-License-Identifier: Apache-2.0
// Code tables on the wire (docs/format.md, 3).
#pragma once
#include "gramzip/core/format.h"

namespace gramzip {
// The symbols that a table spans: from the first with a code to the last.
struct TableSpan {
  uint32_t first, count;
};
GRAMZIP_HD inline TableSpan table_span(const uint8_t* lengths, uint32_t symbols, uint32_t used,
                                       uint32_t lone) {
  if (used == 0) return {0, 0};
  if (used == 1) return {lone, 1};
  uint32_t first = 0, last = symbols - 1;
  while (lengths[first] == 0) ++first;
  while (lengths[last] == 0) --last;
  return {first, last - first + 1};
}

// Writes the table of an alphabet of `symbols` symbols. used: how many have a code; lone: the
// symbol if that is one (its length is 0, as everybody's). out has room for
// table_wire_bytes(symbols). Returns the bytes written.
GRAMZIP_HD inline uint32_t store_table(const uint8_t* lengths, uint32_t symbols, uint32_t used,
                                       uint32_t lone, uint8_t* out) {
  const auto [first, count] = table_span(lengths, symbols, used, lone);
  const uint32_t bytes = table_wire_bytes(count);
  for (uint32_t i = 0; i < bytes; ++i) out[i] = 0;
  store_le<uint16_t>(out, static_cast<uint16_t>(first));
  store_le<uint16_t>(out + 2, static_cast<uint16_t>(count));
  for (uint32_t i = 0; i < count; ++i)
    out[4 + i / 2] =
        static_cast<uint8_t>(out[4 + i / 2] | ((lengths[first + i] & 15u) << (4 * (i & 1))));
  return bytes;
}
}  // namespace gramzip
