// SPDX-License-Identifier: Apache-2.0
// From text to a model.
#pragma once
#include <cstdint>
#include <span>

#include "host/model/ngram_model.h"

namespace gramzip::model {
struct TrainOptions {
  uint8_t effort = 6;         // 1 to 9
  uint32_t entries = 0;       // strings at most; 0: by size
  uint32_t classes = 0;       // at most; 0: by size
  int threads = 0;            // 0: one a core
  uint64_t sample_bytes = 0;  // of the text; 0: by effort
};
// text: pieces, each parsed by itself. The same model at any thread count.
NgramModel train_model(std::span<const std::span<const uint8_t>> text, const TrainOptions& options);
}  // namespace gramzip::model
