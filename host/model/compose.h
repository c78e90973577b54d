// SPDX-License-Identifier: Apache-2.0
// Strings as sequences of shorter strings and bytes (docs/format.md, 10): how a model stores its
// dictionary in some 20 bits a string.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "host/model/ngram_model.h"

namespace gramzip::model {
struct Composition {
  std::vector<uint32_t> order;               // the string of symbol 256 + i is sorted[order[i]]
  std::vector<std::vector<uint16_t>> parts;  // of symbol 256 + i
};
// sorted: distinct strings of 2 to 32 bytes, ascending. Numbers them by their first parts, breadth
// first, as the format does.
Composition compose(std::span<const std::string> sorted);

// Gives a trained model, whose strings are sorted, the parts and the numbers of the format.
void number_by_parts(NgramModel& m);
}  // namespace gramzip::model
