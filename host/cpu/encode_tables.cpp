// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/encode_tables.h"

namespace gramzip::cpu {
void make_encode_tables(std::span<const CodeBook> books, size_t elements, EncodeTables& t) {
  t.symbols = static_cast<uint32_t>(books[0].codes.size());
  t.single.resize(books.size() * t.symbols);
  for (size_t b = 0; b < books.size(); ++b)
    for (uint32_t s = 0; s < t.symbols; ++s) {
      const uint32_t code = books[b].codes[s];
      t.single[b * t.symbols + s] = {huffman::code_bits(code), huffman::code_length(code)};
    }
  t.runs.clear();
  if (books.size() > 1 || t.symbols > 256) {
    t.runs.reserve(t.single.size());
    for (const Code& c : t.single) t.runs.push_back(c.bits << kRunCodeShift | c.length);
  }
  t.has_pairs = books.size() == 1 && t.symbols <= 256 && elements >= kPairsFromElements;
  if (!t.has_pairs) return;
  t.pairs.resize(1u << 16);
  for (uint32_t b = 0; b < t.symbols; ++b) {
    const Code second = t.single[b];
    if (second.length == 0 && books[0].used > 1) continue;  // it does not occur
    Code* row = t.pairs.data() + (size_t{b} << 8);
    for (uint32_t a = 0; a < t.symbols; ++a) {
      const Code first = t.single[a];
      row[a] = {first.bits | (second.bits << first.length), first.length + second.length};
    }
  }
}
}  // namespace gramzip::cpu
