// SPDX-License-Identifier: Apache-2.0
#include "host/model/delta_model.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "host/model/contexts.h"
#include "host/model/fixed_log.h"

namespace gramzip::model {
namespace {
constexpr uint32_t kRounds = 6;
constexpr size_t kSampleRuns = 512;

// The choice of a class for each run: k-means by coded size, learnt from a sample of the runs. All
// that a run's classes can reach are sums of exponent and class, from the lowest exponent of the
// segment on.
class ClassChoice {
 public:
  ClassChoice(std::span<const uint8_t> symbols, std::span<const uint16_t> exponents)
      : symbols_(symbols), exponents_(exponents) {
    uint16_t low = UINT16_MAX, high = 0;
    for (const uint16_t e : exponents) {
      low = std::min(low, e);
      high = std::max(high, e);
    }
    low_ = low;
    sums_ = high - low_ + delta::kMaxClasses;
    class_of_.assign(ceil_div(symbols.size(), kRunElements), 0);
  }

  // Contexts without classes.
  std::vector<Context> plain() {
    std::fill(class_of_.begin(), class_of_.end(), uint8_t{0});
    return count(1);
  }
  // Contexts with the classes that are best for them.
  std::vector<Context> classified() {
    const size_t step = ceil_div(class_of_.size(), kSampleRuns);
    guess();
    for (uint32_t round = 0; round < kRounds; ++round) {
      weigh(count(step));
      assign(round + 1 < kRounds ? step : 1);
    }
    const uint8_t least = *std::min_element(class_of_.begin(), class_of_.end());
    for (uint8_t& c : class_of_) c = static_cast<uint8_t>(c - least);
    return count(1);
  }
  std::vector<uint8_t>& class_of() { return class_of_; }

 private:
  template <class F>
  void for_run(size_t r, const F& f) const {
    const size_t end = std::min(symbols_.size(), (r + 1) * kRunElements);
    for (size_t i = r * kRunElements; i < end; ++i) f(symbols_[i], exponents_[i] - low_);
  }

  // Of each run whose number is a multiple of `step`.
  std::vector<Context> count(size_t step) const {
    std::vector<Context> contexts(sums_);
    for (uint32_t j = 0; j < sums_; ++j) contexts[j].first = low_ + j;
    for (size_t r = 0; r < class_of_.size(); r += step) {
      Context* const c = contexts.data() + class_of_[r];
      for_run(r, [c](uint32_t s, uint32_t e) { ++c[e].counts[s]; });
    }
    return contexts;
  }

  // Steps of one size differ by 2^-exponent, so the mean of log2(difference) + exponent tells runs
  // apart.
  void guess() {
    std::vector<uint32_t> mean(class_of_.size());
    for (size_t r = 0; r < mean.size(); ++r) {
      uint32_t sum = 0, n = 0;
      for_run(r, [&](uint32_t s, uint32_t e) {
        sum += s + 4 * e;
        ++n;
      });
      mean[r] = sum / (4 * n);
    }
    const uint32_t most = *std::max_element(mean.begin(), mean.end());
    for (size_t r = 0; r < mean.size(); ++r)
      class_of_[r] = static_cast<uint8_t>(std::min(most - mean[r], delta::kMaxClasses - 1));
  }

  void weigh(const std::vector<Context>& contexts) {
    costs_.resize(size_t{kContextSymbols} * sums_);
    std::array<uint16_t, kContextSymbols> column;
    for (uint32_t j = 0; j < sums_; ++j) {
      symbol_costs(contexts[j].counts, column);
      for (uint32_t s = 0; s < kContextSymbols; ++s) costs_[size_t{s} * sums_ + j] = column[s];
    }
  }

  void assign(size_t step) {
    for (size_t r = 0; r < class_of_.size(); r += step) {
      std::array<uint16_t, delta::kMaxClasses> total;
      const size_t end = std::min(symbols_.size(), (r + 1) * kRunElements);
      add_costs(symbols_.data() + r * kRunElements, exponents_.data() + r * kRunElements,
                end - r * kRunElements, total);
      class_of_[r] =
          static_cast<uint8_t>(std::min_element(total.begin(), total.end()) - total.begin());
    }
  }

  // The costs of a run by class, four sums of 16 bits to a word: none exceeds its part.
  void add_costs(const uint8_t* symbols, const uint16_t* exponents, size_t n,
                 std::array<uint16_t, delta::kMaxClasses>& total) const {
    static_assert(kRunElements * kMostCost <= UINT16_MAX && delta::kMaxClasses == 16);
    const uint16_t* const costs = costs_.data();
    const size_t sums = sums_, low = low_;
    std::array<uint64_t, 4> t{}, c;
    for (size_t i = 0; i < n; ++i) {
      std::memcpy(&c, costs + symbols[i] * sums + (exponents[i] - low), sizeof c);
      for (size_t k = 0; k < t.size(); ++k) t[k] += c[k];
    }
    std::memcpy(&total, &t, sizeof t);
  }

