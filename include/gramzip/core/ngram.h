// SPDX-License-Identifier: Apache-2.0
// What an n-gram is. Host and device count by these definitions, so their counts are equal.
//
// Byte n-grams: at every position of a file that has n bytes before the file's end, n = 1 to 32.
// Word n-grams: n = 1 to 4 consecutive words, written with one space between them, whatever stands
// between them in the file. They cross lines and punctuation. No n-gram crosses from file to file.
//
// A word is a maximal run of letters: A-Z, a-z, 0-9, '_' and every byte from 0x80 on, so that words
// in UTF-8 stay whole; an apostrophe between two letters belongs to the word. don't, rock'n'roll
// and x_1 are words; 'tis gives tis, dogs' gives dogs. Typographic quotes and dashes are bytes from
// 0x80 on and so part of the word they touch. Whether a word starts at a byte is known from it and
// the two bytes before it.
#pragma once
#include "gramzip/core/wire.h"

namespace gramzip {
inline constexpr uint32_t kMaxNgramBytes = 32;
inline constexpr uint32_t kMaxNgramWords = 4;
inline constexpr uint32_t kMaxPackedNgram = 8;
// The longest word n-gram in bytes, spaces included. Files with longer ones are refused.
inline constexpr uint32_t kMaxNgramLength = (1u << 24) - 1;

enum class NgramUnit : uint32_t { bytes, words };

struct NgramSpec {
  NgramUnit unit = NgramUnit::bytes;
  uint32_t n = 1;
  bool lower = false;  // words: A-Z are counted as a-z

  GRAMZIP_HD constexpr bool valid() const {
    return n >= 1 && n <= (unit == NgramUnit::words ? kMaxNgramWords : kMaxNgramBytes) &&
           !(lower && unit == NgramUnit::bytes);
  }
  // The n-gram is an integer of 8 bytes.
  GRAMZIP_HD constexpr bool packed() const {
    return unit == NgramUnit::bytes && n <= kMaxPackedNgram;
  }
  friend bool operator==(const NgramSpec&, const NgramSpec&) = default;
};

// A unit of work: the n-grams whose first byte lies in [from, to) of a batch. They lie within the
// run [begin, end), bytes of one file. Behind a run stand two zero bytes, or another word starts
// there: a word that starts in the run ends in it, whatever is read behind it.
struct NgramPiece {
  uint64_t begin, end, from, to;
};

// ---- Words ----
GRAMZIP_HD constexpr bool is_letter(uint8_t b) {
  return b >= 0x80 || (b | 0x20u) - 'a' < 26u || b - uint32_t{'0'} < 10u || b == '_';
}
GRAMZIP_HD constexpr uint8_t fold_case(uint8_t b, bool lower) {
  return lower && b - uint32_t{'A'} < 26u ? static_cast<uint8_t>(b | 0x20u) : b;
}
// A word of the run that starts at `begin` starts at i.
GRAMZIP_HD inline bool word_starts(const uint8_t* p, uint64_t begin, uint64_t i) {
  if (!is_letter(p[i])) return false;
  if (i == begin) return true;
  if (is_letter(p[i - 1])) return false;
  return !(p[i - 1] == '\'' && i - 1 > begin && is_letter(p[i - 2]));
}
// The word before i, at i > begin or at begin, is not known to be over: bytes behind i may join it.
GRAMZIP_HD inline bool word_open(const uint8_t* p, uint64_t begin, uint64_t i) {
  return i > begin &&
         (is_letter(p[i - 1]) || (p[i - 1] == '\'' && i - 1 > begin && is_letter(p[i - 2])));
}
// The end of the word that starts at i, or that i is within.
GRAMZIP_HD inline uint64_t word_end(const uint8_t* p, uint64_t end, uint64_t i) {
  while (i < end && (is_letter(p[i]) || (p[i] == '\'' && i + 1 < end && is_letter(p[i + 1])))) ++i;
  return i;
}
// The first letter from i on, which behind a word's end starts the next word.
GRAMZIP_HD inline uint64_t next_letter(const uint8_t* p, uint64_t end, uint64_t i) {
  while (i < end && !is_letter(p[i])) ++i;
  return i;
}

// ---- Keys and hashes ----
// An n-gram of up to 8 bytes as an integer that sorts as its bytes do.
GRAMZIP_HD inline uint64_t ngram_key(const uint8_t* p, uint32_t n) {
  uint64_t key = 0;
  for (uint32_t i = 0; i < n; ++i) key = key << 8 | p[i];
  return key;
}
GRAMZIP_HD inline void store_ngram_key(uint64_t key, uint32_t n, uint8_t* p) {
  for (uint32_t i = 0; i < n; ++i) p[i] = static_cast<uint8_t>(key >> (8 * (n - 1 - i)));
}
// A bijection: keys are equal where their hashes are.
GRAMZIP_HD constexpr uint64_t hash_ngram_key(uint64_t key) {
  uint64_t h = key * 0x9e3779b97f4a7c15u;
  h ^= h >> 32;
  return h * 0xd6e8feb86659fd93u;
}
// Hash of an n-gram's bytes, eight at a time, little-endian, the last word filled with zeros. Equal
// hashes do not mean equal n-grams.
struct NgramHash {
  uint64_t h = 0x9ae16a3b2f90404fu;

  GRAMZIP_HD constexpr void add(uint64_t word) {
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
  }
  GRAMZIP_HD constexpr uint64_t finish(uint64_t length) const {
    uint64_t x = (h ^ length) * 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    return x * 0x9e3779b97f4a7c15u;
  }
};

// Counts are sharded by the upper bits of the hash.
inline constexpr uint32_t kNgramShardBits = 6;
inline constexpr uint32_t kNgramShards = 1u << kNgramShardBits;
GRAMZIP_HD constexpr uint32_t ngram_shard(uint64_t hash) {
  return static_cast<uint32_t>(hash >> (64 - kNgramShardBits));
}
}  // namespace gramzip
