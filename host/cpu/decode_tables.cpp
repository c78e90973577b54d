// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/decode_tables.h"

#include <algorithm>
#include <cstring>

#include "gramzip/core/elements.h"
#include "host/base/cpu_features.h"

namespace gramzip::cpu {
namespace {
// Fills the table of a checked code: each code stands at every index that starts with it. Lengths
// grow: the table of l bits is that of l - 1 bits twice, and the codes of l bits in the places that
// are left. Codes are kept as they lie in the index, first bit lowest, where the next code is a sum
// that carries downwards and a longer code begins with the same value.
void fill_table(const CodeTable& t, uint32_t bits, uint32_t entry_shift, uint16_t* table) {
  const uint32_t size = 1u << bits;
  if (t.count == 1) {
    std::fill_n(table, size, static_cast<uint16_t>(t.first << entry_shift));
    return;
  }
  uint32_t begin[kMaxSymbolBits + 2] = {};
  for (const uint8_t l : t.lengths) ++begin[l + 1];
  begin[1] = 0;  // length 0 has no codes
  for (uint32_t l = 2; l <= bits + 1; ++l) begin[l] += begin[l - 1];
  uint16_t sorted[kMaxSymbols];
  uint32_t next[kMaxSymbolBits + 1];
  std::copy_n(begin, kMaxSymbolBits + 1, next);
  for (uint32_t s = 0; s < t.count; ++s)
    if (const uint32_t l = t.lengths[s]) sorted[next[l]++] = static_cast<uint16_t>(t.first + s);
  uint32_t code = 0;
  table[0] = 0;
  for (uint32_t l = 1; l <= bits; ++l) {
    const uint32_t half = 1u << (l - 1);
    std::memcpy(table + half, table, half * sizeof(*table));
    for (uint32_t k = begin[l]; k < begin[l + 1]; ++k) {
      table[code] = static_cast<uint16_t>((uint32_t{sorted[k]} << entry_shift) | l);
      uint32_t bit = half;
      while (code & bit) code ^= bit, bit >>= 1;
      code |= bit;
    }
  }
}

// False if codes are too long for the share of the windows that their level takes.
bool fill_levels(const uint16_t* entries, uint32_t middle, RegisterTable& t) {
  constexpr uint32_t size = 1u << RegisterTable::kLevelBits;
  const uint32_t shifts[] = {0, middle, RegisterTable::kLastShift, kFloatCodeLimit};
  for (uint32_t k = 0; k < 3; ++k) {
    const uint32_t shift = shifts[k], next_level = (1u << (shifts[k + 1] - shift)) - 1;
    for (uint32_t i = 0; i < size; ++i) {
      const uint16_t e = entries[i << shift | ((1u << shift) - 1)];
      if ((i & next_level) != next_level && (e & 63u) > shift + RegisterTable::kLevelBits)
        return false;
      t.level[k][~i & (size - 1)] = e;
    }
  }
  t.middle = static_cast<uint16_t>(middle);
  return true;
}

bool fits_registers(const uint16_t* entries, RegisterTable& t) {
  for (uint32_t middle = 1; middle < RegisterTable::kLastShift; ++middle)
    if (fill_levels(entries, middle, t)) return true;
  return false;
}
}  // namespace

DecodeTables make_decode_tables(std::span<const CodeTable> tables, Codec codec) {
  DecodeTables d;
  d.bits = code_limit(codec);
  const uint32_t size = 1u << d.bits;
  d.codes_nothing.resize(tables.size());
  uint32_t end = 0;
  for (size_t t = 0; t < tables.size(); ++t) {
    d.codes_nothing[t] = tables[t].count == 0;
    end = std::max<uint32_t>(end, tables[t].first + tables[t].count);
  }
  const bool multi = codec == Codec::bytes && tables.size() == 1 && tables[0].count > 0;
  // Loops that take raw bits behind each code use single entries.
  const bool by_runs =
      (codec == Codec::floats || codec == Codec::planes) && end <= 1u << kRunSymbolBits;
  std::vector<uint16_t>& entries = by_runs ? d.runs : d.single;
  entries.assign(tables.size() * size, 0);
  for (size_t t = 0; t < tables.size(); ++t)
    if (tables[t].count > 0)
      fill_table(tables[t], d.bits, by_runs ? kRunEntryShift : 4, entries.data() + t * size);
  if (by_runs && cpu_features().avx512_vbmi) {
    d.in_registers.resize(tables.size());
    for (size_t t = 0; t < tables.size() && !d.in_registers.empty(); ++t)
      if (!fits_registers(entries.data() + t * size, d.in_registers[t])) d.in_registers.clear();
  }
  if (multi) {
    d.multi.resize(size);
    for (uint32_t i = 0; i < size; ++i)
      d.multi[i] = huffman::multi_entry(d.single.data(), d.bits, i);
  }
  return d;
}
}  // namespace gramzip::cpu
