// SPDX-License-Identifier: Apache-2.0
#include "host/engine/quant_weights.h"

#include <algorithm>
#include <optional>

#include "host/cpu/quantize.h"
#include "host/model/quant_trellis.h"

namespace gramzip {
namespace {
// Weights that were pruned stay 0: the level of what is 0 is 0 itself.
void keep_zero(quant::Quantizer& q) {
  quant::Levels& levels = q.levels;
  // With scales a level of 0, or one at the zero point, is there by the method.
  if (levels.scale_type != quant::ScaleType::none) return;
  const auto i = static_cast<uint32_t>(
      std::upper_bound(q.thresholds.begin(), q.thresholds.end(), 0.0) - q.thresholds.begin());
  if (q.lowest > 0 || q.highest < 0 || i >= levels.count()) return;
  if (!levels.uniform) {
    levels.listed[i] = 0;
  } else if (levels.first + static_cast<int32_t>(i) == 0) {
    levels.corrections[i] = 0;
  }
}

// Where 6 dB cost a bit: 2 ln 2 times the mean squared error.
double slope_of(const quant::Estimate& e, const quant::Distribution& d) {
  return 1.3862943611 * e.squared_error / static_cast<double>(d.count);
}
// A design along a trellis that there is, and that is asked for or the cheaper one.
bool is_taken(const quant::Distribution& d, const quant::Design& trellis, double lambda,
              LevelKind kind) {
  if (trellis.quantizer.levels.trellis == 0 || !(lambda > 0)) return false;
  return kind == LevelKind::trellis ||
         trellis.estimate.cost(lambda) < quant::design_uniform(d, lambda).estimate.cost(lambda);
}
}  // namespace

std::shared_ptr<const quant::Distribution> QuantWeights::of(size_t job) {
  {
    const std::lock_guard lock(mutex_);
    if (held_[job]) return held_[job];
  }
  const QuantJob& j = jobs_[job];
  cpu::DistributionCounter counter(j.type());
  std::vector<uint8_t> piece;
  for (size_t i = 0; i < j.pieces(); ++i) {
    j.read_piece(i, piece);
    j.prune_piece(i, piece);
    counter.add(piece);
  }
  const auto d = std::make_shared<const quant::Distribution>(counter.finish());
  const size_t bytes = d->buckets.size() * sizeof(quant::Bucket);
  const std::lock_guard lock(mutex_);
  if (!held_[job] && bytes_ + bytes <= kBudget) {
    held_[job] = d;
    bytes_ += bytes;
  }
  return d;
}

std::vector<quant::Range> QuantWeights::ranges(size_t job, uint32_t group) {
  const QuantJob& j = jobs_[job];
  if (group == 0) {
    const auto d = of(job);
    return {{d->least, d->most}};
  }
  // Whole groups at a time, or parts of one.
  const uint64_t size = j.element_bytes(), elements = j.plan().elements;
  const bool parts = group > QuantJob::kPieceElements;
  const uint64_t step = parts ? QuantJob::kPieceElements : QuantJob::kPieceElements / group * group;
  std::vector<quant::Range> out;
  std::vector<uint8_t> piece;
  std::optional<quant::Range> whole;  // of a group that comes in parts
  for (uint64_t at = 0; at < elements;) {
    uint64_t n = std::min(step, elements - at);
    if (parts) n = std::min(n, group - at % group);
    piece.resize(static_cast<size_t>(n * size));
    j.make(at * size, piece, true);
    at += n;
    if (!parts) {
      const std::vector<quant::Range> some = cpu::group_ranges(j.type(), piece, group);
      out.insert(out.end(), some.begin(), some.end());
      continue;
    }
    if (const auto part = cpu::finite_range(j.type(), piece))
      whole = whole ? quant::Range{std::min(whole->least, part->least),
                                   std::max(whole->most, part->most)}
                    : *part;
    if (at % group == 0 || at == elements) {
      out.push_back(whole.value_or(quant::Range{}));
      whole.reset();
    }
  }
  return out;
}

quant::Design QuantWeights::finish(size_t job, quant::Design d) const {
  if (jobs_[job].pruning.kind != PruneKind::none) keep_zero(d.quantizer);
  return d;
}

quant::Design QuantWeights::uniform(size_t job, double lambda, LevelKind kind) {
  const auto d = of(job);
  if (trellis_ && kind != LevelKind::scalar) {
    quant::Design trellis = quant::design_trellis(*d, lambda);
    if (is_taken(*d, trellis, lambda, kind)) return trellis;
  }
  return finish(job, quant::design_uniform(*d, lambda));
}

quant::Design QuantWeights::of_bits(size_t job, double bits, LevelKind kind) {
  const auto d = of(job);
  if (trellis_ && kind != LevelKind::scalar) {
    quant::Design trellis = quant::design_trellis_for_bits(*d, bits);
    if (is_taken(*d, trellis, slope_of(trellis.estimate, *d), kind)) return trellis;
  }
  return finish(job, quant::design_for_bits(*d, bits));
}

quant::Design QuantWeights::of_error(size_t job, double squared_error, LevelKind kind) {
  const auto d = of(job);
  if (trellis_ && kind != LevelKind::scalar) {
    quant::Design trellis = quant::design_trellis_for_error(*d, squared_error);
    if (is_taken(*d, trellis, slope_of(trellis.estimate, *d), kind)) return trellis;
  }
  return finish(job, quant::design_for_error(*d, squared_error));
}

quant::Design QuantWeights::within(size_t job, double max_error) {
  return finish(job, quant::design_max_error(*of(job), max_error));
}

quant::Design QuantWeights::classic(size_t job, const QuantizeOptions& options) {
  quant::MethodOptions method = options.method;
  const uint64_t elements = jobs_[job].plan().elements;
  if (options.group_rows)
    method.group = static_cast<uint32_t>(
        std::clamp<uint64_t>(jobs_[job].plan().columns, quant::kMinGroup, quant::kMaxGroup));
  if (method.group >= elements) method.group = 0;
  return finish(job, quant::design_method(method, *of(job), ranges(job, method.group)));
}
}  // namespace gramzip
