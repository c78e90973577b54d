// SPDX-License-Identifier: Apache-2.0
#include "host/model/run_classes.h"

#include <algorithm>
#include <numeric>

#include "host/model/class_sums.inl"
#include "host/model/code_lengths.h"
#include "host/model/fixed_log.h"
#include "host/model/run_sample.h"

namespace gramzip::model {
namespace {
constexpr uint32_t kRounds = 6;        // of assigning the sample by coarse symbols
constexpr uint32_t kRoundsMerged = 2;  // once more with the classes that are left

constexpr uint32_t kRunsOfAClass = 8;  // of the sample, at least, on average

// Counts of one class.
struct Counts {
  std::vector<uint32_t> of;
  uint32_t total = 0;
};

// A cost in 1/16 bit of something of weight w among `sum`.
ClassCost cost_of(uint64_t sum, uint64_t w) {
  const uint32_t log = fixed_log2(sum) - fixed_log2(w);
  constexpr uint32_t down = kLogBits - kClassCostLog2;
  return static_cast<ClassCost>(std::min((log + (1u << (down - 1))) >> down, kMaxClassCost));
}

// n log2 n in 1/1024 bit.
uint64_t n_log_n(uint64_t n) { return n < 2 ? 0 : n * fixed_log2(n); }

class Trainer {
 public:
  explicit Trainer(const RunSample& s) : s_(s), coarse_((1u << s.widths.coarse) + s.exact) {}

  RunClasses train() {
    RunClasses out;
    start();
    for (uint32_t i = 0; i < kRounds && classes_ > 1; ++i) round();
    merge();
    for (uint32_t i = 0; i < kRoundsMerged && classes_ > 1; ++i) round();
    out.symbol_bits = choose_width();
    if (classes_ > 1 && s_.by_shares) {
      count_coarse();
      share_costs(out.costs);
    } else if (classes_ > 1) {
      symbol_costs(out.symbol_bits, out.costs);
      assign_by_symbols(out.symbol_bits, out.costs);
      symbol_costs(out.symbol_bits, out.costs);
    }
    out.classes = classes_;
    return out;
  }

 private:
  // Quantiles of the keys.
  void start() {
    const uint32_t n = s_.size();
    classes_ = std::clamp(n / kRunsOfAClass, 1u, s_.most_classes);
    std::vector<uint32_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [this](uint32_t a, uint32_t b) { return s_.keys[a] < s_.keys[b]; });
    class_of_.resize(n);
    for (uint32_t i = 0; i < n; ++i)
      class_of_[order[i]] = static_cast<uint8_t>(uint64_t{i} * classes_ / n);
  }

  void count_coarse() {
    counts_.assign(classes_, {});
    for (Counts& c : counts_) c.of.assign(coarse_, 0);
    for (uint32_t i = 0; i < s_.size(); ++i) {
      Counts& c = counts_[class_of_[i]];
      for (uint32_t k = s_.begin[i]; k < s_.begin[i + 1]; ++k)
        c.of[s_.coarse[k].symbol] += s_.coarse[k].count;
      c.total += s_.sizes[i];
    }
  }

  void share_costs(std::vector<ClassCost>& costs) const {
    costs.assign(size_t{coarse_} * kMaxTables, kMaxClassCost);
    for (uint32_t c = 0; c < classes_; ++c) {
      const uint64_t sum = uint64_t{counts_[c].total} * 16 + coarse_;
      for (uint32_t k = 0; k < coarse_; ++k)
        costs[k * kMaxTables + c] = cost_of(sum, uint64_t{counts_[c].of[k]} * 16 + 1);
    }
  }

  // Lloyd: each class's costs from its runs, each run to the class that codes it in fewest bits.
  void round() {
    count_coarse();
    share_costs(costs_);
    for (uint32_t i = 0; i < s_.size(); ++i) {
      uint16_t sums[kMaxTables] = {};
      for (uint32_t k = s_.begin[i]; k < s_.begin[i + 1]; ++k) {
        const ClassCost* row = costs_.data() + uint32_t{s_.coarse[k].symbol} * kMaxTables;
        const uint16_t n = s_.coarse[k].count;
        for (uint32_t c = 0; c < kMaxTables; ++c)
          sums[c] = static_cast<uint16_t>(sums[c] + n * row[c]);
      }
      class_of_[i] = static_cast<uint8_t>(least_class(sums, classes_));
    }
  }

