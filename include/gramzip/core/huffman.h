// SPDX-License-Identifier: Apache-2.0
// Length-limited canonical Huffman codes: the one definition for every backend.
//
// Lengths: package-merge (Larmore and Hirschberg 1990), optimal under the limit, ties fixed as
// docs/format.md says. Codes: canonical, in order of (length, symbol). A decoder needs only the
// number of codes of each length and the symbols in that order, and every entry of a look-up table
// can be computed by itself, so a table is built by as many threads as it has entries.
#pragma once
#include "gramzip/core/bitpack.h"
#include "gramzip/core/limits.h"

namespace gramzip::huffman {

// Workspace of package_merge for up to N symbols and lengths up to L. 12 bytes a symbol and
// level-bits.
template <uint32_t N, uint32_t L>
struct Workspace {
  uint32_t a[2 * N];                // weights of the level's list
  uint32_t b[2 * N];                // weights of the list before
  uint32_t is_leaf[L][2 * N / 32];  // bit i of a level: item i is a symbol, not a package
};

// Code lengths of n >= 2 symbols by rank. sorted: counts > 0, ascending, ties by symbol; their sum
// times L below 2^32. lengths[r] receives the length of the symbol of rank r. Needs n <= 2^limit,
// limit <= L.
template <uint32_t N, uint32_t L>
GRAMZIP_HD inline void package_merge(const uint32_t* sorted, uint32_t n, uint32_t limit,
                                     Workspace<N, L>& w, uint8_t* lengths) {
  uint32_t* list = w.a;
  uint32_t* previous = w.b;
  uint32_t previous_size = 0;
  for (uint32_t level = 0; level < limit; ++level) {
    const uint32_t packages = previous_size / 2;
    uint32_t leaf = 0, package = 0, size = 0, bits = 0;
    while (leaf < n || package < packages) {
      const uint32_t weight =
          package < packages ? previous[2 * package] + previous[2 * package + 1] : 0;
      // A symbol goes before a package of the same weight.
      const bool take_leaf = package >= packages || (leaf < n && sorted[leaf] <= weight);
      list[size] = take_leaf ? sorted[leaf++] : (++package, weight);
      bits |= (take_leaf ? 1u : 0u) << (size & 31);
      ++size;
      if ((size & 31) == 0) {
        w.is_leaf[level][size / 32 - 1] = bits;
        bits = 0;
      }
    }
    if (size & 31) w.is_leaf[level][size / 32] = bits;
    uint32_t* swap = list;
    list = previous;
    previous = swap;
    previous_size = size;
  }
  for (uint32_t r = 0; r < n; ++r) lengths[r] = 0;
  uint32_t take = 2 * n - 2;  // items of the last list that the code is made of
  for (uint32_t level = limit; level-- > 0;) {
    uint32_t leaves = 0;
    for (uint32_t i = 0; i < take; ++i) leaves += (w.is_leaf[level][i / 32] >> (i & 31)) & 1u;
    for (uint32_t r = 0; r < leaves; ++r) ++lengths[r];
    take = 2 * (take - leaves);
  }
}

// What a decoder needs of a canonical code of lengths up to L besides the symbols in order.
template <uint32_t L>
struct CanonicalCode {
  uint32_t limit[L + 1];  // [l]: end of the codes of up to l bits, left-aligned to `bits`
  uint32_t first[L + 1];  // [l]: first code of l bits
  uint32_t rank[L + 1];   // [l]: rank of that code's symbol
  uint32_t bits;          // width of the look-up
  uint32_t symbols;       // symbols with a code
};
using Canonical = CanonicalCode<kMaxSymbolBits>;

// per_length[l]: codes of l bits, l = 1 to bits, bits <= L. Returns false unless the Kraft sum is
// 1, or the alphabet has one symbol or none (no code of 1 bit or more then).
template <uint32_t L>
GRAMZIP_HD inline bool make_canonical(const uint32_t* per_length, uint32_t bits, uint32_t symbols,
                                      CanonicalCode<L>& c) {
  uint32_t code = 0, rank = 0, end = 0;
  c.bits = bits;
  c.symbols = symbols;
  c.limit[0] = c.first[0] = c.rank[0] = 0;
  for (uint32_t l = 1; l <= L; ++l) {
    const uint32_t count = l <= bits ? per_length[l] : 0;
    code <<= 1;
    c.first[l] = code;
    c.rank[l] = rank;
    code += count;
    rank += count;
    if (l <= bits) end = code << (bits - l);
    c.limit[l] = end;
    if (end > (1u << bits)) return false;
  }
  if (symbols <= 1) return rank == 0;
  return end == (1u << bits) && rank == symbols;
}

struct Match {
  uint32_t length;
  uint32_t rank;
};
// The code at the top of `window`, `bits` bits, most significant first. A lone symbol has no bits.
template <uint32_t L>
GRAMZIP_HD inline Match find_code(const CanonicalCode<L>& c, uint32_t window) {
  if (c.symbols <= 1) return {0, 0};
  uint32_t l = 1;
  while (window >= c.limit[l]) ++l;  // ends: limit[bits] = 2^bits
  return {l, c.rank[l] + (window >> (c.bits - l)) - c.first[l]};
}

// ---- Code of a symbol, for encoders: bits as they lie in the bit string, and their number. ----
inline constexpr uint32_t kPackedCodeBits = 24;  // longest code that is packed so
GRAMZIP_HD inline uint32_t pack_code(uint32_t code, uint32_t length) {
  return reverse_bits(code, length) | (length << kPackedCodeBits);
}
GRAMZIP_HD inline uint32_t code_bits(uint32_t packed) {
  return packed & ((1u << kPackedCodeBits) - 1);
}
GRAMZIP_HD inline uint32_t code_length(uint32_t packed) { return packed >> kPackedCodeBits; }

// ---- Decode table, one symbol an entry: index = the next `bits` bits of the string. ----
// Entry: length in bits 0 to 3, symbol above.
GRAMZIP_HD inline uint16_t pack_entry(uint32_t symbol, uint32_t length) {
  return static_cast<uint16_t>((symbol << 4) | length);
}
GRAMZIP_HD inline uint32_t entry_symbol(uint32_t e) { return e >> 4; }
GRAMZIP_HD inline uint32_t entry_length(uint32_t e) { return e & 15u; }

// Entry `index` of the single-symbol table. by_rank: symbols in canonical order.
GRAMZIP_HD inline uint16_t single_entry(const Canonical& c, const uint16_t* by_rank,
                                        uint32_t index) {
  if (c.symbols == 0) return 0;
  const Match m = find_code(c, reverse_bits(index, c.bits));
  return pack_entry(by_rank[m.rank], m.length);
}

// ---- Decode table, up to three byte symbols an entry. ----
// Entry: symbols in bits 0-7, 8-15, 16-23, their total length in bits 24-27, bits 28-29 zero, their
// number in bits 30-31. So (e >> 24) mod 64 is the length, and (e >> 24) sums up without carries.
inline constexpr uint32_t kMultiSymbols = 3;
GRAMZIP_HD inline uint32_t multi_count(uint32_t e) { return e >> 30; }
GRAMZIP_HD inline uint32_t multi_length(uint32_t e) { return (e >> 24) & 15u; }

// Entry `index` from the single-symbol table of the same width.
GRAMZIP_HD inline uint32_t multi_entry(const uint16_t* single, uint32_t bits, uint32_t index) {
  uint32_t used = 0, count = 0, symbols = 0;
  while (count < kMultiSymbols) {
    // The bits behind the index are unknown: a code that needs them is not taken.
    const uint32_t e = single[index >> used], length = entry_length(e);
    if (used + length > bits) break;
    symbols |= entry_symbol(e) << (8 * count);
    used += length;
    ++count;
  }
  return symbols | (used << 24) | (count << 30);
}
}  // namespace gramzip::huffman
