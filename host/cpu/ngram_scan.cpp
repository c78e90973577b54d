// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/ngram_scan.h"

#include <algorithm>
#include <array>

#include "host/base/error.h"

namespace gramzip::cpu {
namespace {
constexpr std::array<bool, 256> kLetter = [] {
  std::array<bool, 256> t{};
  for (uint32_t b = 0; b < 256; ++b) t[b] = is_letter(static_cast<uint8_t>(b));
  return t;
}();
}  // namespace

NgramScanner::NgramScanner(NgramStore& store) : store_(store) {
  if (store.dense()) {
    dense_.assign(size_t{1} << (8 * store.spec.n), 0);
  } else if (store.spec.packed()) {
    packed_cache_.assign(size_t{1} << kPackedCacheBits, {0, 0});
    packed_stage_.resize(size_t{kNgramShards} * kPackedStage);
  } else {
    bytes_cache_.assign(size_t{1} << kBytesCacheBits, {0, 0, 0, 0});
    bytes_stage_.resize(size_t{kNgramShards} * kBytesStage);
  }
}

void NgramScanner::scan(const uint8_t* p, const NgramPiece& piece) {
  const NgramSpec& spec = store_.spec;
  batch_ = p;
  if (spec.unit == NgramUnit::words) return scan_words(p, piece);
  if (piece.end - piece.begin < spec.n) return;
  const uint64_t to = std::min(piece.to, piece.end - spec.n + 1);
  if (store_.dense()) return scan_dense(p, piece.from, to);
  if (spec.packed()) return scan_packed(p, piece.from, to);
  scan_bytes(p, piece.from, to);
}

void NgramScanner::scan_dense(const uint8_t* p, uint64_t from, uint64_t to) {
  if (store_.spec.n == 1) {
    for (uint64_t i = from; i < to; ++i) ++dense_[p[i]];
  } else {
    for (uint64_t i = from; i < to; ++i) ++dense_[uint32_t{p[i]} << 8 | p[i + 1]];
  }
}

// Without a branch on hit or miss: the evicted slot is written to the stage in any case, and the
// stage moves on if it was a miss. An empty slot (key 0, count 0) is a hit for key 0. The cache's
// index begins with the shard, so the evicted key has the shard of the new one.
void NgramScanner::scan_packed(const uint8_t* p, uint64_t from, uint64_t to) {
  const uint32_t drop = 64 - 8 * store_.spec.n;
  PackedTable::Slot* const cache = packed_cache_.data();
  PackedTable::Slot* const stages = packed_stage_.data();
  for (uint64_t i = from; i < to; ++i) {
    const uint64_t key = __builtin_bswap64(load_le<uint64_t>(p + i)) >> drop;
    const uint64_t hash = hash_ngram_key(key);
    PackedTable::Slot& c = cache[hash >> (64 - kPackedCacheBits)];
    const uint32_t shard = ngram_shard(hash);
    const uint32_t fill = staged_[shard];
    const bool hit = c.key == key;
    stages[shard * kPackedStage + fill] = c;
    const uint32_t now = fill + static_cast<uint32_t>(!hit & (c.count != 0));
    staged_[shard] = now;
    c.count = (hit ? c.count : 0) + 1;
    c.key = key;
    if (now == kPackedStage) drain_packed(shard);
  }
}

void NgramScanner::count_bytes(const uint8_t* text, uint64_t at, uint64_t length) {
  const uint64_t hash = hash_ngram_bytes(text + at, length);
  BytesTable::Record& c = bytes_cache_[hash >> (64 - kBytesCacheBits)];
  if (c.hash == hash && c.length == length && c.count != 0 &&
      same_bytes(text + c.at, text + at, length)) {
    ++c.count;
    return;
  }
  if (c.count != 0) {
    const uint32_t shard = ngram_shard(hash);
    bytes_stage_[shard * kBytesStage + staged_[shard]] = c;
    if (++staged_[shard] == kBytesStage) drain_bytes(shard);
  }
  c = {hash, at, length, 1};
}

void NgramScanner::scan_bytes(const uint8_t* p, uint64_t from, uint64_t to) {
  for (uint64_t i = from; i < to; ++i) count_bytes(p, i, store_.spec.n);
}

void NgramScanner::append_word(const uint8_t* p, uint64_t from, uint64_t to) {
  const uint64_t n = to - from;
  if (text_used_ + n + 1 + 16 > text_.size())
    text_.resize(std::max<uint64_t>(text_.size() * 2, text_used_ + n + (64 << 10)));
  uint8_t* out = text_.data() + text_used_;
  // Words are short: 16 bytes in any case, since both sides can be read so far.
  std::memcpy(out, p + from, 16);
  if (n > 16) std::memcpy(out + 16, p + from + 16, n - 16);
  if (store_.spec.lower)
    for (uint64_t i = 0; i < n; ++i) out[i] = fold_case(out[i], true);
  out[n] = ' ';
  text_used_ += n + 1;
}

// A word n-gram is a slice of the text that the words, one space behind each, make up.
void NgramScanner::scan_words(const uint8_t* p, const NgramPiece& piece) {
  const uint32_t n = store_.spec.n;
  const uint64_t end = piece.end;
  uint64_t i = piece.from;
  while (i < end && !word_starts(p, piece.begin, i)) ++i;
  // Of the last n words: where they start in the batch and in the text.
  uint64_t starts[kMaxNgramWords] = {}, texts[kMaxNgramWords] = {};
  for (uint64_t words = 0; i < end; ++words) {
    const uint64_t first = words < n - 1 ? 0 : words - (n - 1);
    starts[words % kMaxNgramWords] = i;
    if (starts[first % kMaxNgramWords] >= piece.to) return;
    uint64_t j = i + 1;
    for (;;) {
      while (kLetter[p[j]]) ++j;
      if (p[j] != '\'' || !kLetter[p[j + 1]]) break;
      j += 2;
    }
    texts[words % kMaxNgramWords] = text_used_;
    append_word(p, i, j);
    if (words + 1 >= n) {
      const uint64_t at = texts[first % kMaxNgramWords], length = text_used_ - 1 - at;
      if (length > kMaxNgramLength)
        fail(ErrorCode::limit,
             "counting: a word n-gram is longer than 16 MiB, so this is no text; count --bytes");
      count_bytes(text_.data(), at, length);
    }
    i = j;
    while (i < end && !kLetter[p[i]]) ++i;
  }
}

void NgramScanner::drain_packed(uint32_t shard) {
  NgramShard& s = store_.shards[shard];
  const std::lock_guard lock(s.mutex);
  s.packed.add({packed_stage_.data() + size_t{shard} * kPackedStage, staged_[shard]},
               store_.budget);
  staged_[shard] = 0;
}

void NgramScanner::drain_bytes(uint32_t shard) {
  NgramShard& s = store_.shards[shard];
  const uint8_t* text = store_.spec.unit == NgramUnit::words ? text_.data() : batch_;
  const std::lock_guard lock(s.mutex);
  s.bytes.add(text, {bytes_stage_.data() + size_t{shard} * kBytesStage, staged_[shard]},
              store_.budget);
  staged_[shard] = 0;
}

void NgramScanner::add_one(const uint8_t* gram, uint64_t length, uint64_t count) {
  if (store_.dense()) {
    const std::lock_guard lock(store_.dense_mutex);
    store_.dense_counts[ngram_key(gram, store_.spec.n)] += count;
    return;
  }
  if (store_.spec.packed()) {
    const uint64_t key = ngram_key(gram, store_.spec.n);
    const uint32_t shard = ngram_shard(hash_ngram_key(key));
    packed_stage_[shard * kPackedStage + staged_[shard]] = {key, count};
    if (++staged_[shard] == kPackedStage) drain_packed(shard);
    return;
  }
  const uint64_t hash = hash_ngram_bytes(gram, length);
  const BytesTable::Record r{hash, 0, length, count};
  NgramShard& s = store_.shards[ngram_shard(hash)];
  const std::lock_guard lock(s.mutex);
  s.bytes.add(gram, {&r, 1}, store_.budget);
}

void NgramScanner::flush() {
  if (store_.dense()) {
    const std::lock_guard lock(store_.dense_mutex);
    for (size_t k = 0; k < dense_.size(); ++k) store_.dense_counts[k] += dense_[k];
    std::fill(dense_.begin(), dense_.end(), 0u);
    return;
  }
  for (PackedTable::Slot& c : packed_cache_) {
    if (c.count == 0) continue;
    const uint32_t shard = ngram_shard(hash_ngram_key(c.key));
    packed_stage_[shard * kPackedStage + staged_[shard]] = c;
    c = {0, 0};
    if (++staged_[shard] == kPackedStage) drain_packed(shard);
  }
  for (BytesTable::Record& c : bytes_cache_) {
    if (c.count == 0) continue;
    const uint32_t shard = ngram_shard(c.hash);
    bytes_stage_[shard * kBytesStage + staged_[shard]] = c;
    c.count = 0;
    if (++staged_[shard] == kBytesStage) drain_bytes(shard);
  }
  for (uint32_t shard = 0; shard < kNgramShards; ++shard) {
    if (staged_[shard] == 0) continue;
    if (store_.spec.packed()) {
      drain_packed(shard);
    } else {
      drain_bytes(shard);
    }
  }
  text_used_ = 0;
}
}  // namespace gramzip::cpu
