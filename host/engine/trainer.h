// SPDX-License-Identifier: Apache-2.0
// Trains one model by a plan: dictionary, parse, pruning, classes, codes, in rounds.
#pragma once
#include <tbb/task_arena.h>

#include <memory>
#include <string>
#include <vector>

#include "host/cpu/text_parse.h"
#include "host/engine/text_statistics.h"
#include "host/engine/train_plan.h"
#include "host/model/trie.h"

namespace gramzip {
class Trainer {
 public:
  Trainer(std::span<const std::span<const uint8_t>> text, const TrainPlan& plan, int threads);
  model::NgramModel run();
  // After run(): the bytes of the model and of all text coded with it, by the costs of the sample.
  uint64_t total_size(const model::NgramModel& m);

 private:
  void take_sample(uint64_t most);
  uint64_t symbols_parsed() const;
  void begin_all(const text::ParseSettings& settings);
  void parse_all(const text::ParseCosts& costs);
  // Order-0 costs of one class; costs: of each symbol, in 1/1024 bit.
  text::ParseCosts flat_costs(const std::vector<uint32_t>& costs);
  void fill_distances(text::ParseCosts& c) const;
  void prune();
  void first_parse();
  void match_parses();
  void class_parses();
  model::NgramModel used_strings() const;

  const std::span<const std::span<const uint8_t>> text_;
  TrainPlan plan_;
  const int threads_;
  tbb::task_arena arena_;
  Pieces pieces_;
  uint64_t bytes_, sample_bytes_ = 0;
  bool sampled_ = false;  // there is, or will be, text that is not in the sample
  // While training goes on, symbol 256 + i is strings_[i]; strings that died keep their numbers.
  std::vector<std::string> strings_;
  std::vector<uint8_t> dead_;
  model::Trie trie_;
  uint32_t strings_end_ = 0, symbols_ = 0;
  std::vector<std::unique_ptr<cpu::SegmentParser>> parsers_;
  std::vector<cpu::SegmentTokens> tokens_;
  // Of the last parse.
  std::vector<uint64_t> counts_;
  model::DistanceCounts distances_{};
  std::vector<uint8_t> class_of_;
  // What flat_costs() refers to.
  std::vector<text::SymbolCost> flat_;
  std::vector<uint8_t> one_class_;
};
}  // namespace gramzip
