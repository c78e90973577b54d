// SPDX-License-Identifier: Apache-2.0
// Code tables of a model from its bigrams: which symbols a class codes by themselves and which by
// an escape, and the lengths of all codes.
#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "host/model/bigrams.h"
#include "host/model/ngram_model.h"

namespace gramzip::model {
// How often each distance bucket occurred in each length class.
using DistanceCounts =
    std::array<std::array<uint32_t, text::kDistanceBuckets>, text::kLengthClasses>;

struct CodeOptions {
  uint32_t entry_bits = 9;  // what a symbol's place in a class's table costs
  // Every symbol that a parser can choose has a code: bytes, matches, distances, and the strings
  // that occurred (`all`: all strings, while training goes on). Those that the counts alone would
  // leave without one weigh an eighth of a count if the text at hand is all that is coded, else
  // one.
  enum class Reach { trained, like_text, all } reach = Reach::like_text;
};
// Sets codes, global_lengths, popularity, class_of, distance_lengths and trained_symbols of m from
// its strings' bigrams and classes. counts: of each symbol.
void make_codes(NgramModel& m, const Bigrams& bigrams, std::span<const uint64_t> counts,
                std::span<const uint8_t> class_of, const DistanceCounts& distances,
                const CodeOptions& options);
}  // namespace gramzip::model
