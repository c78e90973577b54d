// SPDX-License-Identifier: Apache-2.0
#include "host/engine/train_model.h"

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <memory>
#include <string>

#include "host/cpu/text_parse.h"
#include "host/engine/pipeline.h"
#include "host/engine/text_statistics.h"
#include "host/frame/model_wire.h"
#include "host/model/classes.h"
#include "host/model/compose.h"
#include "host/model/cost_tables.h"
#include "host/model/dictionary.h"
#include "host/model/fixed_log.h"
#include "host/model/prune.h"
#include "host/model/trie.h"

namespace gramzip {
namespace {
using Pieces = std::vector<std::span<const uint8_t>>;
using Reach = model::CodeOptions::Reach;

// What a symbol's place in the code table of a class takes in a model.
constexpr uint32_t kPlaceBits = 11;

struct Plan {
  uint64_t dictionary_sample, parse_sample;
  uint32_t entries, classes;
  uint32_t class_rounds;  // parses with classes
  uint32_t prune_rounds;  // of them followed by pruning
};

Plan make_plan(uint64_t bytes, const TrainOptions& o) {
  constexpr uint64_t kMega = uint64_t{1} << 20;
  Plan p{};
  p.dictionary_sample = (o.effort >= 7 ? 16 : 4) * kMega;
  p.parse_sample = (o.effort >= 9 ? 64 : o.effort >= 7 ? 32 : o.effort >= 4 ? 8 : 2) * kMega;
  if (o.sample_bytes > 0)
    p.parse_sample = std::min(p.dictionary_sample = o.sample_bytes, 64 * kMega);
  const bool large = bytes >= 8 * kMega, huge = bytes >= 24 * kMega;
  p.entries = o.effort < 4 ? 8192 : huge ? (o.effort >= 7 ? 63000 : 32768) : large ? 16384 : 8192;
  p.classes = o.effort < 4 ? 32 : huge && o.effort >= 7 ? 128 : large ? 64 : 32;
  if (o.entries > 0) p.entries = std::min(o.entries, text::kMaxStrings);
  if (o.classes > 0) p.classes = std::min(o.classes, text::kMaxClasses);
  p.class_rounds = o.effort >= 7 ? 4 : o.effort >= 4 ? 2 : 1;
  p.prune_rounds = o.effort >= 7 ? 2 : 1;
  return p;
}

// Runs of all pieces, spread evenly, `most` bytes together.
Pieces spread(std::span<const std::span<const uint8_t>> text, uint64_t most, uint64_t run) {
  uint64_t total = 0;
  for (const auto& t : text) total += t.size();
  if (total <= most) return {text.begin(), text.end()};
  const uint64_t runs = std::max<uint64_t>(1, most / run);
  Pieces out;
  uint64_t begin = 0;  // of the piece at hand, in all text
  size_t piece = 0;
  for (uint64_t i = 0; i < runs; ++i) {
    const uint64_t at = (total - run) / runs * i + (total - run) % runs * i / runs;
    while (at >= begin + text[piece].size()) begin += text[piece++].size();
    const auto rest = text[piece].subspan(at - begin);
    out.push_back(rest.first(std::min<uint64_t>(run, rest.size())));
  }
  return out;
}

class Trainer {
 public:
  Trainer(std::span<const std::span<const uint8_t>> text, const TrainOptions& options)
      : options_(options), threads_(resolve_threads(options.threads)), arena_(threads_) {
    uint64_t bytes = 0;
    for (const auto& t : text) bytes += t.size();
    plan_ = make_plan(bytes, options);
    pieces_ = spread(text, plan_.parse_sample, uint64_t{1} << 20);
    std::vector<uint8_t> sample;
    for (const auto& p : spread(text, plan_.dictionary_sample, 64u << 10))
      sample.insert(sample.end(), p.begin(), p.end());
    strings_ = model::train_dictionary(sample, {plan_.entries, text::kMaxString - 1, threads_});
    dead_.assign(strings_.size(), 0);
    trie_ = model::Trie(strings_);
    sampled_ = options.general || pieces_.size() != text.size();
    for (size_t i = 0; !sampled_ && i < text.size(); ++i)
      sampled_ = pieces_[i].size() != text[i].size();
    tokens_.resize(pieces_.size());
    strings_end_ = text::kByteSymbols + static_cast<uint32_t>(strings_.size());
    symbols_ = strings_end_ + text::kMatchSymbols;
  }

  model::NgramModel run() {
    first_parse();
    match_parses();
    class_parses();
    return finish();
  }

