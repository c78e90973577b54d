// SPDX-License-Identifier: Apache-2.0
#include "host/model/dictionary_words.h"

#include <array>
#include <cstring>

namespace gramzip::model {
namespace {
enum Class : uint8_t { letter, digit, blank, line, other };

constexpr std::array<Class, 256> make_classes() {
  std::array<Class, 256> classes{};
  for (uint32_t c = 0; c < 256; ++c) {
    const uint32_t small = c | 32u;
    classes[c] = (small >= 'a' && small <= 'z') || c == '_' || c >= 128 ? letter
                 : c >= '0' && c <= '9'                                 ? digit
                 : c == ' '                                             ? blank
                 : c == '\n' || c == '\t' || c == '\r'                  ? line
                                                                        : other;
  }
  return classes;
}
constexpr std::array<Class, 256> kClass = make_classes();

// The end of the word that starts at i.
size_t word_end(std::span<const uint8_t> d, size_t i, size_t end, uint32_t max_bytes) {
  Class c = kClass[d[i]];
  size_t j = i + 1;
  if (c == blank && j < end && kClass[d[j]] == letter) {
    c = letter;
    ++j;
  }
  const size_t limit = std::min<size_t>(end, i + max_bytes);
  while (j < limit && kClass[d[j]] == c) ++j;
  // The last space before a word belongs to the word.
  if (c == blank && j < end && j - i > 1 && kClass[d[j]] == letter) --j;
  return j;
}

// Only the speed depends on the hash, not the result.
uint64_t hash_word(const uint8_t* p, size_t n, const uint8_t* end) {
  uint64_t h = n * 0x2545f4914f6cdd1dull;
  for (size_t at = 0; at < n; at += 8) {
    uint64_t x = 0;
    const size_t left = n - at;
    if (end - (p + at) >= 8) {
      std::memcpy(&x, p + at, 8);
      if (left < 8) x &= (uint64_t{1} << (8 * left)) - 1;
    } else {
      std::memcpy(&x, p + at, std::min<size_t>(left, 8));
    }
    h = (h ^ x) * 0x9e3779b97f4a7c15ull;
    h ^= h >> 29;
  }
  return h ^ h >> 32;
}

// Numbers of distinct words by open addressing: slots hold number + 1, 0 is free.
class WordTable {
 public:
  explicit WordTable(size_t words) : slots_(std::bit_ceil(2 * words + 16), 0) {}

  // The number of the word for which same(number) holds, or `next`, which is then its number.
  // hash_of(number) is asked when the table grows.
  template <class Same, class HashOf>
  uint32_t find(uint64_t hash, uint32_t next, Same&& same, HashOf&& hash_of) {
    if (2 * size_t{next} >= slots_.size()) {
      std::vector<uint32_t> larger(2 * slots_.size(), 0);
      for (uint32_t k = 0; k < next; ++k) {
        size_t at = hash_of(k) & (larger.size() - 1);
        while (larger[at] != 0) at = (at + 1) & (larger.size() - 1);
        larger[at] = k + 1;
      }
      slots_.swap(larger);
    }
    for (size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      const uint32_t slot = slots_[at];
      if (slot == 0) return slots_[at] = next + 1, next;
      if (same(slot - 1)) return slot - 1;
    }
  }

 private:
  std::vector<uint32_t> slots_;
};

void split_shard(std::span<const uint8_t> sample, size_t begin, size_t end, uint32_t max_bytes,
                 WordShard& shard) {
  WordTable table(1u << 14);
  const uint8_t* data = sample.data();
  shard.sequence.reserve((end - begin) / 3);
  for (size_t i = begin; i < end;) {
    const size_t j = word_end(sample, i, end, max_bytes);
    const auto n = static_cast<uint8_t>(j - i);
    const uint64_t hash = hash_word(data + i, n, data + sample.size());
    const auto next = static_cast<uint32_t>(shard.start.size());
    const uint32_t k = table.find(
        hash, next,
        [&](uint32_t w) {
          return shard.hash[w] == hash && shard.length[w] == n &&
                 std::memcmp(data + shard.start[w], data + i, n) == 0;
        },
        [&](uint32_t w) { return shard.hash[w]; });
    if (k == next) {
      shard.start.push_back(static_cast<uint32_t>(i));
      shard.length.push_back(n);
      shard.count.push_back(0);
      shard.hash.push_back(hash);
    }
    ++shard.count[k];
    shard.sequence.push_back(k);
    i = j;
  }
}
}  // namespace

Words split_words(std::span<const uint8_t> sample, uint32_t max_bytes, Workers& workers) {
  Words words;
  words.shards.resize((sample.size() + kShardBytes - 1) / kShardBytes);
  workers.run(words.shards.size(), [&](size_t s, size_t) {
    const size_t begin = s * kShardBytes;
    split_shard(sample, begin, std::min(sample.size(), begin + kShardBytes), max_bytes,
                words.shards[s]);
  });
  // In order of shards: numbers go by first appearance.
  WordTable table(words.shards.empty() ? 0 : 2 * words.shards[0].start.size());
  std::vector<uint64_t> hashes;
  const uint8_t* data = sample.data();
  for (WordShard& shard : words.shards) {
    shard.global.resize(shard.start.size());
    for (size_t w = 0; w < shard.start.size(); ++w) {
      const auto next = static_cast<uint32_t>(words.start.size());
      const uint32_t k = table.find(
          shard.hash[w], next,
          [&](uint32_t other) {
            return hashes[other] == shard.hash[w] && words.length[other] == shard.length[w] &&
                   std::memcmp(data + words.start[other], data + shard.start[w], shard.length[w]) ==
                       0;
          },
          [&](uint32_t other) { return hashes[other]; });
      if (k == next) {
        words.start.push_back(shard.start[w]);
        words.length.push_back(shard.length[w]);
        words.count.push_back(0);
        hashes.push_back(shard.hash[w]);
      }
      words.count[k] += shard.count[w];
      shard.global[w] = k;
    }
    shard.start = {};
    shard.length = {};
    shard.count = {};
    shard.hash = {};
  }
  return words;
}
}  // namespace gramzip::model
