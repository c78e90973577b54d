// SPDX-License-Identifier: Apache-2.0
// The tables of host/cpu/ngram_count: open addressing, linear probing, at most 3/4 full, doubled.
// Capacity follows from the number of n-grams alone, so memory does not depend on their order.
#pragma once
#include <atomic>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "gramzip/core/ngram.h"

namespace gramzip::cpu {
// Memory that counts may take. What was charged is never given back, so whether a limit is met
// depends on the input alone, not on threads.
class NgramBudget {
 public:
  explicit NgramBudget(uint64_t bytes) : bytes_(bytes) {}
  // Throws Error(limit).
  void charge(uint64_t bytes) {
    if (used_.fetch_add(bytes, std::memory_order_relaxed) + bytes > bytes_) refuse();
  }
  uint64_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  [[noreturn]] void refuse() const;
  const uint64_t bytes_;
  std::atomic<uint64_t> used_ = 0;
};

// The first min(n, 8) bytes of p, of which 8 can be read, filled with zeros.
inline uint64_t load_up_to_8(const uint8_t* p, size_t n) {
  const auto v = load_le<uint64_t>(p);
  return n >= 8 ? v : v & ((uint64_t{1} << (8 * n)) - 1);
}
// Of n bytes, n > 0, with 8 readable bytes from the last word's start.
inline uint64_t hash_ngram_bytes(const uint8_t* p, size_t n) {
  NgramHash h;
  for (size_t i = 0; i < n; i += 8) h.add(load_up_to_8(p + i, n - i));
  return h.finish(n);
}
// Reads as hash_ngram_bytes does.
inline bool same_bytes(const uint8_t* a, const uint8_t* b, size_t n) {
  for (size_t i = 0; i < n; i += 8)
    if (load_up_to_8(a + i, n - i) != load_up_to_8(b + i, n - i)) return false;
  return true;
}

// Counts of n-grams of up to 8 bytes. A slot with count 0 is empty.
class PackedTable {
 public:
  struct Slot {
    uint64_t key, count;
  };
  // Adds counts that are not 0.
  void add(std::span<const Slot> records, NgramBudget& budget) {
    if (slots_.empty()) grow(budget);
    for (const Slot& r : records) __builtin_prefetch(&slots_[place(hash_ngram_key(r.key))], 1);
    for (const Slot& r : records) {
      Slot& s = find(r.key);
      if (s.count == 0) {
        s.key = r.key;
        ++used_;
      }
      s.count += r.count;
      if (used_ * 4 > slots_.size() * 3) grow(budget);
    }
  }
  uint64_t used() const { return used_; }
  std::span<const Slot> slots() const { return slots_; }

 private:
  size_t place(uint64_t hash) const { return (hash << kNgramShardBits) >> shift_; }
  Slot& find(uint64_t key) {
    size_t i = place(hash_ngram_key(key));
    while (slots_[i].count != 0 && slots_[i].key != key) i = (i + 1) & (slots_.size() - 1);
    return slots_[i];
  }
  void grow(NgramBudget& budget);

  std::vector<Slot> slots_;
  uint32_t shift_ = 0;
  uint64_t used_ = 0;
};

// Counts of n-grams of any length. A hash finds the slot, the bytes decide.
class BytesTable {
 public:
  struct Record {
    uint64_t hash;
    uint64_t at;  // in the adder's text
    uint64_t length;
    uint64_t count;
  };
  struct Slot {
    uint64_t hash, count;
    uint64_t where;  // of the bytes: at << 24 | length
    uint64_t at() const { return where >> 24; }
    uint64_t length() const { return where & kMaxNgramLength; }
  };
  // Adds counts that are not 0 of n-grams of a text with 8 readable bytes behind it.
  void add(const uint8_t* text, std::span<const Record> records, NgramBudget& budget);
  uint64_t used() const { return used_; }
  std::span<const Slot> slots() const { return slots_; }
  const uint8_t* bytes(const Slot& s) const { return bytes_.data() + s.at(); }

 private:
  size_t place(uint64_t hash) const { return (hash << kNgramShardBits) >> shift_; }
  uint64_t keep(const uint8_t* p, uint64_t length, NgramBudget& budget);
  void grow(NgramBudget& budget);

  std::vector<Slot> slots_;
  std::vector<uint8_t> bytes_;  // of all n-grams, and 8 bytes to read into
  uint64_t bytes_used_ = 0;
  uint32_t shift_ = 0;
  uint64_t used_ = 0;
};
}  // namespace gramzip::cpu