  // Of all runs, in 1/1024 bit: what the sample's symbols of these counts take, and the table.
  uint64_t scaled(uint64_t bits) const { return bits * s_.all_runs / s_.size(); }
  uint64_t table_cost(uint32_t first, uint32_t last, uint32_t finer_bits) const {
    const uint32_t exponents = 1u << s_.widths.coarse;  // what comes behind is exact
    const auto place = [&](uint32_t k) {
      return k < exponents ? k << finer_bits : (exponents << finer_bits) + k - exponents;
    };
    const uint32_t span = finer_bits == 0 ? last - first + 1 : place(last + 1) - place(first);
    return uint64_t{table_wire_bytes(span)} * 8 * kLogUnit;
  }
  struct Extent {
    uint32_t first = UINT32_MAX, last = 0;
  };
  static Extent extent(const Counts& c) {
    Extent e;
    for (uint32_t k = 0; k < c.of.size(); ++k)
      if (c.of[k] > 0) {
        e.first = std::min(e.first, k);
        e.last = k;
      }
    return e;
  }
  uint64_t class_cost(const Counts& c, const Extent& e) const {
    if (c.total == 0) return 0;
    uint64_t bits = n_log_n(c.total), minus = 0;
    for (uint32_t k = e.first; k <= e.last; ++k) minus += n_log_n(c.of[k]);
    return scaled(bits > minus ? bits - minus : 0) +
           table_cost(e.first, e.last,
                      std::min(s_.widths.most, s_.widths.coarse + 2u) - s_.widths.coarse);
  }
  uint64_t joint_cost(uint32_t a, uint32_t b, const std::vector<Extent>& extents) const {
    const Counts &x = counts_[a], &y = counts_[b];
    const Extent e{std::min(extents[a].first, extents[b].first),
                   std::max(extents[a].last, extents[b].last)};
    const uint64_t bits = n_log_n(uint64_t{x.total} + y.total);
    uint64_t minus = 0;
    for (uint32_t k = e.first; k <= e.last; ++k) minus += n_log_n(uint64_t{x.of[k]} + y.of[k]);
    return scaled(bits > minus ? bits - minus : 0) +
           table_cost(e.first, e.last,
                      std::min(s_.widths.most, s_.widths.coarse + 2u) - s_.widths.coarse);
  }

