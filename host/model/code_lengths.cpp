// SPDX-License-Identifier: Apache-2.0
#include "host/model/code_lengths.h"

#include <algorithm>
#include <memory>

#include "host/base/error.h"

namespace gramzip {
namespace {
// package_merge adds 32-bit weights, no sum of which is above kLongestCode times this.
constexpr uint64_t kMaxSum = uint64_t{1} << 27;
constexpr uint32_t kMaxCountedSymbols = 1u << 16;
static_assert(kMaxSum * kLongestCode < uint64_t{1} << 32);

// Small alphabets take a workspace that stays in the cache: they are many, and large ones few.
template <uint32_t N>
void merge(std::span<const uint32_t> sorted, uint32_t limit, uint8_t* lengths) {
  const auto workspace = std::make_unique_for_overwrite<huffman::Workspace<N, kLongestCode>>();
  huffman::package_merge(sorted.data(), static_cast<uint32_t>(sorted.size()), limit, *workspace,
                         lengths);
}

template <class Count>
CodeBook make_book(std::span<const Count> counts, uint32_t limit) {
  const auto symbols = static_cast<uint32_t>(counts.size());
  CodeBook book;
  book.lengths.assign(symbols, 0);
  book.codes.assign(symbols, 0);

  uint64_t sum = 0;
  for (const Count c : counts) {
    sum += c;
    book.used += c > 0 ? 1 : 0;
  }
  uint32_t halvings = 0;
  while ((sum >> halvings) + symbols > kMaxSum) ++halvings;
  std::vector<uint64_t> ranked;  // count, then symbol: a key of its own for each
  ranked.reserve(book.used);
  for (uint32_t s = 0; s < symbols; ++s)
    if (counts[s] > 0)
      ranked.push_back(std::max<uint64_t>(uint64_t{counts[s]} >> halvings, 1) << 16 | s);
  if (book.used == 0) return book;
  if (book.used == 1) {
    book.lone = static_cast<uint32_t>(ranked[0] & 0xffff);
    return book;
  }
  if (symbols > kMaxCountedSymbols || limit > kLongestCode || (uint64_t{1} << limit) < book.used)
    fail(ErrorCode::internal, "code lengths: " + std::to_string(book.used) + " of " +
                                  std::to_string(symbols) + " symbols in codes of " +
                                  std::to_string(limit) + " bits");
  std::sort(ranked.begin(), ranked.end());
  std::vector<uint32_t> sorted(book.used);
  for (uint32_t r = 0; r < book.used; ++r) sorted[r] = static_cast<uint32_t>(ranked[r] >> 16);
  std::vector<uint8_t> by_rank(book.used);
  if (book.used <= kMaxSymbols)
    merge<kMaxSymbols>(sorted, limit, by_rank.data());
  else
    merge<kMaxCountedSymbols>(sorted, limit, by_rank.data());
  for (uint32_t r = 0; r < book.used; ++r) book.lengths[ranked[r] & 0xffff] = by_rank[r];
  book.codes = canonical_codes(book.lengths);
  return book;
}
}  // namespace

CodeBook make_code_book(std::span<const uint32_t> counts, uint32_t limit) {
  return make_book(counts, limit);
}
CodeBook make_code_book(std::span<const uint64_t> counts, uint32_t limit) {
  return make_book(counts, limit);
}

std::vector<uint32_t> canonical_codes(std::span<const uint8_t> lengths) {
  uint32_t per_length[kLongestCode + 1] = {};
  uint32_t used = 0, bits = 0;
  for (const uint8_t l : lengths) {
    if (l == 0) continue;
    if (l > kLongestCode)
      fail(ErrorCode::internal, "canonical codes: a length of " + std::to_string(l));
    ++per_length[l];
    ++used;
    bits = std::max<uint32_t>(bits, l);
  }
  huffman::CanonicalCode<kLongestCode> canonical;
  if (!huffman::make_canonical(per_length, bits, used, canonical))
    fail(ErrorCode::internal, "canonical codes: the lengths make no prefix code");
  std::vector<uint32_t> codes(lengths.size(), 0);
  for (size_t s = 0; s < lengths.size(); ++s)
    if (const uint32_t l = lengths[s]) codes[s] = huffman::pack_code(canonical.first[l]++, l);
  return codes;
}
}  // namespace gramzip
