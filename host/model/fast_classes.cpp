// SPDX-License-Identifier: Apache-2.0
// Runs are ranked by their mean exponent and cut into classes of equal size; then each run moves
// once to the class whose codes are shortest for it.
#include "host/model/fast_classes.h"

#include <algorithm>
#include <array>

#include "gramzip/core/limits.h"

namespace gramzip::model {
namespace {
constexpr uint32_t kClasses = 8;
constexpr size_t kRunsForClasses = 64;  // fewer do not pay for tables and ids
constexpr uint32_t kExponents = 256;
// An exception takes 32 bits, a code a 128th of the code space: 0.011 bits of every other symbol.
// So an exponent below this share of its class is better off as an exception.
constexpr uint32_t kRareShare = 2048;
constexpr uint32_t kExceptionBits = 32;

using Counts = std::array<uint32_t, kExponents>;

CodeBook make_fast_book(const Counts& counts) {
  uint64_t sum = 0;
  for (const uint32_t c : counts) sum += c;
  std::vector<std::pair<uint32_t, uint32_t>> kept;  // complement of the count, exponent
  for (uint32_t e = 0; e < kExponents; ++e)
    if (counts[e] > 0) kept.emplace_back(~counts[e], e);
  std::sort(kept.begin(), kept.end());
  size_t keep = std::min<size_t>(kept.size(), kFastSymbols);
  while (keep > 1 && uint64_t{counts[kept[keep - 1].second]} * kRareShare < sum) --keep;
  Counts coded{};
  for (size_t i = 0; i < keep; ++i) coded[kept[i].second] = counts[kept[i].second];
  return make_code_book(coded, kFastCodeLimit);
}

// Of all classes, at exponent * kClasses + class: bits that an exponent costs.
using Costs = std::array<uint16_t, kExponents * kClasses>;
void add_costs(const CodeBook& book, uint32_t c, Costs& costs) {
  for (uint32_t e = 0; e < kExponents; ++e) {
    const bool coded = book.lengths[e] > 0 || (book.used == 1 && e == book.lone);
    costs[e * kClasses + c] = coded ? book.lengths[e] : kExceptionBits;
  }
}

uint8_t cheapest_class(std::span<const uint8_t> run, const Costs& costs) {
  std::array<uint16_t, kClasses> sum{};  // at most 256 x 32
  for (const uint8_t e : run) {
    const uint16_t* cost = costs.data() + size_t{e} * kClasses;
    for (uint32_t c = 0; c < kClasses; ++c) sum[c] = static_cast<uint16_t>(sum[c] + cost[c]);
  }
  return static_cast<uint8_t>(std::min_element(sum.begin(), sum.end()) - sum.begin());
}

class Chooser {
 public:
  Chooser(std::span<const uint8_t> exponents, std::span<const uint32_t> run_begin)
      : exponents_(exponents), run_begin_(run_begin), runs_(run_begin.size() - 1) {}

  FastClasses choose() {
    const uint32_t classes = runs_ < kRunsForClasses ? 1 : kClasses;
    out_.ids.assign(runs_, 0);
    if (classes > 1) {
      rank_by_mean();
      make_books(classes);
      Costs costs;
      for (uint32_t c = 0; c < classes; ++c) add_costs(out_.books[c], c, costs);
      for (size_t r = 0; r < runs_; ++r) out_.ids[r] = cheapest_class(run(r), costs);
    }
    make_books(classes);
    return std::move(out_);
  }

 private:
  std::span<const uint8_t> run(size_t r) const {
    return exponents_.subspan(run_begin_[r], run_begin_[r + 1] - run_begin_[r]);
  }
  void rank_by_mean() {
    std::vector<uint64_t> ranked(runs_);  // mean, then number
    for (size_t r = 0; r < runs_; ++r) {
      uint32_t sum = 0;
      for (const uint8_t e : run(r)) sum += e;
      ranked[r] = uint64_t{64 * sum / static_cast<uint32_t>(run(r).size())} << 32 | r;
    }
    std::sort(ranked.begin(), ranked.end());
    for (size_t i = 0; i < runs_; ++i)
      out_.ids[ranked[i] & UINT32_MAX] = static_cast<uint8_t>(i * kClasses / runs_);
  }
  void make_books(uint32_t classes) {
    // Two tables a class: neighbours of equal value do not wait for each other's increment.
    std::vector<std::array<Counts, 2>> counts(classes);
    for (size_t r = 0; r < runs_; ++r) {
      const auto part = run(r);
      auto& count = counts[out_.ids[r]];
      size_t i = 0;
      for (; i + 2 <= part.size(); i += 2) {
        ++count[0][part[i]];
        ++count[1][part[i + 1]];
      }
      if (i < part.size()) ++count[0][part[i]];
    }
    out_.books.clear();
    for (auto& [sum, other] : counts) {
      for (uint32_t e = 0; e < kExponents; ++e) sum[e] += other[e];
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
}  // namespace gramzip::model
