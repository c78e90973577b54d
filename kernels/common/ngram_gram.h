// SPDX-License-Identifier: Apache-2.0
// The n-grams of kernels/ngram_count as its tables see them: a slot value of 64 bits, never 0, and
// whether two of them are the same n-gram.
#pragma once
#include "gramzip/core/ngram.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
using Word64 = unsigned long long;  // the type of 64-bit atomics

struct Gram {
  // 0: packed, the key of eight 0xff; words, no n-gram (hash 0) or one that is too long.
  Word64 slot;
  uint64_t hash;
};

// A slot of n-grams that are found by one of their occurrences: the hash's upper 24 bits (the lower
// ones are the index), position + 1.
inline constexpr uint32_t kPlaceBits = 40;
__device__ inline Word64 place_slot(uint64_t hash, uint64_t at) {
  return (hash >> kPlaceBits) << kPlaceBits | (at + 1);
}
__device__ inline uint64_t slot_place(Word64 slot) {
  return (slot & ((Word64{1} << kPlaceBits) - 1)) - 1;
}

// Up to 8 bytes: the slot is the key plus 1, and equality is that of slots.
struct PackedGrams {
  static constexpr bool kPacked = true;
  const uint8_t* content;
  uint32_t n;

  __device__ Gram at_key(uint64_t key) const { return {key + 1, hash_ngram_key(key)}; }
  __device__ bool starts(const NgramPiece& piece, uint64_t at) const { return piece.end - at >= n; }
  __device__ Gram at(uint64_t, uint64_t at) const { return at_key(ngram_key(content + at, n)); }
  __device__ Gram of_slot(Word64 slot) const { return at_key(slot - 1); }
  __device__ bool same(Word64 a, Word64 b) const { return a == b; }
  __device__ uint64_t id(Word64 slot) const { return slot - 1; }
};

// 9 to 32 bytes.
struct LongGrams {
  static constexpr bool kPacked = false;
  const uint8_t* content;
  uint32_t n;

  __device__ bool starts(const NgramPiece& piece, uint64_t at) const { return piece.end - at >= n; }
  __device__ Gram at(uint64_t, uint64_t at) const {
    NgramHash h;
    uint64_t word = 0;
    for (uint32_t i = 0; i < n; ++i) {
      word |= uint64_t{content[at + i]} << (8 * (i % 8));
      if (i % 8 == 7 || i + 1 == n) {
        h.add(word);
        word = 0;
      }
    }
    const uint64_t hash = h.finish(n);
    return {place_slot(hash, at), hash};
  }
  __device__ Gram of_slot(Word64 slot) const { return at(0, slot_place(slot)); }
  __device__ bool same(Word64 a, Word64 b) const {
    if (a == b) return true;
    if (a >> kPlaceBits != b >> kPlaceBits) return false;
    const uint8_t *x = content + slot_place(a), *y = content + slot_place(b);
    for (uint32_t i = 0; i < n; ++i)
      if (x[i] != y[i]) return false;
    return true;
  }
  __device__ uint64_t id(Word64 slot) const { return slot_place(slot); }
};

// The bytes of the word n-gram at a place, one after the other, as n-grams are written.
struct WordWalk {
  const uint8_t* p;
  uint64_t end, at;
  uint32_t words;  // still to come, the current one included
  bool lower;

  // 0 behind the last byte; bytes of words are never 0.
  __device__ uint8_t next() {
    if (words == 0) return 0;
    if (at < end) {
      const uint8_t b = p[at];
      if (is_letter(b) || (b == '\'' && at + 1 < end && is_letter(p[at + 1]))) {
        ++at;
        return fold_case(b, lower);
      }
    }
    if (--words == 0) return 0;
    at = next_letter(p, end, at);
    return ' ';
  }
  // The run ended before all words were there.
  __device__ bool cut_off() const { return words > 0 && at >= end; }
};

struct WordGrams {
  static constexpr bool kPacked = false;
  // Complete n-grams are read without the bound of their run: their words end where it ends.
  static constexpr uint64_t kNoEnd = UINT64_MAX;
  const uint8_t* content;
  uint32_t n;
  bool lower;

  __device__ bool starts(const NgramPiece& piece, uint64_t at) const {
    return word_starts(content, piece.begin, at);
  }
  __device__ Gram at(uint64_t end, uint64_t at) const {
    WordWalk walk{content, end, at, n, lower};
    NgramHash h;
    uint64_t word = 0, length = 0;
    while (const uint8_t b = walk.next()) {
      if (walk.cut_off() && b == ' ') return {0, 0};
      word |= uint64_t{b} << (8 * (length % 8));
      if (++length % 8 == 0) {
        h.add(word);
        word = 0;
      }
      if (length > kMaxNgramLength) return {0, 1};
    }
    if (length % 8 != 0) h.add(word);
    const uint64_t hash = h.finish(length);
    return {place_slot(hash, at), hash};
  }
  __device__ Gram of_slot(Word64 slot) const { return at(kNoEnd, slot_place(slot)); }
  __device__ bool same(Word64 a, Word64 b) const {
    if (a == b) return true;
    if (a >> kPlaceBits != b >> kPlaceBits) return false;
    WordWalk x{content, kNoEnd, slot_place(a), n, lower};
    WordWalk y{content, kNoEnd, slot_place(b), n, lower};
    for (;;) {
      const uint8_t c = x.next();
      if (c != y.next()) return false;
      if (c == 0) return true;
    }
  }
  __device__ uint64_t id(Word64 slot) const { return slot_place(slot); }
};
}  // namespace gramzip::kernels
