// SPDX-License-Identifier: Apache-2.0
#include "host/engine/text_statistics.h"

namespace gramzip {
namespace {
// Calls f(before, symbol) for all symbols in order; a lane begins with the first context.
template <class F>
void for_each_bigram(Tokens text, F&& f) {
  for (const cpu::SegmentTokens& t : text)
    for (size_t lane = 0; lane + 1 < t.lane_symbols.size(); ++lane) {
      uint16_t before = text::kFirstContext;
      for (uint32_t i = t.lane_symbols[lane]; i < t.lane_symbols[lane + 1]; ++i) {
        f(before, t.symbols[i]);
        before = t.symbols[i];
      }
    }
}
}  // namespace

std::vector<uint64_t> count_symbols(Tokens text, uint32_t symbols) {
  std::vector<uint64_t> counts(symbols, 0);
  for (const cpu::SegmentTokens& t : text)
    for (const uint16_t s : t.symbols) ++counts[s];
  return counts;
}

model::Bigrams count_bigrams(Tokens text, uint32_t symbols, std::span<const uint16_t> number_of) {
  const auto number = [&](uint16_t s) { return number_of.empty() ? s : number_of[s]; };
  model::Bigrams b;
  b.row_begin.assign(symbols + 1, 0);
  size_t total = 0;
  for_each_bigram(text, [&](uint16_t before, uint16_t) {
    ++b.row_begin[number(before) + 1];
    ++total;
  });
  for (uint32_t s = 0; s < symbols; ++s) b.row_begin[s + 1] += b.row_begin[s];
  std::vector<uint64_t> at(b.row_begin.begin(), b.row_begin.end() - 1);
  b.next.resize(total);
  for_each_bigram(text, [&](uint16_t before, uint16_t symbol) {
    b.next[at[number(before)]++] = number(symbol);
  });
  return b;
}

model::DistanceCounts count_distances(Tokens text, uint32_t strings_end) {
  model::DistanceCounts counts{};
  for (const cpu::SegmentTokens& t : text) {
    size_t match = 0;
    for (const uint16_t s : t.symbols) {
      if (s < strings_end) continue;
      const uint32_t bucket = s - strings_end;
      if (bucket < text::kLengthBuckets)
        ++counts[text::length_class(bucket)][text::bucket_of(t.matches[match].distance)];
      ++match;
    }
  }
  return counts;
}
}  // namespace gramzip
