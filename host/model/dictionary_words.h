// SPDX-License-Identifier: Apache-2.0
// First step of training: the sample as a sequence of words, each word kept once.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "host/base/workers.h"

namespace gramzip::model {
// Work is cut by bytes of the sample, never by threads.
inline constexpr size_t kShardBytes = size_t{1} << 18;

// The words of one shard of the sample. Only sequence and global stay after split_words().
struct WordShard {
  std::vector<uint32_t> start;     // of each distinct word, its first place in the sample
  std::vector<uint8_t> length;     // of each
  std::vector<uint32_t> count;     // of each
  std::vector<uint64_t> hash;      // of each
  std::vector<uint32_t> sequence;  // the shard as words, by number within the shard
  std::vector<uint32_t> global;    // by number within the shard: number within Words
};
struct Words {
  std::vector<uint32_t> start;  // of each distinct word of the sample, by first appearance
  std::vector<uint8_t> length;
  std::vector<uint32_t> count;
  std::vector<WordShard> shards;
};

// A word is a run of letters (bytes from 128 on and '_' are letters) with the one space before it,
// or a run of digits, of blanks, of line ends and tabs, or of other bytes; of at most max_bytes
// bytes.
Words split_words(std::span<const uint8_t> sample, uint32_t max_bytes, Workers& workers);
}  // namespace gramzip::model
