// SPDX-License-Identifier: Apache-2.0
// Code tables of a segment of fast floats, and which of them each run of exponents takes. Integers
// only: the same on every machine.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "host/model/code_lengths.h"

namespace gramzip::model {
struct FastClasses {
  std::vector<CodeBook> books;  // kFastSymbols symbols of a book at most have a code
  std::vector<uint8_t> ids;     // one a run, below books.size()
};
// exponents: below 256, of all blocks that are to be coded. run_begin: where in them each run
// begins, and their end.
FastClasses choose_fast_classes(std::span<const uint8_t> exponents,
                                std::span<const uint32_t> run_begin);
}  // namespace gramzip::model
