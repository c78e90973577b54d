// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "gramzip/core/float_values.h"
#include "gramzip/core/wire.h"
#include "host/base/error.h"
#include "host/cpu/group_walk.h"
#include "host/cpu/quantize.h"

namespace gramzip::cpu {
using quant::Levels;

namespace {
constexpr double kNever = std::numeric_limits<double>::infinity();

// A step of a rounding, and what it costs in squared error: least for those nearest to a tie.
struct Step {
  double cost;
  uint32_t column;
  bool operator<(const Step& o) const { return cost != o.cost ? cost < o.cost : column < o.column; }
};

class Rows {
 public:
  explicit Rows(const Levels& levels) : levels_(levels) {
    if (levels.group == 0)
      for (uint32_t i = 0; i < levels.count(); ++i) values_.push_back(value_of(i, 0));
  }

  template <ElementType type>
  void constrain(uint64_t first, const uint8_t* original, std::span<uint16_t> row) {
    using V = FloatValues<type>;
    const uint32_t count = levels_.count();
    const auto weight = [&](size_t j) {
      return V::to_double(load_le<typename V::Bits>(original + j * V::kBytes));
    };
    double difference = 0;  // of levels less weights; elements that are kept have none
    for_groups(first, row.size(), levels_.group, [&](uint64_t g, size_t begin, size_t end) {
      for (size_t j = begin; j < end; ++j)
        if (row[j] < count) difference += value(row[j], g) - weight(j);
    });
    if (difference == 0) return;
    const bool down = difference > 0;
    const uint32_t last = down ? 0 : count - 1;
    costs_.assign(row.size(), kNever);
    gaps_.resize(row.size());
    least_gap_ = kNever;
    for_groups(first, row.size(), levels_.group, [&](uint64_t g, size_t begin, size_t end) {
      for (size_t j = begin; j < end; ++j) {
        const uint32_t i = row[j];
        if (i >= count || i == last) continue;
        const double w = weight(j), from = value(i, g), to = value(down ? i - 1 : i + 1, g);
        const double gap = down ? from - to : to - from;
        // A weight that was pruned stays so. Equal levels make no difference.
        if ((w == 0 && from == 0) || !(gap > 0)) continue;
        costs_[j] = (to - w) * (to - w) - (from - w) * (from - w);
        gaps_[j] = gap;
        least_gap_ = std::min(least_gap_, gap);
      }
    });
    take(std::abs(difference), down, row);
  }

 private:
  // Steps by cost, as long as each makes the difference smaller. Few are needed, so only the
  // cheapest are sorted, then as many again, until the difference is less than half of any gap.
  void take(double difference, bool down, std::span<uint16_t> row) {
    double above = -kNever;
    // Costs of steps in the right direction are spread evenly from 0 to gap^2.
    double bound = 3 * difference * least_gap_ / static_cast<double>(row.size());
    while (2 * difference > least_gap_ && above < kNever) {
      steps_.clear();
      size_t left = 0;
      for (size_t j = 0; j < row.size(); ++j) {
        const double cost = costs_[j];
        if (cost > above && cost <= bound && cost < kNever)
          steps_.push_back({cost, static_cast<uint32_t>(j)});
        left += cost > bound && cost < kNever;
      }
      std::sort(steps_.begin(), steps_.end());
      for (const Step& step : steps_) {
        if (gaps_[step.column] >= 2 * difference) continue;
        difference -= gaps_[step.column];
        uint16_t& index = row[step.column];
        index = static_cast<uint16_t>(down ? index - 1 : index + 1);
      }
      if (left == 0) return;
      above = bound;
      bound = bound > 0 ? 4 * bound : kNever;
    }
  }
  double value_of(uint32_t i, uint64_t g) const {
    return element_value(levels_.type, levels_.element(i, g));
  }
  double value(uint32_t i, uint64_t g) const {
    return levels_.group == 0 ? values_[i] : value_of(i, g);
  }

  const Levels& levels_;
  std::vector<double> values_;        // without scales: of the levels as elements
  std::vector<double> costs_, gaps_;  // of a step in each column
  double least_gap_ = 0;
  std::vector<Step> steps_;
};
}  // namespace

void constrain_means(const quant::Quantizer& q, uint64_t first, uint32_t columns,
                     std::span<const uint8_t> original, std::span<uint16_t> indexes) {
  Rows rows(q.levels);
  const bool is_known = with_float_type(q.levels.type, [&]<ElementType type>() {
    for (size_t begin = 0; begin < indexes.size(); begin += columns)
      rows.constrain<type>(
          first + begin, original.data() + begin * FloatValues<type>::kBytes,
          indexes.subspan(begin, std::min<size_t>(columns, indexes.size() - begin)));
  });
  if (!is_known) fail(ErrorCode::internal, "only floats are quantized");
}
}  // namespace gramzip::cpu
