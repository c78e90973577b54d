// SPDX-License-Identifier: Apache-2.0
// Pieces of a tensor on the CPU's threads.
#include <algorithm>
#include <optional>

#include "host/backend/quantize_loops.h"
#include "host/base/workers.h"

namespace gramzip {
namespace {
constexpr size_t kPiece = 1 << 17;  // elements, a multiple of 4

class CpuLoops final : public QuantizeLoops {
 public:
  explicit CpuLoops(int threads) : workers_(threads) {}
  std::string name() const override { return "cpu"; }

  void count(cpu::DistributionCounter& counter, ElementType type,
             std::span<const uint8_t> elements) override {
    std::vector<std::unique_ptr<cpu::DistributionCounter>> own(workers_.size());
    run(type, elements, kPiece, [&](size_t, std::span<const uint8_t> piece, size_t slot) {
      if (!own[slot]) own[slot] = std::make_unique<cpu::DistributionCounter>(type);
      own[slot]->add(piece);
    });
    for (const auto& o : own)
      if (o) counter.merge(*o);
  }

  std::vector<quant::Range> group_ranges(ElementType type, std::span<const uint8_t> elements,
                                         uint32_t group) override {
    const size_t n = elements.size() / element_info(type).bytes;
    std::vector<quant::Range> ranges(ceil_div(n, group));
    if (group <= kPiece) {
      run(type, elements, kPiece / group * group,
          [&](size_t first, std::span<const uint8_t> piece, size_t) {
            const auto some = cpu::group_ranges(type, piece, group);
            std::copy(some.begin(), some.end(),
                      ranges.begin() + static_cast<ptrdiff_t>(first / group));
          });
      return ranges;
    }
    for (size_t g = 0; g < ranges.size(); ++g) {
      const size_t bytes = size_t{group} * element_info(type).bytes, begin = g * bytes;
      const auto whole = elements.subspan(begin, std::min(bytes, elements.size() - begin));
      std::vector<std::optional<quant::Range>> own(ceil_div(group, kPiece));
      run(type, whole, kPiece, [&](size_t first, std::span<const uint8_t> piece, size_t) {
        own[first / kPiece] = cpu::finite_range(type, piece);
      });
      std::optional<quant::Range> range;
      for (const auto& o : own) {
        if (!o) continue;
        range = range
                    ? quant::Range{std::min(range->least, o->least), std::max(range->most, o->most)}
                    : *o;
      }
      ranges[g] = range.value_or(quant::Range{});
    }
    return ranges;
  }

  void quantize_to_indexes(const quant::Quantizer& q, uint64_t first,
                           std::span<const uint8_t> elements,
                           std::span<uint16_t> indexes) override {
    const cpu::PreparedQuantizer prepared(q);
    run(q.levels.type, elements, kPiece, [&](size_t i, std::span<const uint8_t> piece, size_t) {
      prepared.to_indexes(first + i, piece,
                          indexes.subspan(i, piece.size() / element_info(q.levels.type).bytes));
    });
  }
  void quantize(const quant::Quantizer& q, uint64_t first, std::span<uint8_t> elements) override {
    const cpu::PreparedQuantizer prepared(q);
    run(q.levels.type, elements, kPiece,
        [&](size_t i, std::span<uint8_t> piece, size_t) { prepared.quantize(first + i, piece); });
  }
  void dequantize(const quant::Levels& levels, uint64_t first, std::span<const uint16_t> indexes,
                  std::span<uint8_t> elements) override {
    run(levels.type, elements, kPiece, [&](size_t i, std::span<uint8_t> piece, size_t) {
      cpu::dequantize(levels, first + i,
                      indexes.subspan(i, piece.size() / element_info(levels.type).bytes), piece);
    });
  }
  void constrain_means(const quant::Quantizer& q, uint64_t first, uint32_t columns,
                       std::span<const uint8_t> original, std::span<uint16_t> indexes) override {
    run(q.levels.type, original, whole_rows(columns),
        [&](size_t i, std::span<const uint8_t> piece, size_t) {
          cpu::constrain_means(
              q, first + i, columns, piece,
              indexes.subspan(i, piece.size() / element_info(q.levels.type).bytes));
        });
  }

