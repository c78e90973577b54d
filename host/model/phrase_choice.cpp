// SPDX-License-Identifier: Apache-2.0
#include "host/model/phrase_choice.h"

#include <algorithm>
#include <queue>

#include "gramzip/core/table_wire.h"
#include "host/model/code_lengths.h"
#include "host/model/run_sample.h"

namespace gramzip::quant {
namespace {
// The level that occurs most, the lowest of equals.
uint32_t most_frequent(const LevelSample& s, std::vector<uint32_t>& counts) {
  counts.assign((s.levels + 1) * s.quantizers, 0);
  for (const uint16_t i : s.indexes) ++counts[i];
  return static_cast<uint32_t>(std::max_element(counts.begin(), counts.end() - 1) - counts.begin());
}

// The sample with levels begin to end - 1 alone.
LevelSample narrowed(const LevelSample& s, uint32_t begin, uint32_t end) {
  LevelSample n = s;
  n.levels = end - begin;
  for (uint16_t& i : n.indexes)
    i = static_cast<uint16_t>(i >= begin && i < end ? i - begin : n.levels);
  return n;
}

// A quarter of a large sample and its class ids.
LevelSample thinned(const LevelSample& s, std::span<const uint8_t> class_ids,
                    std::vector<uint8_t>& ids_left) {
  constexpr uint32_t kOneOf = 4;
  LevelSample t;
  t.levels = s.levels;
  t.all_runs = s.all_runs;
  for (size_t k = 0; k + 1 < s.stretches.size(); k += kOneOf) {
    t.stretches.push_back(t.size());
    for (uint32_t r = s.stretches[k]; r < s.stretches[k + 1]; ++r) {
      t.numbers.push_back(s.numbers[r]);
      t.begin.push_back(static_cast<uint32_t>(t.indexes.size()));
      t.indexes.insert(t.indexes.end(), s.indexes.begin() + s.begin[r],
                       s.indexes.begin() + s.begin[r + 1]);
      ids_left.push_back(class_ids[r]);
    }
  }
  t.begin.push_back(static_cast<uint32_t>(t.indexes.size()));
  t.stretches.push_back(t.size());
  return t;
}

// What a number of expansions takes, measured on the sample.
class Measure {
 public:
  Measure(const LevelSample& s, std::span<const uint8_t> class_ids, uint32_t classes,
          uint32_t element_bits)
      : s_(s), class_ids_(class_ids), classes_(classes), element_bits_(element_bits) {}

  // Counts the symbols; returns bits of all runs to code, tables and ids included.
  uint64_t cost(std::span<const uint16_t> expansions) {
    const std::vector<uint16_t> base = make_phrase_base(s_.levels, expansions);
    alphabet_ = static_cast<uint32_t>(base.size());
    counts_.assign(size_t{classes_} * alphabet_, 0);
    for (size_t k = 0; k + 1 < s_.stretches.size(); ++k) {
      const uint32_t run = s_.stretches[k], begin = s_.begin[run];
      // All runs of a stretch but the last one have kRunElements.
      parse_lane(s_.indexes.data(), begin, s_.begin[s_.stretches[k + 1]], s_.levels, base.data(),
                 [&](uint32_t symbol, uint32_t first) {
                   const uint32_t id =
                       classes_ > 1 ? class_ids_[run + (first - begin) / kRunElements] : 0;
                   ++counts_[size_t{id} * alphabet_ + symbol];
                 });
    }
    all_.assign(alphabet_, 0);
    for (size_t i = 0; i < counts_.size(); ++i) all_[i % alphabet_] += counts_[i];
    uint64_t best = table_cost(all_);
    if (classes_ > 1) {
      uint64_t by_class = uint64_t{s_.all_runs} * ceil_log2(classes_);
      for (uint32_t c = 0; c < classes_ && by_class < best; ++c)
        by_class += table_cost(std::span(counts_).subspan(size_t{c} * alphabet_, alphabet_));
      best = std::min(best, by_class);
    }
    const uint64_t escaped = uint64_t{all_[s_.levels]} * element_bits_;
    return best + escaped * s_.all_runs / s_.size() + 16 * expansions.size();
  }
  std::span<const uint32_t> counts() const { return all_; }

