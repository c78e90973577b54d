// SPDX-License-Identifier: Apache-2.0
#include "host/model/classes.h"

#include <tbb/task_arena.h>

#include <algorithm>
#include <numeric>

#include "gramzip/core/config.h"
#include "host/base/workers.h"
#include "host/model/fixed_log.h"

namespace gramzip::model {
namespace {
constexpr uint32_t kOwnColumns = 1024, kSharedColumns = 257;
constexpr uint64_t kPrior = 300;  // counts that the shares of all text stand for in a class

struct Column {
  uint16_t column;
  uint32_t count;
};
// Counts of each row by column.
struct Rows {
  std::vector<uint64_t> begin;
  std::vector<Column> cells;
};

Rows count_rows(const Bigrams& bigrams, std::span<const uint16_t> column_of, uint32_t columns) {
  Rows rows;
  rows.begin.push_back(0);
  std::vector<uint32_t> counts(columns, 0);
  std::vector<uint16_t> touched;
  for (uint32_t s = 0; s < bigrams.symbols(); ++s) {
    touched.clear();
    for (const uint16_t next : bigrams.row(s))
      if (counts[column_of[next]]++ == 0) touched.push_back(column_of[next]);
    for (const uint16_t c : touched) {
      rows.cells.push_back({c, counts[c]});
      counts[c] = 0;
    }
    rows.begin.push_back(rows.cells.size());
  }
  return rows;
}

class Clustering {
 public:
  Clustering(const Bigrams& bigrams, std::span<const uint16_t> column_of, uint32_t classes)
      : bigrams_(bigrams),
        columns_(1u + *std::max_element(column_of.begin(), column_of.end())),
        classes_(classes),
        rows_(count_rows(bigrams, column_of, columns_)),
        column_total_(columns_, 1),
        total_(columns_) {
    for (const Column& c : rows_.cells) {
      column_total_[c.column] += c.count;
      total_ += c.count;
    }
    order_.resize(bigrams.symbols());
    std::iota(order_.begin(), order_.end(), 0u);
    std::stable_sort(order_.begin(), order_.end(), [&](uint32_t a, uint32_t b) {
      return bigrams.row_size(a) > bigrams.row_size(b);
    });
    while (!order_.empty() && bigrams.row_size(order_.back()) == 0) order_.pop_back();
  }

  std::vector<uint8_t> run(std::span<const uint8_t> start, uint32_t rounds) {
    class_of_.assign(bigrams_.symbols(), 0);
    if (start.empty()) {
      // The most frequent symbols found a class each.
      for (uint32_t i = 0; i < classes_ && i < order_.size(); ++i)
        class_of_[order_[i]] = static_cast<uint8_t>(i);
    } else {
      std::copy(start.begin(), start.end(), class_of_.begin());
    }
    uint64_t last = UINT64_MAX;
    for (uint32_t round = 0; round < rounds; ++round) {
      const bool founding = start.empty() && round == 0;
      weigh_columns(founding ? std::min<size_t>(classes_, order_.size()) : order_.size());
      const uint64_t bits = assign();
      if (round > 2 && bits > last - last / 3000) break;
      last = bits;
    }
    return class_of_;
  }

