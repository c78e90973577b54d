// SPDX-License-Identifier: Apache-2.0
// How a model is trained: sizes and rounds by effort and by how much text there is.
#pragma once
#include <span>
#include <vector>

#include "host/engine/train_model.h"

namespace gramzip {
struct TrainPlan {
  uint8_t effort;
  bool general;                              // as in TrainOptions
  uint64_t dictionary_sample, parse_sample;  // bytes
  uint32_t entries, classes;
  uint32_t match_rounds;  // parses with matches before those with classes
  uint32_t class_rounds;  // parses with classes
  uint32_t prune_rounds;  // of them followed by pruning
};
TrainPlan make_train_plan(uint64_t bytes, const TrainOptions& options);

using Pieces = std::vector<std::span<const uint8_t>>;
// All of the text, or runs of it of about `run` bytes, spread evenly, `most` bytes together.
Pieces spread_sample(std::span<const std::span<const uint8_t>> text, uint64_t most, uint64_t run);
uint64_t total_bytes(std::span<const std::span<const uint8_t>> text);
}  // namespace gramzip