 private:
  void parse_all(const text::ParseCosts& costs) {
    arena_.execute([&] {
      tbb::parallel_for(size_t{0}, pieces_.size(),
                        [&](size_t i) { parsers_[i]->parse(costs, tokens_[i]); });
    });
    counts_ = count_symbols(tokens_, symbols_);
  }
  void begin_all(const text::ParseSettings& settings) {
    parsers_.resize(pieces_.size());
    arena_.execute([&] {
      tbb::parallel_for(size_t{0}, pieces_.size(), [&](size_t i) {
        parsers_[i] = std::make_unique<cpu::SegmentParser>();
        parsers_[i]->begin(pieces_[i], settings);
      });
    });
  }
  // Order-0 costs of one class.
  text::ParseCosts flat_costs(const std::vector<uint32_t>& costs) {
    flat_.resize(symbols_);
    one_class_.assign(symbols_, 0);
    for (uint32_t s = 0; s < symbols_; ++s)
      flat_[s] = static_cast<text::SymbolCost>(
          std::min(text::kMaxCost,
                   (costs[s] * text::kCostPerBit + model::kLogUnit / 2) / model::kLogUnit));
    text::ParseCosts c{};
    c.symbol = flat_.data();
    c.class_of = one_class_.data();
    c.symbols = symbols_;
    c.classes = 1;
    c.strings_end = strings_end_;
    c.trie = trie_.view();
    fill_distances(c);
    return c;
  }
  // Distance costs from what was counted, or 4.5 bits a bucket before.
  void fill_distances(text::ParseCosts& c) const {
    for (uint32_t k = 0; k < text::kLengthClasses; ++k) {
      uint64_t total = 0;
      for (const uint32_t n : distances_[k]) total += n;
      for (uint32_t b = 0; b < text::kDistanceBuckets; ++b) {
        const uint32_t log = total == 0
                                 ? 9 * model::kLogUnit / 2
                                 : model::fixed_log2(100 * total + text::kDistanceBuckets) -
                                       model::fixed_log2(100 * uint64_t{distances_[k][b]} + 1);
        c.distance[k][b] = static_cast<uint16_t>(log * text::kCostPerBit / model::kLogUnit +
                                                 text::bucket(b).raw_bits * text::kCostPerBit);
      }
    }
  }
  void prune() {
    const auto costs = model::order0_costs(counts_);
    model::prune_strings(strings_, trie_, counts_, costs, dead_);
    for (size_t i = 0; i < dead_.size(); ++i)
      if (dead_[i]) trie_.set_value(i, kNoSymbol);
  }

  // Bytes and strings alone: which strings the text is made of.
  void first_parse() {
    text::ParseSettings settings = text::parse_settings(options_.effort);
    for (text::MatchHash& h : settings.hash) h.ways = 0;
    settings.new_lengths = settings.repeat_lengths = 0;
    begin_all(settings);
    std::vector<uint32_t> costs(symbols_, 12 * model::kLogUnit);
    std::fill_n(costs.begin(), text::kByteSymbols, 9 * model::kLogUnit);
    parse_all(flat_costs(costs));
  }
  void match_parses() {
    begin_all(text::parse_settings(options_.effort));
    auto costs = model::order0_costs(counts_);
    for (uint32_t m = 0; m < text::kMatchSymbols; ++m)
      costs[strings_end_ + m] =
          9 * model::kLogUnit + m % text::kLengthBuckets * model::kLogUnit / 5;
    for (uint32_t round = 0; round < 2; ++round) {
      parse_all(flat_costs(round == 0 ? costs : model::order0_costs(counts_)));
      distances_ = count_distances(tokens_, strings_end_);
      prune();
    }
  }
  void class_parses() {
    std::vector<uint16_t> first_byte(symbols_, 256);
    for (uint32_t s = 0; s < strings_end_; ++s)
      first_byte[s] = static_cast<uint16_t>(
          s < text::kByteSymbols ? s : static_cast<uint8_t>(strings_[s - text::kByteSymbols][0]));
    for (uint32_t round = 0;; ++round) {
      const model::Bigrams bigrams = count_bigrams(tokens_, symbols_);
      class_of_ =
          model::cluster_symbols(bigrams, model::follower_columns(counts_, first_byte), class_of_,
                                 {plan_.classes, round == 0 ? 12u : 6u, threads_});
      if (round == plan_.class_rounds) return;
      model::NgramModel m;
      m.strings = strings_;
      model::make_codes(m, bigrams, counts_, class_of_, distances_, {kPlaceBits, Reach::all});
      const model::CostTables tables(m, dead_);
      parse_all(tables.costs());
      distances_ = count_distances(tokens_, strings_end_);
      if (round < plan_.prune_rounds) prune();
    }
  }

  // Strings that are used, in the numbers of the format.
  model::NgramModel finish() {
    model::NgramModel m;
    std::vector<uint16_t> number(symbols_, 0);
    std::vector<uint64_t> counts;
    std::vector<uint8_t> class_of;
    const auto keep = [&](uint32_t s) {
      number[s] = static_cast<uint16_t>(counts.size());
      counts.push_back(counts_[s]);
      class_of.push_back(class_of_[s]);
    };
    for (uint32_t s = 0; s < symbols_; ++s) {
      const bool string = s >= text::kByteSymbols && s < strings_end_;
      if (string && counts_[s] == 0) continue;
      if (string) m.strings.push_back(strings_[s - text::kByteSymbols]);
      keep(s);
    }
    model::make_codes(m, count_bigrams(tokens_, m.symbols(), number), counts, class_of, distances_,
                      {kPlaceBits, sampled_ ? Reach::like_text : Reach::trained});
    model::number_by_parts(m);
    frame::store_model(m);  // names it
    return m;
  }

  const TrainOptions& options_;
  int threads_;
  tbb::task_arena arena_;
  Plan plan_;
  Pieces pieces_;
  bool sampled_ = false;
  std::vector<std::string> strings_;
  std::vector<uint8_t> dead_;
  model::Trie trie_;
  uint32_t strings_end_ = 0, symbols_ = 0;
  std::vector<std::unique_ptr<cpu::SegmentParser>> parsers_;
  std::vector<cpu::SegmentTokens> tokens_;
  std::vector<uint64_t> counts_;
  model::DistanceCounts distances_{};
  std::vector<uint8_t> class_of_;
  std::vector<text::SymbolCost> flat_;
  std::vector<uint8_t> one_class_;
};
}  // namespace

model::NgramModel train_model(std::span<const std::span<const uint8_t>> text,
                              const TrainOptions& options) {
  return Trainer(text, options).run();
}
}  // namespace gramzip
