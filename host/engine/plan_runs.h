// SPDX-License-Identifier: Apache-2.0
// How a checkpoint is cut into runs, each of which is then cut into segments (docs/determinism.md).
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>

#include "host/formats/checkpoint.h"

namespace gramzip {
namespace quant {
struct Levels;
}
// Levels of the tensors of a member whose weights are all levels or kept ones, by where they begin.
using QuantizedTensors = std::map<uint64_t, std::shared_ptr<const quant::Levels>>;

inline constexpr uint64_t kToTheEnd = UINT64_MAX;
inline constexpr uint64_t kQuantizedSegment = 16u << 20;  // bytes; they become few

// A stretch of a member: whole elements of one type, or of any length to the member's end.
struct Run {
  uint64_t bytes;
  ElementType type;
  bool automatic;  // text or bytes, by looking
  uint16_t period = 0;
  uint32_t twins = 0;               // group of the tensor that it is; 0: none
  std::optional<uint64_t> base_at;  // what stands in the base in place of the run's first byte
  std::shared_ptr<const quant::Levels> levels = nullptr;
};

// twins: of each tensor, or empty. base_of: where in the base a tensor's like lies. base_start:
// where that of the member does. text_header: how many bytes of text the file begins with.
// quantized: null, or the levels of tensors, which are then runs of their own.
std::deque<Run> plan_runs(const Checkpoint& checkpoint, uint64_t text_header,
                          std::span<const uint32_t> twins,
                          const std::function<std::optional<uint64_t>(const Tensor&)>& base_of,
                          std::optional<uint64_t> base_start,
                          const QuantizedTensors* quantized = nullptr);
}  // namespace gramzip
