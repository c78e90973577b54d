// SPDX-License-Identifier: Apache-2.0
#include "host/engine/trainer.h"

#include <algorithm>
#include <numeric>

#include "host/base/workers.h"
#include "host/frame/model_wire.h"
#include "host/model/classes.h"
#include "host/model/compose.h"
#include "host/model/cost_tables.h"
#include "host/model/dictionary.h"
#include "host/model/fixed_log.h"
#include "host/model/prune.h"

namespace gramzip {
namespace {
using Reach = model::CodeOptions::Reach;

// What a symbol's place in the code table of a class takes in a model.
constexpr uint32_t kPlaceBits = 11;
// Samples are runs of about this many bytes.
constexpr uint64_t kRun = 1u << 20;
// Bytes a symbol, before matches, from which on text counts as repetitive.
constexpr uint64_t kLongStrings = 6;
}  // namespace

Trainer::Trainer(std::span<const std::span<const uint8_t>> text, const TrainPlan& plan, int threads)
    : text_(text),
      plan_(plan),
      threads_(resolve_threads(threads)),
      arena_(threads_),
      bytes_(total_bytes(text)) {
  std::vector<uint8_t> sample;
  for (const auto& p : spread_sample(text, plan_.dictionary_sample, 64u << 10))
    sample.insert(sample.end(), p.begin(), p.end());
  strings_ = model::train_dictionary(sample, {plan_.entries, text::kMaxString - 1, threads_});
  dead_.assign(strings_.size(), 0);
  trie_ = model::Trie(strings_);
  strings_end_ = text::kByteSymbols + static_cast<uint32_t>(strings_.size());
  symbols_ = strings_end_ + text::kMatchSymbols;
}

model::NgramModel Trainer::run() {
  take_sample(plan_.parse_sample);
  first_parse();
  // Where strings are long, text holds little that is new and is parsed fast: it gets more of both.
  if (symbols_parsed() * kLongStrings < sample_bytes_) {
    plan_.match_rounds = std::max(plan_.match_rounds, 2u);
    plan_.class_rounds = std::max(plan_.class_rounds, 2u);
    if (sampled_) {
      take_sample(2 * plan_.parse_sample);
      first_parse();
    }
  }
  match_parses();
  class_parses();
  model::NgramModel m = used_strings();
  frame::store_model(m);  // names it
  return m;
}

uint64_t Trainer::total_size(const model::NgramModel& m) {
  model::NgramModel stored = m;
  const uint64_t own = frame::store_model(stored).size();
  parse_all(model::CostTables(m).costs());
  uint64_t cost = 0;
  for (const cpu::SegmentTokens& t : tokens_) cost += t.cost;
  const uint64_t coded = cost / (8 * text::kCostPerBit);
  return own + (sampled_ ? coded * bytes_ / std::max<uint64_t>(1, sample_bytes_) : coded);
}

void Trainer::take_sample(uint64_t most) {
  pieces_ = spread_sample(text_, most, kRun);
  sample_bytes_ = total_bytes(pieces_);
  sampled_ = plan_.general || sample_bytes_ < bytes_;
  tokens_.assign(pieces_.size(), {});
}

uint64_t Trainer::symbols_parsed() const {
  return std::accumulate(counts_.begin(), counts_.end(), uint64_t{0});
}

void Trainer::parse_all(const text::ParseCosts& costs) {
  arena_.execute([&] {
    parallel_loop(pieces_.size(), [&](size_t i) { parsers_[i]->parse(costs, tokens_[i]); });
  });
  counts_ = count_symbols(tokens_, symbols_);
}

void Trainer::begin_all(const text::ParseSettings& settings) {
  parsers_.resize(pieces_.size());
  arena_.execute([&] {
    parallel_loop(pieces_.size(), [&](size_t i) {
      parsers_[i] = std::make_unique<cpu::SegmentParser>();
      parsers_[i]->begin(pieces_[i], settings);
    });
  });
}

// Order-0 costs of one class.
text::ParseCosts Trainer::flat_costs(const std::vector<uint32_t>& costs) {
  flat_.resize(symbols_);
  one_class_.assign(symbols_, 0);
  for (uint32_t s = 0; s < symbols_; ++s)
    flat_[s] = static_cast<text::SymbolCost>(std::min(
        text::kMaxCost, (costs[s] * text::kCostPerBit + model::kLogUnit / 2) / model::kLogUnit));
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
void Trainer::fill_distances(text::ParseCosts& c) const {
  for (uint32_t k = 0; k < text::kLengthClasses; ++k) {
    uint64_t total = 0;
    for (const uint32_t n : distances_[k]) total += n;
    for (uint32_t b = 0; b < text::kDistanceBuckets; ++b) {
      const uint32_t log = total == 0 ? 9 * model::kLogUnit / 2
                                      : model::fixed_log2(100 * total + text::kDistanceBuckets) -
                                            model::fixed_log2(100 * uint64_t{distances_[k][b]} + 1);
      c.distance[k][b] = static_cast<uint16_t>(log * text::kCostPerBit / model::kLogUnit +
                                               text::bucket(b).raw_bits * text::kCostPerBit);
    }
  }
}

void Trainer::prune() {
  const auto costs = model::order0_costs(counts_);
  model::prune_strings(strings_, trie_, counts_, costs, dead_);
  for (size_t i = 0; i < dead_.size(); ++i)
    if (dead_[i]) trie_.set_value(i, kNoSymbol);
}

// Bytes and strings alone: which strings the text is made of.
void Trainer::first_parse() {
  text::ParseSettings settings = text::parse_settings(plan_.effort);
  for (text::MatchHash& h : settings.hash) h.ways = 0;
  settings.new_lengths = settings.repeat_lengths = 0;
  begin_all(settings);
  std::vector<uint32_t> costs(symbols_, 12 * model::kLogUnit);
  std::fill_n(costs.begin(), text::kByteSymbols, 9 * model::kLogUnit);
  parse_all(flat_costs(costs));
}

void Trainer::match_parses() {
  begin_all(text::parse_settings(plan_.effort));
  auto costs = model::order0_costs(counts_);
  for (uint32_t m = 0; m < text::kMatchSymbols; ++m)
    costs[strings_end_ + m] = 9 * model::kLogUnit + m % text::kLengthBuckets * model::kLogUnit / 5;
  for (uint32_t round = 0; round < plan_.match_rounds; ++round) {
    parse_all(flat_costs(round == 0 ? costs : model::order0_costs(counts_)));
    distances_ = count_distances(tokens_, strings_end_);
    prune();
  }
}

void Trainer::class_parses() {
  std::vector<uint16_t> first_byte(symbols_, 256);
  for (uint32_t s = 0; s < strings_end_; ++s)
    first_byte[s] = static_cast<uint16_t>(
        s < text::kByteSymbols ? s : static_cast<uint8_t>(strings_[s - text::kByteSymbols][0]));
  for (uint32_t round = 0;; ++round) {
    const model::Bigrams bigrams = count_bigrams(tokens_, symbols_);
    class_of_ = model::cluster_symbols(bigrams, model::follower_columns(counts_, first_byte),
                                       class_of_, {plan_.classes, round == 0 ? 12u : 6u, threads_});
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
model::NgramModel Trainer::used_strings() const {
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
  return m;
}
}  // namespace gramzip
