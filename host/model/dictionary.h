// SPDX-License-Identifier: Apache-2.0
// Chooses the n-grams of a text model from a sample (docs/decisions/0004-dictionary-training.md).
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gramzip::model {
inline constexpr uint32_t kMaxDictionaryEntries = 65000;
inline constexpr uint64_t kMaxSampleBytes = uint64_t{1} << 30;

struct DictionaryOptions {
  uint32_t entries = 8192;  // at most; 0 to kMaxDictionaryEntries
  uint32_t max_bytes = 31;  // of an n-gram, 2 to 32
  int threads = 0;          // 0: one a core
};

// n-grams of 2 to max_bytes bytes, distinct, ascending by bytes, at most `entries`. Any bytes are
// legal; the result depends on sample, entries and max_bytes alone. Time is linear: 4 MB take about
// 0.25 s of one processor, and most of it is shared among threads. Memory besides the sample: 3 to
// 5 bytes a byte of text, at most 32 a byte of any data, and 1 MB a thread. Fails with
// invalid_argument if an option or the sample is out of range.
std::vector<std::string> train_dictionary(std::span<const uint8_t> sample,
                                          const DictionaryOptions& options);
}  // namespace gramzip::model
