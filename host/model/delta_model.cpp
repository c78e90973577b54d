// SPDX-License-Identifier: Apache-2.0
#include "host/model/delta_model.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "host/model/contexts.h"
#include "host/model/fixed_log.h"
#include "host/model/sparse_model.h"

namespace gramzip::model {
namespace {
constexpr uint32_t kRounds = 4;
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
    step_ = ceil_div(class_of_.size(), kSampleRuns);
    size_t sampled = 0;
    for (size_t r = 0; r < class_of_.size(); r += step_) sampled += end_of(r) - r * kRunElements;
    scale_ = (symbols.size() * kScaleUnit + sampled / 2) / sampled;
  }

  std::vector<Context> count_all() const { return count(1); }
  std::vector<Context> count_sample() const { return count(step_); }
  // Bits of all elements, in 1/1024, from those of the sample.
  uint64_t scaled(uint64_t bits) const { return bits * scale_ / kScaleUnit; }

  // Learns costs, and by them chooses the class of each run.
  void learn() {
    guess();
    for (uint32_t round = 0; round < kRounds; ++round) {
      weigh(count_sample());
      assign(round + 1 < kRounds ? step_ : 1);
    }
    const uint8_t least = *std::min_element(class_of_.begin(), class_of_.end());
    for (uint8_t& c : class_of_) c = static_cast<uint8_t>(c - least);
  }
  std::vector<uint8_t>& class_of() { return class_of_; }
  uint32_t classes() const { return 1u + *std::max_element(class_of_.begin(), class_of_.end()); }
  // Bits, in 1/1024, of the ids of the classes.
  uint64_t id_bits() const { return uint64_t{ceil_log2(classes())} * class_of_.size() * kLogUnit; }

 private:
  static constexpr uint64_t kScaleUnit = 1u << 10;

  size_t end_of(size_t run) const { return std::min(symbols_.size(), (run + 1) * kRunElements); }

  // Of each run whose number is a multiple of `step`. Neighbours are counted apart: many are equal,
  // and a counter takes a few cycles from one step to the next.
  std::vector<Context> count(size_t step) const {
    std::vector<uint32_t> even(size_t{sums_} * kContextSymbols), odd(even.size());
    for (size_t r = 0; r < class_of_.size(); r += step) {
      const uint32_t from = low_ - class_of_[r];  // wraps
      const auto at = [&](size_t i) {
        return (exponents_[i] - from) * kContextSymbols + symbols_[i];
      };
      size_t i = r * kRunElements;
      const size_t end = end_of(r);
      for (; i + 2 <= end; i += 2) {
        ++even[at(i)];
        ++odd[at(i + 1)];
      }
      if (i < end) ++even[at(i)];
    }
    std::vector<Context> contexts(sums_);
    for (uint32_t j = 0; j < sums_; ++j) {
      contexts[j].first = low_ + j;
      const size_t first = size_t{j} * kContextSymbols;
      for (uint32_t s = 0; s < kContextSymbols; ++s)
        contexts[j].counts[s] = even[first + s] + odd[first + s];
    }
    return contexts;
  }

  // Steps of one size differ by 2^-exponent, so the mean of log2(difference) + exponent tells runs
  // apart.
  void guess() {
    std::vector<uint32_t> mean(class_of_.size());
    for (size_t r = 0; r < mean.size(); ++r) {
      uint32_t sum = 0;
      const size_t begin = r * kRunElements, end = end_of(r);
      for (size_t i = begin; i < end; ++i) sum += symbols_[i] + 4u * exponents_[i];
      const auto n = static_cast<uint32_t>(end - begin);
      mean[r] = (sum - 4 * low_ * n) / (4 * n);
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
      add_costs(symbols_.data() + r * kRunElements, exponents_.data() + r * kRunElements,
                end_of(r) - r * kRunElements, total);
      class_of_[r] =
          static_cast<uint8_t>(std::min_element(total.begin(), total.end()) - total.begin());
    }
  }

