// SPDX-License-Identifier: Apache-2.0
#include "host/engine/train_plan.h"

#include <algorithm>

#include "gramzip/core/text.h"

namespace gramzip {
uint64_t total_bytes(std::span<const std::span<const uint8_t>> text) {
  uint64_t total = 0;
  for (const auto& t : text) total += t.size();
  return total;
}

TrainPlan make_train_plan(uint64_t bytes, const TrainOptions& o) {
  constexpr uint64_t kMega = uint64_t{1} << 20;
  TrainPlan p{};
  p.effort = o.effort;
  p.general = o.general;
  p.dictionary_sample = o.effort >= 7 ? 16 * kMega : std::clamp(bytes / 2, 2 * kMega, 4 * kMega);
  p.parse_sample = (o.effort >= 9 ? 64 : o.effort >= 7 ? 32 : o.effort >= 4 ? 8 : 2) * kMega;
  if (o.effort < 7) p.parse_sample = std::min(p.parse_sample, std::max(2 * kMega, bytes / 3));
  if (o.sample_bytes > 0)
    p.parse_sample = std::min(p.dictionary_sample = o.sample_bytes, 64 * kMega);
  const bool large = bytes >= 8 * kMega, huge = bytes >= 24 * kMega;
  p.entries = o.effort < 4 ? 8192 : huge ? (o.effort >= 7 ? 63000 : 32768) : large ? 16384 : 8192;
  p.classes = o.effort < 4 ? 32 : huge && o.effort >= 7 ? 128 : large ? 64 : 32;
  if (o.entries > 0) p.entries = std::min(o.entries, text::kMaxStrings);
  if (o.classes > 0) p.classes = std::min(o.classes, text::kMaxClasses);
  p.match_rounds = o.effort >= 7 ? 2 : 1;
  p.class_rounds = o.effort >= 7 ? 4 : 1;
  p.prune_rounds = o.effort >= 7 ? 2 : 1;
  return p;
}

Pieces spread_sample(std::span<const std::span<const uint8_t>> text, uint64_t most, uint64_t run) {
  const uint64_t total = total_bytes(text);
  if (total <= most) return {text.begin(), text.end()};
  const uint64_t runs = ceil_div(most, run);
  run = most / runs;
  Pieces out;
  uint64_t begin = 0;  // of the piece at hand, in all text
  size_t piece = 0;
  for (uint64_t i = 0; i < runs; ++i) {
    const uint64_t at = (total - run) / runs * i + (total - run) % runs * i / runs;
    while (at >= begin + text[piece].size()) begin += text[piece++].size();
    const auto rest = text[piece].subspan(at - begin);
    out.push_back(rest.first(std::min<uint64_t>(run, rest.size())));
  }
  return out;
}
}  // namespace gramzip