  // Two classes at a time become one, those that lose least; of all numbers of classes on the way
  // the cheapest, ids and tables counted, is taken.
  void merge() {
    count_coarse();
    std::vector<Extent> extents(classes_);
    std::vector<uint64_t> cost(classes_);
    std::vector<uint8_t> left;
    uint64_t total = 0;
    for (uint32_t c = 0; c < classes_; ++c) {
      extents[c] = extent(counts_[c]);
      cost[c] = class_cost(counts_[c], extents[c]);
      total += cost[c];
      if (counts_[c].total > 0) left.push_back(static_cast<uint8_t>(c));
    }
    std::vector<uint64_t> joint(size_t{classes_} * classes_);
    for (size_t i = 0; i < left.size(); ++i)
      for (size_t j = i + 1; j < left.size(); ++j)
        joint[left[i] * classes_ + left[j]] = joint_cost(left[i], left[j], extents);
    std::vector<std::pair<uint8_t, uint8_t>> steps;
    const auto with_ids = [&](size_t n) {
      return total + uint64_t{s_.all_runs} * ceil_log2(static_cast<uint32_t>(n)) * kLogUnit;
    };
    uint64_t best = with_ids(left.size());
    size_t best_steps = 0;
    while (left.size() > 1) {
      int64_t least = INT64_MAX;
      uint8_t a = 0, b = 0;
      for (size_t i = 0; i < left.size(); ++i)
        for (size_t j = i + 1; j < left.size(); ++j) {
          const uint32_t x = left[i], y = left[j];
          const auto loss = static_cast<int64_t>(joint[x * classes_ + y]) -
                            static_cast<int64_t>(cost[x] + cost[y]);
          if (loss < least) least = loss, a = left[i], b = left[j];
        }
      total = static_cast<uint64_t>(static_cast<int64_t>(total) + least);
      cost[a] = joint[a * classes_ + b];
      for (uint32_t k = 0; k < coarse_; ++k) counts_[a].of[k] += counts_[b].of[k];
      counts_[a].total += counts_[b].total;
      extents[a] = {std::min(extents[a].first, extents[b].first),
                    std::max(extents[a].last, extents[b].last)};
      left.erase(std::find(left.begin(), left.end(), b));
      for (const uint8_t c : left)
        if (c != a) joint[std::min(a, c) * classes_ + std::max(a, c)] = joint_cost(a, c, extents);
      steps.emplace_back(b, a);
      if (with_ids(left.size()) <= best) {
        best = with_ids(left.size());
        best_steps = steps.size();
      }
    }
    std::vector<uint8_t> becomes(classes_);
    std::iota(becomes.begin(), becomes.end(), uint8_t{0});
    for (size_t i = 0; i < best_steps; ++i)
      for (uint8_t& c : becomes)
        if (c == steps[i].first) c = steps[i].second;
    std::vector<uint8_t> number(classes_, kMaxTables);
    uint32_t used = 0;
    for (uint8_t& c : class_of_) {
      c = becomes[c];
      if (number[c] == kMaxTables) number[c] = static_cast<uint8_t>(used++);
      c = number[c];
    }
    classes_ = std::max(used, 1u);
  }

  void count_symbols(uint32_t bits) {
    counts_.assign(classes_, {});
    for (Counts& c : counts_) c.of.assign((size_t{1} << bits) + s_.exact, 0);
    for (uint32_t i = 0; i < s_.size(); ++i) {
      Counts& c = counts_[class_of_[i]];
      const uint16_t* symbols = s_.symbols.data() + size_t{i} * kRunElements;
      for (uint32_t j = 0; j < s_.sizes[i]; ++j) ++c.of[s_.narrowed(symbols[j], bits)];
      c.total += s_.sizes[i];
    }
  }

  // The width that takes fewest bits with these classes; the narrowest of equals.
  uint32_t choose_width() {
    uint32_t best_bits = s_.widths.most;
    if (s_.widths.least == s_.widths.most) return best_bits;
    count_symbols(s_.widths.most);
    uint64_t best = UINT64_MAX;
    for (uint32_t bits = s_.widths.most; bits >= s_.widths.least; --bits) {
      uint64_t cost = 0;
      for (Counts& c : counts_) {
        if (c.total == 0) continue;
        uint64_t code = n_log_n(c.total), minus = 0, used = 0;
        const uint32_t exact = std::accumulate(c.of.end() - s_.exact, c.of.end(), 0u);
        for (const uint32_t n : c.of) minus += n_log_n(n), used += n > 0 ? 1 : 0;
        code = code > minus ? code - minus : 0;
        // A sample is more even than what it is drawn from: 0.72 bits a symbol in all.
        const Extent e = extent(c);
        cost += scaled(code + used * (kLogUnit * 3 / 4) +
                       uint64_t{c.total - exact} * (s_.widths.most - bits) * kLogUnit) +
                table_cost(e.first, e.last, 0);
        const size_t plain = c.of.size() - s_.exact, half = plain / 2;
        for (size_t k = 0; k < half; ++k) c.of[k] = c.of[2 * k] + c.of[2 * k + 1];
        c.of.erase(c.of.begin() + static_cast<ptrdiff_t>(half),
                   c.of.begin() + static_cast<ptrdiff_t>(plain));
      }
      if (cost <= best) {
        best = cost;
        best_bits = bits;
      }
    }
    return best_bits;
  }