  void count_high(cpu::MagnitudeSelect& select, ElementType type,
                  std::span<const uint8_t> elements) override {
    std::vector<std::optional<cpu::MagnitudeSelect>> own(workers_.size());
    run(type, elements, kPiece, [&](size_t, std::span<const uint8_t> piece, size_t slot) {
      if (!own[slot]) own[slot].emplace();
      own[slot]->count_high(type, piece);
    });
    for (const auto& o : own)
      if (o) select.merge(*o);
  }
  void count_low(cpu::MagnitudeSelect& select, ElementType type,
                 std::span<const uint8_t> elements) override {
    if (!cpu::MagnitudeSelect::needs_low(type)) return;
    std::vector<std::optional<cpu::MagnitudeSelect>> own(workers_.size());
    run(type, elements, kPiece, [&](size_t, std::span<const uint8_t> piece, size_t slot) {
      if (!own[slot]) own[slot].emplace(select.begin_low());
      own[slot]->count_low(type, piece);
    });
    for (const auto& o : own)
      if (o) select.merge(*o);
  }

  uint64_t prune_edges(ElementType type, cpu::MagnitudeSelect::Cut& cut,
                       std::span<uint8_t> elements) override {
    const size_t n = elements.size() / element_info(type).bytes;
    // Each piece's share of the ties, in order.
    std::vector<uint64_t> ties(ceil_div(n, kPiece)), pruned(ties.size());
    if (cut.ties > 0)
      run(type, elements, kPiece, [&](size_t i, std::span<uint8_t> piece, size_t) {
        ties[i / kPiece] = cpu::count_ties(type, cut, piece);
      });
    for (uint64_t& t : ties) {
      t = std::min(t, cut.ties);
      cut.ties -= t;
    }
    run(type, elements, kPiece, [&](size_t i, std::span<uint8_t> piece, size_t) {
      cpu::MagnitudeSelect::Cut own{cut.below, ties[i / kPiece]};
      pruned[i / kPiece] = cpu::prune_edges(type, own, piece);
    });
    uint64_t all = 0;
    for (const uint64_t p : pruned) all += p;
    return all;
  }
  std::vector<double> row_norms(ElementType type, std::span<const uint8_t> elements,
                                uint64_t columns) override {
    std::vector<double> norms(
        columns == 0 ? 0 : ceil_div(elements.size() / element_info(type).bytes, columns));
    run(type, elements, whole_rows(columns), [&](size_t i, std::span<const uint8_t> piece, size_t) {
      const auto some = cpu::row_norms(type, piece, columns);
      std::copy(some.begin(), some.end(), norms.begin() + static_cast<ptrdiff_t>(i / columns));
    });
    return norms;
  }
  void prune_two_of_four(ElementType type, std::span<uint8_t> elements, uint64_t columns) override {
    // Pieces of long rows are rows of their own, as they have whole fours.
    const size_t row = columns * element_info(type).bytes;
    if (columns > kPiece)
      for (size_t begin = 0; begin < elements.size(); begin += row)
        run(type, elements.subspan(begin, std::min(row, elements.size() - begin)), kPiece,
            [&](size_t, std::span<uint8_t> piece, size_t) {
              cpu::prune_two_of_four(type, piece, kPiece);
            });
    else
      run(type, elements, whole_rows(columns), [&](size_t, std::span<uint8_t> piece, size_t) {
        cpu::prune_two_of_four(type, piece, columns);
      });
  }

 private:
  static size_t whole_rows(uint64_t columns) {
    return std::max<size_t>(kPiece / std::max<size_t>(columns, 1), 1) * columns;
  }
  // f(first element, its piece, slot) for pieces of so many elements.
  template <class Byte, class F>
  void run(ElementType type, std::span<Byte> elements, size_t piece, F&& f) {
    const size_t bytes = piece * element_info(type).bytes;
    if (elements.empty()) return;
    workers_.run(ceil_div(elements.size(), bytes), [&](size_t i, size_t slot) {
      const size_t begin = i * bytes;
      f(i * piece, elements.subspan(begin, std::min(bytes, elements.size() - begin)), slot);
    });
  }

  Workers workers_;
};
}  // namespace

std::unique_ptr<QuantizeLoops> make_cpu_quantize_loops(int threads) {
  return std::make_unique<CpuLoops>(threads);
}
}  // namespace gramzip
