// SPDX-License-Identifier: Apache-2.0
// Models for tests, made from generated text without a parser: strings by a greedy walk.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "host/model/class_codes.h"
#include "host/model/ngram_model.h"

namespace gramzip::testing {
// English-like text of made-up words, the same for the same seed.
std::vector<uint8_t> made_up_text(size_t bytes, uint64_t seed);
// Strings of the most frequent words and word ends of a text, sorted.
std::vector<std::string> frequent_strings(std::span<const uint8_t> text, size_t most);
// A model of sorted `strings` with statistics of `text`; ids and numbers as the format has them.
model::NgramModel greedy_model(std::span<const uint8_t> text, std::vector<std::string> strings,
                               uint32_t classes, model::CodeOptions::Reach reach);
}  // namespace gramzip::testing