  // The lengths of a code for the counts of a class and 32 more that are drawn from all classes, so
  // that no symbol of the sample is dear anywhere. What is not in the sample costs most.
  void symbol_costs(uint32_t bits, std::vector<ClassCost>& costs) {
    count_symbols(bits);
    const uint32_t symbols = (1u << bits) + s_.exact;
    std::vector<uint64_t> all(symbols, 0);
    uint64_t total = 0;
    for (const Counts& c : counts_) {
      for (uint32_t k = 0; k < symbols; ++k) all[k] += c.of[k];
      total += c.total;
    }
    costs.assign(size_t{symbols} * kMaxTables, kMaxClassCost);
    constexpr uint64_t unit = 64, drawn = 32;
    std::vector<uint32_t> weights(symbols);
    for (uint32_t c = 0; c < classes_; ++c) {
      for (uint32_t k = 0; k < symbols; ++k)
        if (all[k] > 0)
          weights[k] =
              static_cast<uint32_t>(counts_[c].of[k] * unit + all[k] * drawn * unit / total + 1);
      const CodeBook book = make_code_book(weights, kFloatCodeLimit);
      for (uint32_t k = 0; k < symbols; ++k)
        if (all[k] > 0)
          costs[size_t{k} * kMaxTables + c] =
              static_cast<ClassCost>(book.lengths[k] << kClassCostLog2);
    }
  }

  void assign_by_symbols(uint32_t bits, const std::vector<ClassCost>& costs) {
    uint16_t narrow[kRunElements];
    for (uint32_t i = 0; i < s_.size(); ++i) {
      const uint16_t* symbols = s_.symbols.data() + size_t{i} * kRunElements;
      uint32_t shift = s_.widths.most - bits;
      if (s_.exact > 0) {
        for (uint32_t j = 0; j < s_.sizes[i]; ++j)
          narrow[j] = static_cast<uint16_t>(s_.narrowed(symbols[j], bits));
        symbols = narrow;
        shift = 0;
      }
      class_of_[i] =
          static_cast<uint8_t>(class_of_run(symbols, shift, s_.sizes[i], costs.data(), classes_));
    }
  }

  const RunSample& s_;
  uint32_t coarse_;  // values of a coarse symbol
  uint32_t classes_ = 1;
  std::vector<uint8_t> class_of_;
  std::vector<Counts> counts_;
  std::vector<ClassCost> costs_;
};

// The lowest bits that are zero in every element; of elements that are all zero, all of them.
uint32_t common_zero_bits(std::span<const uint8_t> content, uint32_t element) {
  constexpr size_t kPiece = 4096;  // most weights end here
  const uint64_t lowest_bits = element == 8 ? 1 : UINT64_MAX / ((uint64_t{1} << (8 * element)) - 1);
  uint64_t set = 0;
  for (size_t at = 0; at < content.size() && (set & lowest_bits) == 0; at += kPiece) {
    const size_t end = std::min(content.size(), at + kPiece);
    size_t i = at;
    for (; i + 8 <= end; i += 8) set |= load_le<uint64_t>(content.data() + i);
    for (; i < end; i += element) set |= load_element(content.data(), i / element, element);
  }
  for (uint32_t bits = 32; bits >= 8 * element; bits /= 2) set |= set >> bits;
  if (element < 8) set &= (uint64_t{1} << (8 * element)) - 1;
  return set == 0 ? 8 * element : static_cast<uint32_t>(__builtin_ctzll(set));
}
}  // namespace

RunClasses train_run_classes(const RunSample& sample) { return Trainer(sample).train(); }

RunClasses train_run_classes(std::span<const uint8_t> content, const SegmentHeader& header,
                             std::span<const BlockRecord> records,
                             std::span<const uint64_t> exact) {
  const RunSample sample = sample_runs(content, header, records, exact);
  RunClasses out;
  if (sample.size() == 0)
    out.symbol_bits = sample.widths.least;
  else
    out = Trainer(sample).train();
  if (header.codec == Codec::floats)
    out.zero_bits = std::min(common_zero_bits(content, element_info(header.type).bytes),
                             most_zero_bits(header.type, out.symbol_bits));
  return out;
}
}  // namespace gramzip::model
