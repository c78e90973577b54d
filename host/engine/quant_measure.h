// SPDX-License-Identifier: Apache-2.0
// What quantizers really cost: the weights quantized and coded as the archive will have them, and
// thrown away.
#pragma once
#include <span>
#include <vector>

#include "host/backend/backend.h"
#include "host/base/workers.h"
#include "host/engine/error_report.h"
#include "host/engine/quant_job.h"

namespace gramzip {
struct Measured {
  uint64_t section_bytes = 0;  // of its segments that are no references
  ErrorFigures figures;
};

class QuantMeasure {
 public:
  QuantMeasure(Backend& backend, Workers& workers) : backend_(backend), workers_(workers) {}
  // Of each of the tensors. references[i][s]: segment s of jobs[i] stands for an earlier one and
  // takes nothing.
  std::vector<Measured> run(std::span<const QuantJob* const> jobs,
                            std::span<const std::vector<bool>* const> references);
  // Sums over a tensor that is not changed.
  ErrorFigures unchanged(const QuantJob& job);

 private:
  Backend& backend_;
  Workers& workers_;
};
}  // namespace gramzip
