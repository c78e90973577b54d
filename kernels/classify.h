// SPDX-License-Identifier: Apache-2.0
// Constant and repeated blocks (docs/format.md, 2.4). Does not allocate, does not synchronise.
#pragma once
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
struct ClassifyTuning {
  uint32_t threads = 256;
};
// Sets mode (constant, repeat, or raw: not yet decided) and repeat_of of states[0, count).
// states[].decoded_hash must be there.
cudaError_t classify(const uint8_t* content, const DeviceSegment* segments,
                     const DeviceBlock* blocks, BlockState* states, uint32_t count,
                     const ClassifyTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
