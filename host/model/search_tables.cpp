// SPDX-License-Identifier: Apache-2.0
#include "host/model/search_tables.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "host/base/error.h"

namespace gramzip::quant {
namespace {
// A grid that evenly spaced thresholds have a cell each of, and what others may take: 32 KiB.
constexpr uint32_t kCellsAThreshold = 4, kMostCells = 1u << 14;

void check(const Quantizer& q) {
  const uint32_t levels = q.levels.count();
  if (levels == 0 || levels > kMaxLevels || q.thresholds.size() != levels - 1)
    fail(ErrorCode::internal, "a quantizer of " + std::to_string(levels) + " levels has " +
                                  std::to_string(q.thresholds.size()) + " thresholds");
  for (size_t i = 0; i < q.thresholds.size(); ++i)
    if (std::isnan(q.thresholds[i]) || (i > 0 && q.thresholds[i] < q.thresholds[i - 1]))
      fail(ErrorCode::internal, "thresholds of a quantizer do not ascend");
}

// Most thresholds that share a cell.
uint32_t most_in_a_cell(const LevelSearch& s, const std::vector<double>& thresholds) {
  uint32_t most = 0, here = 0;
  int32_t before = -1;
  for (const double t : thresholds) {
    const int32_t cell = s.cell(t);
    here = cell == before ? here + 1 : 1;
    before = cell;
    most = std::max(most, here);
  }
  return most;
}
}  // namespace

SearchTables::SearchTables(const Quantizer& q) {
  check(q);
  const auto count = static_cast<uint32_t>(q.thresholds.size());
  search_.count = count;
  search_.lowest = q.lowest;
  search_.highest = q.highest;
  search_.cells = 1;
  search_.steps = static_cast<uint32_t>(std::bit_width(count));
  const double origin = count == 0 ? 0 : q.thresholds.front();
  const double width = count == 0 ? 0 : q.thresholds.back() - origin;
  if (width > 0 && std::isfinite(width)) {
    LevelSearch s = search_;
    s.origin = origin;
    for (uint32_t cells = std::bit_ceil(kCellsAThreshold * count); cells <= kMostCells;
         cells *= 2) {
      s.cells = static_cast<int32_t>(cells);
      s.inverse_width = cells / width;
      if (!std::isfinite(s.inverse_width)) break;
      s.steps = static_cast<uint32_t>(std::bit_width(most_in_a_cell(s, q.thresholds)));
      if (s.steps < search_.steps) search_ = s;
    }
  }
  thresholds = q.thresholds;
  thresholds.insert(thresholds.end(), size_t{1} << search_.steps,
                    std::numeric_limits<double>::infinity());
  first.resize(static_cast<size_t>(search_.cells) + 1);  // the last is read with the one before
  size_t i = 0;
  for (int32_t c = 0; c < search_.cells; ++c) {
    while (i < count && search_.cell(q.thresholds[i]) < c) ++i;
    first[static_cast<size_t>(c)] = static_cast<uint16_t>(i);
  }
}

LevelSearch SearchTables::search(const double* thresholds_at, const uint16_t* first_at) const {
  LevelSearch s = search_;
  s.thresholds = thresholds_at;
  s.first = first_at;
  return s;
}
}  // namespace gramzip::quant
