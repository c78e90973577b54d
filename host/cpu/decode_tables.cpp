// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/decode_tables.h"

#include "gramzip/core/elements.h"

namespace gramzip::cpu {
namespace {
// Fills the single-symbol table of a checked code: each code stands at every index that starts with
// it.
void fill_single(const CodeTable& t, uint32_t bits, uint16_t* table) {
  const uint32_t size = 1u << bits;
  if (t.count == 1) {
    for (uint32_t i = 0; i < size; ++i) table[i] = huffman::pack_entry(t.first, 0);
    return;
  }
  uint32_t per_length[kMaxSymbolBits + 1] = {};
  uint32_t used = 0;
  for (const uint8_t l : t.lengths) {
    ++per_length[l];
    used += l > 0 ? 1 : 0;
  }
  per_length[0] = 0;
  huffman::Canonical c;
  huffman::make_canonical(per_length, bits, used, c);
  uint32_t next[kMaxSymbolBits + 1];
  for (uint32_t l = 0; l <= kMaxSymbolBits; ++l) next[l] = c.first[l];
  for (uint32_t s = 0; s < t.count; ++s) {
    const uint32_t l = t.lengths[s];
    if (l == 0) continue;
    const uint16_t entry = huffman::pack_entry(t.first + s, l);
    for (uint32_t i = reverse_bits(next[l]++, l); i < size; i += 1u << l) table[i] = entry;
  }
}
}  // namespace

DecodeTables make_decode_tables(std::span<const CodeTable> tables, Codec codec) {
  DecodeTables d;
  d.bits = code_limit(codec);
  const uint32_t size = 1u << d.bits;
  d.single.assign(tables.size() * size, 0);
  d.codes_nothing.resize(tables.size());
  for (size_t t = 0; t < tables.size(); ++t) {
    d.codes_nothing[t] = tables[t].count == 0;
    if (tables[t].count > 0) fill_single(tables[t], d.bits, d.single.data() + t * size);
  }
  if (tables.size() == 1 && tables[0].count > 0 && tables[0].first + tables[0].count <= 256) {
    d.multi.resize(size);
    for (uint32_t i = 0; i < size; ++i)
      d.multi[i] = huffman::multi_entry(d.single.data(), d.bits, i);
  }
  return d;
}
}  // namespace gramzip::cpu