  // The costs of a run by class.
  void add_costs(const uint8_t* symbols, const uint16_t* exponents, size_t n,
                 std::array<uint16_t, delta::kMaxClasses>& total) const {
    static_assert(kRunElements * kMostCost <= UINT16_MAX && delta::kMaxClasses == 16);
    using Eight = uint16_t __attribute__((vector_size(16)));
    const uint16_t* const costs = costs_.data();
    const size_t sums = sums_, least = low_;
    Eight low{}, high{}, c;
    for (size_t i = 0; i < n; ++i) {
      const uint16_t* const row = costs + (symbols[i] * sums + exponents[i] - least);
      std::memcpy(&c, row, sizeof c);
      low += c;
      std::memcpy(&c, row + 8, sizeof c);
      high += c;
    }
    std::memcpy(total.data(), &low, sizeof low);
    std::memcpy(total.data() + 8, &high, sizeof high);
  }

  std::span<const uint8_t> symbols_;
  std::span<const uint16_t> exponents_;
  uint32_t low_, sums_;
  size_t step_;     // of the sample
  uint64_t scale_;  // all elements by those of the sample
  std::vector<uint8_t> class_of_;
  std::vector<uint16_t> costs_;  // [symbol][sum - low_]
};

uint64_t raw_cost(const std::vector<Context>& contexts) {
  uint64_t bits = 0;
  for (const Context& c : contexts)
    for (uint32_t s = 0; s < kContextSymbols; ++s)
      bits += uint64_t{c.counts[s]} * delta::raw_bits(s);
  return bits * kLogUnit;
}
}  // namespace

DeltaModel make_delta_model(std::span<const uint8_t> symbols, std::span<const uint16_t> exponents,
                            bool sparse_too) {
  ClassChoice choice(symbols, exponents);
  // Merges contexts of the sample; what they will take.
  const auto merged = [&](std::vector<Context> sample) {
    merge_contexts(sample, kMaxTables, [&](const Context& c) {
      return choice.scaled(code_cost(c.counts)) + table_cost(c.counts);
    });
    return cost_of_all(sample);
  };
  DeltaModel m;
  std::vector<Context> sample = choice.count_sample();
  if (sparse_too)
    m.sparse_bytes = estimate_sparse(sample, [&](uint64_t bits) { return choice.scaled(bits); });
  const uint64_t plain = merged(std::move(sample));
  choice.learn();
  m.classes = choice.classes();
  if (m.classes > 1 && merged(choice.count_sample()) + choice.id_bits() >= plain) {
    m.classes = 1;
    std::fill(choice.class_of().begin(), choice.class_of().end(), uint8_t{0});
  }
  std::vector<Context> all = choice.count_all();
  m.bytes = raw_cost(all) + choice.id_bits();
  merge_contexts(all, kMaxTables,
                 [](const Context& c) { return code_cost(c.counts) + table_cost(c.counts); });
  m.bytes = (m.bytes + cost_of_all(all)) / (8 * kLogUnit);
  if (all.size() == 1) m.classes = 1;
  m.class_of_run = std::move(choice.class_of());
  if (m.classes == 1) std::fill(m.class_of_run.begin(), m.class_of_run.end(), uint8_t{0});
  for (const Context& c : all) {
    if (&c != &all.front()) m.bounds.push_back(static_cast<uint16_t>(c.first));
    m.books.push_back(make_code_book(c.counts, delta::kCodeLimit));
  }
  return m;
}

DeltaChoice choose_delta(uint64_t changes, uint64_t elements) {
  return {changes * 16 > elements, changes * 3 < elements * 2};
}

bool sparse_is_less(const DeltaModel& m, uint32_t decoded_bytes) {
  // What lanes cost, a block.
  constexpr uint64_t kDense = 130, kSparse = 40;
  const uint64_t dense_blocks = ceil_div(decoded_bytes, 1u << kMinBlockLog2),
                 sparse_blocks = ceil_div(decoded_bytes, 1u << kMaxBlockLog2);
  return m.sparse_bytes != UINT64_MAX &&
         m.sparse_bytes + sparse_blocks * kSparse < m.bytes + dense_blocks * kDense;
}

// Floats hardly go below a fourth alone: their signs and mantissas are random.
bool surely_smaller(ElementType type, uint64_t coded, uint64_t content) {
  return is_float(type) && coded * 4 < content;
}
}  // namespace gramzip::model
