// SPDX-License-Identifier: Apache-2.0
#include "host/engine/train_model.h"

#include <algorithm>
#include <optional>

#include "host/engine/trainer.h"

namespace gramzip {
namespace {
using Text = std::span<const std::span<const uint8_t>>;

// Text of up to this size is tried with several sizes of a model at effort 9.
constexpr uint64_t kTriedText = uint64_t{24} << 20;

// The smallest in all of several numbers of strings, then of classes, in quarters of the plan's.
model::NgramModel smallest(Text text, const TrainPlan& plan, int threads) {
  std::optional<model::NgramModel> best;
  uint64_t least = 0;
  const auto consider = [&](const TrainPlan& p) {
    Trainer trainer(text, p, threads);
    model::NgramModel m = trainer.run();
    const uint64_t bytes = trainer.total_size(m);
    const bool wins = !best || bytes < least;
    if (wins) {
      best = std::move(m);
      least = bytes;
    }
    return wins;
  };
  TrainPlan chosen = plan;
  for (const uint32_t quarters : {4u, 3u, 2u, 6u}) {
    TrainPlan p = plan;
    p.entries = plan.entries * quarters / 4;
    if (consider(p)) chosen = p;
  }
  for (const uint32_t quarters : {3u, 6u}) {
    TrainPlan p = chosen;
    p.classes = std::min(text::kMaxClasses, std::max(1u, plan.classes * quarters / 4));
    consider(p);
  }
  return std::move(*best);
}
}  // namespace

model::NgramModel train_model(Text text, const TrainOptions& options) {
  const uint64_t bytes = total_bytes(text);
  const TrainPlan plan = make_train_plan(bytes, options);
  const bool asked = options.entries > 0 || options.classes > 0;
  if (options.effort >= 9 && !asked && bytes <= kTriedText)
    return smallest(text, plan, options.threads);
  return Trainer(text, plan, options.threads).run();
}
}  // namespace gramzip
