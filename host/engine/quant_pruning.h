// SPDX-License-Identifier: Apache-2.0
// Which weights are pruned: by magnitude, in each tensor or across all of them, exact to one weight
// (edge) or to half a row (node).
#pragma once
#include <span>

#include "host/base/workers.h"
#include "host/engine/quant_job.h"

namespace gramzip {
// Sets `pruning` of the jobs. Reads edges twice, of tensors with equal magnitudes at the cut once
// more.
void decide_pruning(std::span<QuantJob> jobs, const QuantizeOptions& options, Workers& workers);
}  // namespace gramzip
