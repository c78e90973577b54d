// SPDX-License-Identifier: Apache-2.0
// Quantizers for the codes there are.
#include <algorithm>
#include <cmath>

#include "host/base/error.h"
#include "host/model/code_lengths.h"
#include "host/model/quant_levels.h"

namespace gramzip::quant {
namespace {
constexpr uint32_t kLimit = 12;

struct UsedLevels {
  Bins bins;
  std::vector<uint32_t> level;   // of each bin
  std::vector<uint64_t> counts;  // by bin; then of the weights that are kept
};
UsedLevels used_levels(const Cells& c, const Quantizer& q) {
  UsedLevels used;
  used.bins.begin.clear();
  uint32_t level = 0;
  double count = 0, kept = 0;
  size_t end = 0;
  for (size_t i = 0; i < c.size(); ++i) {
    const double x = c.mean[i];
    if (x < q.lowest || x > q.highest) {
      kept += c.count[i];
      continue;
    }
    const uint32_t before = level;
    while (level < q.thresholds.size() && q.thresholds[level] <= x) ++level;
    if (used.level.empty() || level != before) {
      if (!used.level.empty()) used.counts.push_back(static_cast<uint64_t>(count));
      used.bins.begin.push_back(i);
      used.level.push_back(level);
      count = 0;
    }
    count += c.count[i];
    end = i + 1;
  }
  if (!used.level.empty()) used.counts.push_back(static_cast<uint64_t>(count));
  used.bins.begin.push_back(end);
  used.counts.push_back(static_cast<uint64_t>(kept));
  return used;
}
}  // namespace

Design tune_uniform(const Distribution& d, const Quantizer& q, double lambda,
                    std::span<const double> bits) {
  if (!(lambda > 0 && std::isfinite(lambda)))
    fail(ErrorCode::invalid_argument, "the slope of a quantizer is above 0 and finite");
  if (q.levels.scale_type != ScaleType::none || (!bits.empty() && bits.size() < q.levels.count()))
    fail(ErrorCode::invalid_argument, "levels with scales, or fewer bits than levels");
  const Cells fine = cells_of(d);
  UsedLevels used = used_levels(fine, q);
  std::vector<double> by_bin;
  if (!bits.empty()) {
    for (const uint32_t level : used.level) by_bin.push_back(bits[level]);
  } else if (used.level.size() > 1) {
    const CodeBook book = make_code_book(std::span<const uint64_t>(used.counts), kLimit);
    by_bin.assign(book.lengths.begin(), book.lengths.end() - 1);
  }
  if (used.level.size() > 1) refine(fine, price_of(fine, lambda), 1, used.bins, by_bin);
  return design_of(fine, used.bins);
}

double huffman_bits(const Distribution& d, const Quantizer& q) {
  const Cells fine = cells_of(d);
  const UsedLevels used = used_levels(fine, q);
  const CodeBook book = make_code_book(std::span<const uint64_t>(used.counts), kLimit);
  double bits = static_cast<double>(used.counts.back()) * 8 * element_info(d.type).bytes;
  for (size_t i = 0; i < used.counts.size(); ++i)
    bits += static_cast<double>(used.counts[i]) * book.lengths[i];
  return bits;
}
}  // namespace gramzip::quant
