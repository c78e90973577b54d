// SPDX-License-Identifier: Apache-2.0
// Runs are ranked by their mean exponent and cut into classes of equal size; then each run moves
// once to the class whose codes are shortest for it.
#include "host/model/fast_classes.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "gramzip/core/limits.h"
#include "gramzip/core/wire.h"

namespace gramzip::model {
namespace {
constexpr uint32_t kClasses = 8;
constexpr size_t kRunsForClasses = 64;  // fewer do not pay for tables and ids
constexpr size_t kSampled = 4;          // the first tables come from every fourth run
constexpr uint32_t kExponents = 256;
constexpr uint32_t kMeanUnits = 64;  // of one exponent
// An exception takes 32 bits, a code a 128th of the code space: 0.011 bits of every other symbol.
// So an exponent below this share of its class is better off as an exception.
constexpr uint32_t kRareShare = 2048;
constexpr uint32_t kExceptionBits = 32;

using Counts = std::array<uint32_t, kExponents>;

// Bits that an exponent costs in each class; a run's sum fits. One addition of a vector an element.
static_assert(kRunElements * kExceptionBits < 1u << 16);
using Cost [[gnu::vector_size(2 * kClasses)]] = uint16_t;
using Costs = std::array<Cost, kExponents>;
uint16_t cost_of(const CodeBook& book, uint32_t e) {
  const bool coded = book.lengths[e] > 0 || (book.used == 1 && e == book.lone);
  return coded ? book.lengths[e] : kExceptionBits;
}
static_assert(kExceptionBits < kMaxClassCost);

uint8_t cheapest_class(std::span<const uint8_t> run, const Costs& costs) {
  Cost sums[2] = {};
  size_t i = 0;
  for (; i + 2 <= run.size(); i += 2) {
    sums[0] += costs[run[i]];
    sums[1] += costs[run[i + 1]];
  }
  if (i < run.size()) sums[0] += costs[run[i]];
  const Cost sum = sums[0] + sums[1];
  uint8_t best = 0;
  for (uint8_t c = 1; c < kClasses; ++c)
    if (sum[c] < sum[best]) best = c;
  return best;
}

class Chooser {
 public:
  Chooser(std::span<const uint8_t> exponents, std::span<const uint32_t> run_begin)
      : exponents_(exponents), run_begin_(run_begin), runs_(run_begin.size() - 1) {}

  FastClasses choose() {
    const uint32_t classes = class_count();
    out_.ids.assign(runs_, 0);
    if (classes > 1) {
      make_first_books();
      Costs costs{};
      for (uint32_t c = 0; c < classes; ++c)
        for (uint32_t e = 0; e < kExponents; ++e) costs[e][c] = cost_of(out_.books[c], e);
      for (size_t r = 0; r < runs_; ++r) out_.ids[r] = cheapest_class(run(r), costs);
    }
    make_books(classes, 1);
    return std::move(out_);
  }

  FastTraining train() {
    FastTraining t{class_count(), {}};
    if (t.classes == 1) return t;
    make_first_books();
    t.costs.assign(size_t{kExponents} * kMaxTables, kMaxClassCost);
    for (uint32_t e = 0; e < kExponents; ++e)
      for (uint32_t c = 0; c < t.classes; ++c)
        t.costs[e * kMaxTables + c] = cost_of(out_.books[c], e);
    return t;
  }

 private:
  uint32_t class_count() const { return runs_ < kRunsForClasses ? 1 : kClasses; }
  void make_first_books() {
    out_.ids.assign(runs_, 0);
    rank_by_mean();
    make_books(kClasses, kSampled);
  }
  std::span<const uint8_t> run(size_t r) const {
    return exponents_.subspan(run_begin_[r], run_begin_[r + 1] - run_begin_[r]);
  }
  void rank_by_mean() {
    std::vector<uint16_t> mean(runs_);  // in kMeanUnits
    std::vector<size_t> rank(kExponents * kMeanUnits + 1, 0);
    for (size_t r = 0; r < runs_; ++r) {
      uint32_t sum = 0;
      for (const uint8_t e : run(r)) sum += e;
      mean[r] = static_cast<uint16_t>(kMeanUnits * sum / run(r).size());
      ++rank[mean[r] + size_t{1}];
    }
    std::partial_sum(rank.begin(), rank.end(), rank.begin());
    for (size_t r = 0; r < runs_; ++r)
      out_.ids[r] = static_cast<uint8_t>(rank[mean[r]]++ * kClasses / runs_);
  }
  // From every `stride`-th run.
  void make_books(uint32_t classes, size_t stride) {
    // Four tables a class: neighbours of equal value do not wait for each other's increment.
    std::vector<std::array<Counts, 4>> counts(classes);
    for (size_t r = 0; r < runs_; r += stride) {
      const auto part = run(r);
      auto& count = counts[out_.ids[r]];
      size_t i = 0;
      for (; i + 8 <= part.size(); i += 8) {
        const auto v = load_le<uint64_t>(part.data() + i);
        for (size_t k = 0; k < 8; ++k) ++count[k % 4][(v >> (8 * k)) & 0xff];
      }
      for (; i < part.size(); ++i) ++count[0][part[i]];
    }
    out_.books.clear();
    for (const auto& ways : counts) {
      Counts sum{};
      for (uint32_t e = 0; e < kExponents; ++e)
        for (const Counts& way : ways) sum[e] += way[e];
      out_.books.push_back(make_fast_book(sum));
    }
  }

  std::span<const uint8_t> exponents_;
  std::span<const uint32_t> run_begin_;
  size_t runs_;
  FastClasses out_;
};
}  // namespace

FastClasses choose_fast_classes(std::span<const uint8_t> exponents,
                                std::span<const uint32_t> run_begin) {
  return Chooser(exponents, run_begin).choose();
}

FastTraining train_fast_classes(std::span<const uint8_t> exponents,
                                std::span<const uint32_t> run_begin) {
  return Chooser(exponents, run_begin).train();
}

CodeBook make_fast_book(std::span<const uint32_t> counts) {
  uint64_t sum = 0;
  for (const uint32_t c : counts) sum += c;
  std::vector<std::pair<uint32_t, uint32_t>> kept;  // complement of the count, exponent
  for (uint32_t e = 0; e < counts.size(); ++e)
    if (counts[e] > 0) kept.emplace_back(~counts[e], e);
  std::sort(kept.begin(), kept.end());
  size_t keep = std::min<size_t>(kept.size(), kFastSymbols);
  while (keep > 1 && uint64_t{counts[kept[keep - 1].second]} * kRareShare < sum) --keep;
  Counts coded{};
  for (size_t i = 0; i < keep; ++i) coded[kept[i].second] = counts[kept[i].second];
  return make_code_book(coded, kFastCodeLimit);
}
}  // namespace gramzip::model
