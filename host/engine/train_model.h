// SPDX-License-Identifier: Apache-2.0
// A model of the n-gram text codec from text: dictionary, parse, pruning, classes, codes, in
// rounds.
#pragma once
#include <cstdint>
#include <span>

#include "host/model/ngram_model.h"

namespace gramzip {
struct TrainOptions {
  uint8_t effort = 6;         // 1 to 9
  uint32_t entries = 0;       // strings at most; 0: by the size of the text
  uint32_t classes = 0;       // at most 128; 0: by the size of the text
  uint64_t sample_bytes = 0;  // how much text is parsed; 0: by effort
  int threads = 0;            // 0: one a core
  // The text to be coded is more than this, or another: the model keeps codes for what it has not
  // seen.
  bool general = false;
};
// text: pieces of up to 16 MiB, each parsed by itself. The result, whose id is set, is the same at
// any number of threads. Memory: about 12 bytes (24 at effort 7 and more) a byte of the sample.
model::NgramModel train_model(std::span<const std::span<const uint8_t>> text,
                              const TrainOptions& options);
}  // namespace gramzip
