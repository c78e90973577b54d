// SPDX-License-Identifier: Apache-2.0
// Last step of training: seeds are parsed, and those that save least leave.
#pragma once
#include "host/model/dictionary_merge.h"

namespace gramzip::model {
// At most `entries` of the seeds, in their order.
std::vector<std::string> prune_seeds(std::span<const uint8_t> sample, const Seeds& seeds,
                                     size_t entries, Workers& workers);
}  // namespace gramzip::model
