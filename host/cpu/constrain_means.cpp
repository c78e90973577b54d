// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "gramzip/core/float_values.h"
#include "gramzip/core/wire.h"
#include "host/base/error.h"
#include "host/cpu/group_walk.h"
#include "host/cpu/quantize.h"

namespace gramzip::cpu {
using quant::Levels;

namespace {
// What one step of a rounding costs in squared error. The cheapest ones are those nearest to a tie.
struct Step {
  double cost, gap;
  uint32_t column;
  // For a heap whose top is the cheapest, the first of equal ones.
  bool operator<(const Step& o) const { return cost != o.cost ? cost > o.cost : column > o.column; }
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
    steps_.clear();
    for_groups(first, row.size(), levels_.group, [&](uint64_t g, size_t begin, size_t end) {
      for (size_t j = begin; j < end; ++j) {
        if (row[j] >= count || row[j] == (down ? 0u : count - 1)) continue;
        const double w = weight(j), from = value(row[j], g);
        if (w == 0 && from == 0) continue;  // pruned, and stays so
        const double to = value(down ? row[j] - 1u : row[j] + 1u, g);
        const double gap = down ? from - to : to - from;
        if (!(gap > 0)) continue;
        steps_.push_back(
            {(to - w) * (to - w) - (from - w) * (from - w), gap, static_cast<uint32_t>(j)});
      }
    });
    take(std::abs(difference), down, row);
  }

 private:
  // Steps by cost, as long as each makes the difference smaller.
  void take(double difference, bool down, std::span<uint16_t> row) {
    std::make_heap(steps_.begin(), steps_.end());
    for (auto end = steps_.end(); difference > 0 && end != steps_.begin();) {
      std::pop_heap(steps_.begin(), end--);
      if (end->gap >= 2 * difference) continue;
      difference -= end->gap;
      uint16_t& index = row[end->column];
      index = static_cast<uint16_t>(down ? index - 1 : index + 1);
    }
  }
  double value_of(uint32_t i, uint64_t g) const {
    return element_value(levels_.type, levels_.element(i, g));
  }
  double value(uint32_t i, uint64_t g) const {
    return levels_.group == 0 ? values_[i] : value_of(i, g);
  }

  const Levels& levels_;
  std::vector<double> values_;  // without scales: of the levels as elements
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
