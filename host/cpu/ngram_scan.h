// SPDX-License-Identifier: Apache-2.0
// The scanning half of host/cpu/ngram_count: one thread's walk over pieces of a batch.
//
//   piece -> n-gram -> cache (private, in L2) -> on eviction: stage of the shard -> when full:
//   shard
//
// The cache sums up frequent n-grams without a lock; a shard is locked once for a stage. Integer
// sums have no order, so counts do not depend on who scans what.
#pragma once
#include <mutex>
#include <vector>

#include "host/cpu/ngram_table.h"

namespace gramzip::cpu {
inline constexpr uint32_t kDenseMax = 2;  // byte n-grams counted in a table of 256^n

struct NgramShard {
  std::mutex mutex;
  PackedTable packed;
  BytesTable bytes;
};
// All counts of a counter.
struct NgramStore {
  explicit NgramStore(const NgramSpec& s, uint64_t budget_bytes)
      : spec(s), budget(budget_bytes), shards(kNgramShards) {}
  bool dense() const { return spec.packed() && spec.n <= kDenseMax; }

  NgramSpec spec;
  NgramBudget budget;
  std::vector<NgramShard> shards;
  std::mutex dense_mutex;
  std::vector<uint64_t> dense_counts;  // by key, if dense()
};

// One thread's working memory: at most 512 KiB, and for words the text of its pieces.
class NgramScanner {
 public:
  explicit NgramScanner(NgramStore& store);
  // Counts the n-grams of a piece of the batch p, which has kNgramPadding readable bytes behind it.
  void scan(const uint8_t* p, const NgramPiece& piece);
  // Hands everything to the store. To be called before the batch goes away.
  void flush();
  // One n-gram of spec.n units, written as n-grams are, with 8 readable bytes behind it; flushed by
  // the caller before the bytes go away and before any scan.
  void add_one(const uint8_t* gram, uint64_t length, uint64_t count);

 private:
  static constexpr uint32_t kPackedCacheBits = 14, kBytesCacheBits = 13;
  static constexpr uint32_t kPackedStage = 128, kBytesStage = 64;

  void scan_dense(const uint8_t* p, uint64_t from, uint64_t to);
  void scan_packed(const uint8_t* p, uint64_t from, uint64_t to);
  void scan_bytes(const uint8_t* p, uint64_t from, uint64_t to);
  void scan_words(const uint8_t* p, const NgramPiece& piece);
  // Appends the word [from, to) and a space to the text.
  void append_word(const uint8_t* p, uint64_t from, uint64_t to);
  void count_bytes(const uint8_t* text, uint64_t at, uint64_t length);
  void drain_packed(uint32_t shard);
  void drain_bytes(uint32_t shard);

  NgramStore& store_;
  std::vector<uint32_t> dense_;
  std::vector<PackedTable::Slot> packed_cache_, packed_stage_;
  std::vector<BytesTable::Record> bytes_cache_, bytes_stage_;
  uint32_t staged_[kNgramShards] = {};
  const uint8_t* batch_ = nullptr;  // byte n-grams: what Record::at counts from
  std::vector<uint8_t> text_;       // words: the same
  uint64_t text_used_ = 0;
};
inline constexpr size_t kNgramPadding = kMaxNgramBytes + 8;
}  // namespace gramzip::cpu