 private:
  uint64_t table_cost(std::span<const uint32_t> counts) {
    const CodeBook book = make_code_book(counts, kFloatCodeLimit);
    uint64_t bits = 0;
    for (uint32_t s = 0; s < counts.size(); ++s) bits += uint64_t{counts[s]} * book.lengths[s];
    // A sample is more even than what it is drawn from: 0.72 bits a symbol in all.
    if (s_.size() < s_.all_runs) bits += book.used * 3 / 4;
    wire_.resize(table_wire_bytes(alphabet_));
    const uint32_t bytes =
        store_table(book.lengths.data(), alphabet_, book.used, book.lone, wire_.data());
    return bits * s_.all_runs / s_.size() + 8 * uint64_t{bytes};
  }

  const LevelSample& s_;
  std::span<const uint8_t> class_ids_;
  uint32_t classes_, element_bits_, alphabet_ = 0;
  std::vector<uint32_t> counts_, all_;
  std::vector<uint8_t> wire_;
};

// A symbol that may get phrases. Shares are counts times 2^16.
struct Leaf {
  uint64_t share;
  uint32_t symbol, length;
  bool operator<(const Leaf& o) const {
    return share != o.share ? share < o.share : symbol > o.symbol;
  }
};

// Expansions of the symbols with the largest shares until there are `most`. counts: of the symbols
// so far; those of new ones follow from the shares of levels.
void expand(uint32_t levels, std::span<const uint32_t> counts, std::span<const uint32_t> of_levels,
            size_t most, std::vector<uint16_t>& expansions) {
  const Phrases phrases = make_phrases(levels, expansions);
  const std::vector<uint16_t> base = make_phrase_base(levels, expansions);
  uint64_t total = 0;
  for (uint32_t i = 0; i < levels; ++i) total += of_levels[i];
  std::priority_queue<Leaf> leaves;
  for (uint32_t s = 0; s < counts.size(); ++s)
    if (s != levels && base[s] == 0 && counts[s] > 0 && phrases.length(s) < kMaxPhrase)
      leaves.push({uint64_t{counts[s]} << 16, s, phrases.length(s)});
  while (expansions.size() < most && !leaves.empty()) {
    const Leaf leaf = leaves.top();
    leaves.pop();
    const auto first = static_cast<uint32_t>(levels + 1 + expansions.size() * levels);
    expansions.push_back(static_cast<uint16_t>(leaf.symbol));
    if (leaf.length + 1 >= kMaxPhrase) continue;
    for (uint32_t i = 0; i < levels; ++i)
      if (const uint64_t share = leaf.share / total * of_levels[i]; share > 0)
        leaves.push({share, first + i, leaf.length + 1});
  }
}

// Expansion k is that of the phrase of k + 1 times one level.
void expand_chain(uint32_t levels, uint32_t level, size_t most, std::vector<uint16_t>& expansions) {
  while (expansions.size() < std::min<size_t>(most, kMaxPhrase - 1)) {
    const auto k = static_cast<uint32_t>(expansions.size());
    expansions.push_back(
        static_cast<uint16_t>(k == 0 ? level : levels + 1 + (k - 1) * levels + level));
  }
}
}  // namespace

model::RunClasses train_level_classes(const LevelSample& s) {
  std::vector<uint32_t> counts;
  const uint32_t alphabet = s.levels + 1, symbols = alphabet * s.quantizers;
  const auto level_of = [=](uint32_t i) { return i < alphabet ? i : i - alphabet; };
  const uint32_t middle = level_of(most_frequent(s, counts));
  const uint32_t bits = ceil_log2(symbols);
  model::RunSample runs;
  runs.widths = {bits, bits, bits};
  runs.all_runs = s.all_runs;
  runs.by_shares = true;
  runs.begin.assign(1, 0);
  runs.most_classes = kMaxTables / s.quantizers;
  std::vector<uint16_t> of_run(symbols, 0);
  for (uint32_t r = 0; r < s.size(); ++r) {
    const uint16_t* const indexes = s.indexes.data() + s.begin[r];
    const uint32_t size = s.begin[r + 1] - s.begin[r];
    uint32_t spread = 0;
    for (uint32_t j = 0; j < size; ++j) {
      ++of_run[indexes[j]];
      const uint32_t i = level_of(indexes[j]);
      if (i < s.levels) spread += i > middle ? i - middle : middle - i;
    }
    for (uint32_t i = 0; i < symbols; ++i) {
      if (of_run[i] == 0) continue;
      runs.coarse.push_back({static_cast<uint16_t>(i), of_run[i]});
      of_run[i] = 0;
    }
    runs.begin.push_back(static_cast<uint32_t>(runs.coarse.size()));
    runs.sizes.push_back(static_cast<uint16_t>(size));
    runs.keys.push_back(spread * 16 / size);
  }
  return model::train_run_classes(runs);
}

namespace {
// The best expansions of a sample and what they take.
struct Expansions {
  uint64_t cost;
  std::vector<uint16_t> best;
};
Expansions choose_expansions(const LevelSample& s, std::span<const uint8_t> class_ids,
                             uint32_t classes, uint32_t element_bits, bool zero_runs) {
  constexpr int kPatience = 2;
  std::vector<uint32_t> of_levels;
  const uint32_t level = most_frequent(s, of_levels);
  const size_t limit = (kMaxAlphabet - 1 - s.levels) / s.levels;
  Measure measure(s, class_ids, classes, element_bits);
  std::vector<uint16_t> expansions;
  Expansions e{measure.cost(expansions), {}};
  int worse = 0;
  for (size_t most = 1; worse < kPatience; most *= 2) {
    const size_t before = expansions.size();
    if (zero_runs)
      expand_chain(s.levels, level, std::min(most, limit), expansions);
    else
      expand(s.levels, measure.counts(), of_levels, std::min(most, limit), expansions);
    if (expansions.size() == before) break;
    const uint64_t cost = measure.cost(expansions);
    if (cost < e.cost) {
      e = {cost, expansions};
      worse = 0;
    } else {
      ++worse;
    }
  }
  return e;
}
}  // namespace

PhraseChoice choose_phrases(const LevelSample& s, std::span<const uint8_t> class_ids,
                            uint32_t classes, uint32_t element_bits, bool zero_runs) {
  // An expansion has a phrase for each level, so rare ones make it dear. One element in 2^k may be
  // of a level that is left out. What range is best shows in a part of a large sample.
  constexpr uint32_t kShares[] = {12, 10, 8, 7};
  constexpr size_t kManyStretches = 16;
  if (s.stretches.size() > kManyStretches && !zero_runs) {
    std::vector<uint8_t> ids;
    const LevelSample part = thinned(s, class_ids, ids);
    PhraseChoice best = choose_phrases(part, ids, classes, element_bits, false);
    best.expansions = choose_expansions(narrowed(s, best.begin, best.end), class_ids, classes,
                                        element_bits, false)
                          .best;
    return best;
  }
  Expansions e = choose_expansions(s, class_ids, classes, element_bits, zero_runs);
  PhraseChoice best{0, s.levels, e.best};
  // Above these bits an element phrases save little, and so do levels that are left out.
  constexpr uint64_t kFewBits = 3;
  if (zero_runs || e.cost > kFewBits * kRunElements * s.all_runs) return best;
  std::vector<uint32_t> counts;
  most_frequent(s, counts);
  uint32_t begin = 0, end = s.levels, left_out = 0;
  for (const uint32_t share : kShares) {
    const uint32_t before = end - begin;
    while (end - begin > 1) {
      const bool low = counts[begin] <= counts[end - 1];
      const uint32_t rarer = low ? counts[begin] : counts[end - 1];
      if (left_out + rarer > s.indexes.size() >> share) break;
      left_out += rarer;
      low ? ++begin : --end;
    }
    if (end - begin == before) continue;
    const Expansions fewer =
        choose_expansions(narrowed(s, begin, end), class_ids, classes, element_bits, false);
    if (fewer.cost >= e.cost) continue;
    e.cost = fewer.cost;
    best = {begin, end, fewer.best};
  }
  return best;
}
}  // namespace gramzip::quant
