// SPDX-License-Identifier: Apache-2.0
// Inputs for tests of n-gram counting, and the naive count that all others are compared with.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "gramzip/core/ngram.h"

namespace gramzip::test {
using Files = std::vector<std::vector<uint8_t>>;

// Byte n-grams of every kind of length, word n-grams of all.
std::vector<NgramSpec> ngram_specs();
std::string spec_name(const NgramSpec& spec);
// Empty, 1 byte, shorter than n, all equal, NULs, bytes 0xff, invalid UTF-8, apostrophes, one word,
// many small files, random; the last is text. About `bytes` each.
std::vector<std::pair<std::string, Files>> ngram_inputs(size_t bytes);
std::vector<uint8_t> ngram_noise(size_t bytes);

// Written without core/ngram.h's functions, straight from its text.
std::map<std::string, uint64_t> naive_count(const Files& files, const NgramSpec& spec);
}  // namespace gramzip::test
