// SPDX-License-Identifier: Apache-2.0
// Which symbols of codec quantized have phrases, and which runs share a code table: by measured
// cost, in integers, the same for every backend.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "host/model/quant_table.h"
#include "host/model/run_classes.h"

namespace gramzip::quant {
// Runs that stand for those of all blocks that are to be coded.
struct LevelSample {
  uint32_t levels = 0;            // N; along a trellis, those of a quantizer
  uint32_t quantizers = 1;        // along a trellis 2, and indexes are the symbols of both
  uint32_t all_runs = 0;          // that are to be coded
  std::vector<uint32_t> numbers;  // of the runs of the sample in the segment
  std::vector<uint16_t> indexes;  // their levels, or the escape (`levels`), one after another
  std::vector<uint32_t> begin;    // of each run in indexes, and the end
  // Runs from one of these to the next lie side by side, as those of a lane do.
  std::vector<uint32_t> stretches;
  uint32_t size() const { return static_cast<uint32_t>(numbers.size()); }
};
// runs: the numbers of those that are to be coded, ascending. run(r): the indexes of run r.
template <class Run>
LevelSample sample_levels(uint32_t levels, std::span<const uint32_t> runs, const Run& run);
inline constexpr uint32_t kSampleRuns = 1024;  // 256 Ki elements: all of a small tensor
inline constexpr uint32_t kStretchRuns = 32;

// Classes by histograms of levels; symbols of the costs are levels and the escape, or those of both
// quantizers.
model::RunClasses train_level_classes(const LevelSample& s);

// Levels begin to end - 1 are coded as such, all others as escapes; with these expansions.
struct PhraseChoice {
  uint32_t begin = 0, end = 0;
  std::vector<uint16_t> expansions;
};
// class_ids: of each run of the sample. The cheapest of several ranges of levels, each with the
// number of expansions that is best for it, where what counts is the cheaper one of a table for all
// runs and a table for each class, tables, ids and escaped elements included. zero_runs: all
// levels, and expansions of the most frequent one alone, one behind the other.
PhraseChoice choose_phrases(const LevelSample& s, std::span<const uint8_t> class_ids,
                            uint32_t classes, uint32_t element_bits, bool zero_runs);

template <class Run>
LevelSample sample_levels(uint32_t levels, std::span<const uint32_t> runs, const Run& run) {
  LevelSample s;
  s.levels = levels;
  s.all_runs = static_cast<uint32_t>(runs.size());
  // Every k-th stretch.
  const auto of = static_cast<uint32_t>(ceil_div(s.all_runs, kSampleRuns));
  for (uint32_t i = 0; i < s.all_runs; ++i) {
    if (i / kStretchRuns % of != 0) continue;
    const std::span<const uint16_t> indexes = run(runs[i]);
    if (i % kStretchRuns == 0 || runs[i] != s.numbers.back() + 1) s.stretches.push_back(s.size());
    s.numbers.push_back(runs[i]);
    s.begin.push_back(static_cast<uint32_t>(s.indexes.size()));
    s.indexes.insert(s.indexes.end(), indexes.begin(), indexes.end());
  }
  s.begin.push_back(static_cast<uint32_t>(s.indexes.size()));
  s.stretches.push_back(s.size());
  return s;
}
}  // namespace gramzip::quant
