// SPDX-License-Identifier: Apache-2.0
#include "host/model/code_lengths.h"

#include <algorithm>
#include <memory>

namespace gramzip {
CodeBook make_code_book(std::span<const uint32_t> counts, uint32_t limit) {
  const auto symbols = static_cast<uint32_t>(counts.size());
  CodeBook book;
  book.lengths.assign(symbols, 0);
  book.codes.assign(symbols, 0);

  std::vector<uint64_t> ranked;  // count, then symbol: a key of its own for each
  for (uint32_t s = 0; s < symbols; ++s)
    if (counts[s] > 0) ranked.push_back((uint64_t{counts[s]} << 16) | s);
  book.used = static_cast<uint32_t>(ranked.size());
  if (book.used == 0) return book;
  if (book.used == 1) {
    book.lone = static_cast<uint32_t>(ranked[0] & 0xffff);
    return book;
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<uint32_t> sorted(book.used);
  for (uint32_t r = 0; r < book.used; ++r) sorted[r] = static_cast<uint32_t>(ranked[r] >> 16);

  auto workspace = std::make_unique<huffman::Workspace<kMaxSymbols, kFloatCodeLimit>>();
  std::vector<uint8_t> by_rank(book.used);
  huffman::package_merge(sorted.data(), book.used, limit, *workspace, by_rank.data());
  uint32_t per_length[kMaxSymbolBits + 1] = {};
  for (uint32_t r = 0; r < book.used; ++r) {
    book.lengths[ranked[r] & 0xffff] = by_rank[r];
    ++per_length[by_rank[r]];
  }
  huffman::Canonical canonical;
  huffman::make_canonical(per_length, limit, book.used, canonical);
  uint32_t next[kMaxSymbolBits + 1];
  std::copy(std::begin(canonical.first), std::end(canonical.first), next);
  for (uint32_t s = 0; s < symbols; ++s)
    if (const uint32_t l = book.lengths[s]) book.codes[s] = huffman::pack_code(next[l]++, l);
  return book;
}
}  // namespace gramzip
