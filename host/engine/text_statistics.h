// SPDX-License-Identifier: Apache-2.0
// What training counts in parsed text.
#pragma once
#include <span>
#include <vector>

#include "host/cpu/text_parse.h"
#include "host/model/bigrams.h"
#include "host/model/class_codes.h"

namespace gramzip {
using Tokens = std::span<const cpu::SegmentTokens>;

std::vector<uint64_t> count_symbols(Tokens text, uint32_t symbols);
// strings_end: the first match symbol. number_of[s], if given, is the number that symbol s has in
// the result; symbols that occur have one.
model::Bigrams count_bigrams(Tokens text, uint32_t symbols,
                             std::span<const uint16_t> number_of = {});
model::DistanceCounts count_distances(Tokens text, uint32_t strings_end);
}  // namespace gramzip
