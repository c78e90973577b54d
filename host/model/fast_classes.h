// SPDX-License-Identifier: Apache-2.0
// Code tables of a segment of fast floats, and which of them each run of exponents takes. Integers
// only: the same on every machine.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/run_classes.h"
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

// The same in three steps, of which another machine may take the second: a run's class is that of
// the lowest cost, the lowest of equals (core/run_classes.h, choose_class), and exponents are
// counted by class.
struct FastTraining {
  uint32_t classes;
  std::vector<ClassCost> costs;  // [exponent][kMaxTables], if there are 2 classes or more
};
FastTraining train_fast_classes(std::span<const uint8_t> exponents,
                                std::span<const uint32_t> run_begin);
// counts: of the exponents below counts.size(), of one class.
CodeBook make_fast_book(std::span<const uint32_t> counts);
}  // namespace gramzip::model
