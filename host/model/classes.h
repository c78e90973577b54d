// SPDX-License-Identifier: Apache-2.0
// Context classes: symbols that are followed by like symbols share a code table. k-means by coded
// size over bigram counts, in integers, the same at any number of threads.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "host/model/bigrams.h"

namespace gramzip::model {
struct ClusterOptions {
  uint32_t classes = 32;  // at most
  uint32_t rounds = 8;
  int threads = 1;
};
// column_of: the counting column of each symbol as a follower (see follower_columns).
// start: classes to begin with, or empty. Returns a class for each symbol; all numbers below the
// largest occur, and symbols that nothing follows have class 0.
std::vector<uint8_t> cluster_symbols(const Bigrams& bigrams, std::span<const uint16_t> column_of,
                                     std::span<const uint8_t> start, const ClusterOptions& options);

// Frequent symbols have a column for themselves, the rest share one by their first byte. That is
// faster than all columns, and clusters better: rare followers are noise. first_byte: of each
// symbol; match symbols give 256.
std::vector<uint16_t> follower_columns(std::span<const uint64_t> counts,
                                       std::span<const uint16_t> first_byte);
}  // namespace gramzip::model