 private:
  // Bits of each column in each class, in 1/1024, from the first `rows` rows by size.
  void weigh_columns(size_t rows) {
    std::vector<uint32_t> count(size_t{columns_} * classes_, 0);
    std::vector<uint64_t> class_total(classes_, 0);
    for (size_t i = 0; i < rows; ++i) {
      const uint32_t s = order_[i], c = class_of_[s];
      for (uint64_t k = rows_.begin[s]; k < rows_.begin[s + 1]; ++k)
        count[size_t{rows_.cells[k].column} * classes_ + c] += rows_.cells[k].count;
      class_total[c] += bigrams_.row_size(s);
    }
    std::vector<uint32_t> log_total(classes_);
    for (uint32_t c = 0; c < classes_; ++c)
      log_total[c] = fixed_log2((class_total[c] + kPrior) << 16);
    bits_.resize(size_t{columns_} * classes_);
    for (uint32_t v = 0; v < columns_; ++v) {
      const uint64_t prior = std::max<uint64_t>(1, (kPrior << 16) * column_total_[v] / total_);
      const uint32_t base = fixed_log2(prior);
      for (uint32_t c = 0; c < classes_; ++c) {
        const uint32_t n = count[size_t{v} * classes_ + c];
        const uint32_t log = n > 0 ? fixed_log2((uint64_t{n} << 16) + prior) : base;
        bits_[size_t{v} * classes_ + c] = log_total[c] > log ? log_total[c] - log : 1;
      }
    }
  }

  // Every symbol to the class that codes its followers best; returns the bits of all.
  uint64_t assign() {
    std::vector<uint64_t> least(order_.size());
    constexpr size_t kPiece = 64;
    parallel_loop(ceil_div(order_.size(), kPiece), [&](size_t piece) {
      std::vector<uint64_t> sum(classes_);
      const size_t end = std::min(order_.size(), (piece + 1) * kPiece);
      for (size_t i = piece * kPiece; i < end; ++i) {
        const uint32_t s = order_[i];
        std::fill(sum.begin(), sum.end(), 0);
        for (uint64_t k = rows_.begin[s]; k < rows_.begin[s + 1]; ++k) {
          const uint32_t* bits = bits_.data() + size_t{rows_.cells[k].column} * classes_;
          const uint64_t n = rows_.cells[k].count;
          for (uint32_t c = 0; c < classes_; ++c) sum[c] += n * bits[c];
        }
        const auto best = std::min_element(sum.begin(), sum.end());
        class_of_[s] = static_cast<uint8_t>(best - sum.begin());
        least[i] = *best;
      }
    });
    return std::accumulate(least.begin(), least.end(), uint64_t{0});
  }

  const Bigrams& bigrams_;
  uint32_t columns_, classes_;
  Rows rows_;
  std::vector<uint64_t> column_total_;
  uint64_t total_;
  std::vector<uint32_t> order_;  // symbols that something follows, most first
  std::vector<uint8_t> class_of_;
  std::vector<uint32_t> bits_;  // [column][class]
};
}  // namespace

std::vector<uint8_t> cluster_symbols(const Bigrams& bigrams, std::span<const uint16_t> column_of,
                                     std::span<const uint8_t> start,
                                     const ClusterOptions& options) {
  std::vector<uint8_t> class_of;
  tbb::task_arena arena(std::max(1, options.threads));
  arena.execute([&] {
    class_of = Clustering(bigrams, column_of, options.classes).run(start, options.rounds);
  });
  // Classes that lost all their symbols go; numbers in order of first occurrence.
  std::vector<int> number(options.classes, -1);
  int used = 0;
  for (uint32_t s = 0; s < class_of.size(); ++s)
    if (bigrams.row_size(s) > 0 && number[class_of[s]] < 0) number[class_of[s]] = used++;
  for (uint32_t s = 0; s < class_of.size(); ++s)
    class_of[s] = bigrams.row_size(s) > 0 ? static_cast<uint8_t>(number[class_of[s]]) : uint8_t{0};
  return class_of;
}

std::vector<uint16_t> follower_columns(std::span<const uint64_t> counts,
                                       std::span<const uint16_t> first_byte) {
  std::vector<uint32_t> order(counts.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return counts[a] > counts[b]; });
  std::vector<uint16_t> columns(counts.size());
  for (uint32_t i = 0; i < order.size(); ++i)
    columns[order[i]] =
        static_cast<uint16_t>(i < kOwnColumns ? i : kOwnColumns + first_byte[order[i]]);
  static_assert(kOwnColumns + kSharedColumns < 65536);
  return columns;
}
}  // namespace gramzip::model
