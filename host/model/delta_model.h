// SPDX-License-Identifier: Apache-2.0
// What the encoder of codec delta decides for a segment, classes of runs and code tables, and which
// of the codecs a segment with a base takes. Integers throughout, the same for every backend.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/delta.h"
#include "host/model/code_lengths.h"

namespace gramzip::model {
// Codec delta.
struct DeltaModel {
  uint32_t classes = 1;
  std::vector<uint8_t> class_of_run;  // below classes
  std::vector<uint16_t> bounds;       // of each table but the first, rising
  std::vector<CodeBook> books;        // 1 to kMaxTables
  // What codes and tables will take, about; and with codec sparse_delta, if that was asked for.
  uint64_t bytes = 0, sparse_bytes = UINT64_MAX;
};
// symbols, exponents: of all elements of the blocks to be coded, one or more, in order; all blocks
// but the last are whole.
DeltaModel make_delta_model(std::span<const uint8_t> symbols, std::span<const uint16_t> exponents,
                            bool sparse_too);

// Which of the codecs a segment tries, by elements that change and elements in all.
struct DeltaChoice {
  bool dense, sparse;
};
DeltaChoice choose_delta(uint64_t changes, uint64_t elements);
// Of a model made with sparse_too: whether codec sparse_delta will make such a segment smaller.
bool sparse_is_less(const DeltaModel& m, uint32_t decoded_bytes);
// A coding against a base of so many bytes beats the codec of the type, which need not be tried.
bool surely_smaller(ElementType type, uint64_t coded, uint64_t content);
}  // namespace gramzip::model