  std::span<const uint8_t> symbols_;
  std::span<const uint16_t> exponents_;
  uint32_t low_, sums_;
  std::vector<uint8_t> class_of_;
  std::vector<uint16_t> costs_;  // [symbol][sum - low_]
};

uint64_t cost_of_all(const std::vector<Context>& contexts) {
  uint64_t cost = 0;
  for (const Context& c : contexts) cost += c.cost;
  return cost;
}

// n log2 n in 1/1024 bit.
uint64_t self_log(uint64_t n) { return n == 0 ? 0 : n * fixed_log2(n); }
}  // namespace

DeltaModel make_delta_model(std::span<const uint8_t> symbols, std::span<const uint16_t> exponents) {
  const auto cost = [](const Context& c) { return code_cost(c.counts) + table_cost(c.counts); };
  ClassChoice choice(symbols, exponents);
  std::vector<Context> plain = choice.plain();
  merge_contexts(plain, kMaxTables, cost);
  DeltaModel m;
  m.class_of_run = choice.class_of();
  std::vector<Context> best = choice.classified();
  merge_contexts(best, kMaxTables, cost);
  const uint32_t classes =
      1u + *std::max_element(choice.class_of().begin(), choice.class_of().end());
  const uint64_t ids = uint64_t{ceil_log2(classes)} * m.class_of_run.size() * kLogUnit;
  if (cost_of_all(best) + ids < cost_of_all(plain) && best.size() > 1) {
    m.classes = classes;
    m.class_of_run = std::move(choice.class_of());
  } else {
    best = std::move(plain);
  }
  for (const Context& c : best) {
    if (&c != &best.front()) m.bounds.push_back(static_cast<uint16_t>(c.first));
    m.books.push_back(make_code_book(c.counts, delta::kCodeLimit));
  }
  return m;
}

delta::Groups make_groups(const ChangeCounts& counts, uint64_t& bytes) {
  // Gaps as the entropy of which elements change; tables of gaps as they use to be.
  constexpr uint64_t kGapTable = 16 * 8 * kLogUnit;
  std::vector<Context> contexts(1);
  for (uint32_t e = 0; e < counts.elements.size(); ++e) {
    if (counts.elements[e] == 0) continue;
    if (contexts.back().elements > 0) contexts.push_back({.first = e});
    Context& c = contexts.back();
    c.elements = counts.elements[e];
    c.changes = counts.changes[e];
    std::copy_n(counts.symbols.begin() + size_t{e} * kContextSymbols, kContextSymbols,
                c.counts.begin());
  }
  contexts.front().first = 0;
  merge_contexts(contexts, delta::kMaxGroups, [](const Context& c) {
    const uint64_t gaps =
        self_log(c.elements) - self_log(c.changes) - self_log(c.elements - c.changes);
    return gaps + kGapTable + code_cost(c.counts) + table_cost(c.counts);
  });
  bytes = cost_of_all(contexts) / (8 * kLogUnit);
  delta::Groups groups{};
  groups.count = static_cast<uint32_t>(contexts.size());
  // Rates in proportion, the highest one 2^16 - 1.
  const auto rate = [](const Context& c) {
    return c.elements == 0 ? 0 : (c.changes << 32) / c.elements;
  };
  uint64_t most = 1;
  for (const Context& c : contexts) most = std::max(most, rate(c));
  for (uint32_t g = 0; g < groups.count; ++g) {
    groups.bound[g] = static_cast<uint16_t>(contexts[g].first);
    groups.rate[g] =
        static_cast<uint16_t>(std::max<uint64_t>(1, rate(contexts[g]) * UINT16_MAX / most));
  }
  return groups;
}

std::vector<CodeBook> make_sparse_books(std::span<std::vector<uint32_t>> counts) {
  std::vector<CodeBook> books;
  for (size_t t = 0; t < counts.size(); ++t) {
    std::vector<uint32_t>& c = counts[t];
    const bool gaps = t % 2 == 0;
    // A change takes a bit or more, for a lane ends where its bits do.
    size_t used =
        static_cast<size_t>(std::count_if(c.begin(), c.end(), [](uint32_t n) { return n > 0; }));
    for (size_t s = 0; used < (gaps ? 2u : 1u); ++s)
      if (c[s] == 0) {
        c[s] = 1;
        ++used;
      }
    books.push_back(make_code_book(c, delta::kCodeLimit));
  }
  return books;
}

uint32_t lane_log2_of(uint32_t changes) {
  constexpr uint32_t kChangesPerLane = 16;
  uint32_t log2 = 0;
  while (log2 < delta::kMaxLaneLog2 && changes >> (log2 + 1) >= kChangesPerLane) ++log2;
  return log2;
}

DeltaChoice choose_delta(uint64_t changes, uint64_t elements) {
  return {changes * 16 > elements, changes * 3 < elements * 2};
}

// Floats hardly go below a fourth alone: their signs and mantissas are random.
bool surely_smaller(ElementType type, uint64_t coded, uint64_t content) {
  return is_float(type) && coded * 4 < content;
}
}  // namespace gramzip::model
