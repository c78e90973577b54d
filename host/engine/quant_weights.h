// SPDX-License-Identifier: Apache-2.0
// What quantizers are designed from: how the pruned weights of each tensor are distributed, counted
// when they are asked for and held within a budget of memory.
#pragma once
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "host/engine/quant_job.h"
#include "host/model/quant_design.h"

namespace gramzip {
// One quantizer's levels, or those of a trellis; either: whichever costs less by its estimate.
enum class LevelKind : uint8_t { either, scalar, trellis };

class QuantWeights {
 public:
  static constexpr size_t kBudget = size_t{512} << 20;  // bytes

  // The jobs must outlive it and keep their pruning.
  // trellis: quantizers by slope, bits or error may be trellis-coded; else all are scalar.
  QuantWeights(std::span<const QuantJob> jobs, bool trellis)
      : jobs_(jobs), trellis_(trellis), held_(jobs.size()) {}
  // By any thread.
  std::shared_ptr<const quant::Distribution> of(size_t job);
  // Least and greatest of each group of `group` weights; of all if it is 0.
  std::vector<quant::Range> ranges(size_t job, uint32_t group);

  // Quantizers. At a slope, in bits and squared error:
  quant::Design uniform(size_t job, double lambda, LevelKind kind);
  quant::Design of_bits(size_t job, double bits, LevelKind kind);
  quant::Design of_error(size_t job, double squared_error, LevelKind kind);
  bool may_use_trellis() const { return trellis_; }
  quant::Design within(size_t job, double max_error);
  quant::Design classic(size_t job, const QuantizeOptions& options);

 private:
  quant::Design finish(size_t job, quant::Design d) const;

  std::span<const QuantJob> jobs_;
  const bool trellis_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<const quant::Distribution>> held_;
  size_t bytes_ = 0;
};
}  // namespace gramzip
