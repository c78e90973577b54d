// SPDX-License-Identifier: Apache-2.0
// Random models of n-gram text and their codes: any set of lengths that docs/format.md, 10 allows
// can come out, not only those that a trainer would choose.
#pragma once
#include <memory>
#include <random>

#include "host/model/text_model.h"

namespace gramzip::test {
std::shared_ptr<const model::TextModel> random_model(uint64_t seed);

// A code as it goes into a bit string: the first bit is bit 0. length 0: none.
struct BitCode {
  uint32_t bits = 0;
  uint32_t length = 0;
};
// Canonical codes of lengths, by symbol.
std::vector<BitCode> canonical_codes(std::span<const uint8_t> lengths);

// All codes of a model, by symbol; written from docs/format.md, 9 and not from the decoder.
struct ModelCodes {
  explicit ModelCodes(const model::NgramModel& m);
  std::vector<std::vector<BitCode>> classes;  // of each class; the escape is the last
  std::vector<BitCode> global;
  std::vector<std::vector<BitCode>> distances;
};
}  // namespace gramzip::test
