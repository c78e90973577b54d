// SPDX-License-Identifier: Apache-2.0
#include "host/model/dictionary.h"

#include <algorithm>

#include "gramzip/core/trie.h"
#include "host/base/error.h"
#include "host/base/workers.h"
#include "host/model/dictionary_merge.h"
#include "host/model/dictionary_prune.h"

namespace gramzip::model {
std::vector<std::string> train_dictionary(std::span<const uint8_t> sample,
                                          const DictionaryOptions& options) {
  if (options.entries > kMaxDictionaryEntries)
    fail(ErrorCode::invalid_argument, "dictionary: " + std::to_string(options.entries) +
                                          " entries; give at most " +
                                          std::to_string(kMaxDictionaryEntries));
  if (options.max_bytes < 2 || options.max_bytes > kTrieMaxBytes)
    fail(ErrorCode::invalid_argument, "dictionary: n-grams of at most " +
                                          std::to_string(options.max_bytes) +
                                          " bytes; give 2 to 32");
  if (sample.size() > kMaxSampleBytes)
    fail(ErrorCode::invalid_argument, "dictionary: a sample of " + std::to_string(sample.size()) +
                                          " bytes; give at most 1 GiB, evenly drawn");
  if (sample.size() < 2 || options.entries == 0) return {};
  Workers workers(options.threads);
  // 2.5 seeds an entry; symbols have 16 bits, so large dictionaries get fewer.
  const size_t seeds = std::min<size_t>(size_t{options.entries} * 5 / 2, kMaxDictionaryEntries);
  return prune_seeds(sample, grow_seeds(sample, seeds, options.max_bytes, workers), options.entries,
                     workers);
}
}  // namespace gramzip::model
