// SPDX-License-Identifier: Apache-2.0
// The cheapest path of each run of 256 weights through a trellis (host/model/trellis_path.h). Does
// not allocate or synchronise.
#pragma once
#include "gramzip/core/quant.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
// quant::TrellisLevels in device memory. Level i stands at at[i + kTrellisFront].
inline constexpr uint32_t kTrellisFront = 3;
struct DeviceTrellis {
  uint32_t count, states_log2;  // 4 to 8
  double per_unit;
  float escape;
  const float* at;
  const float* price;
};

// indexes: of n elements, the greatest level not above each, or `count` for those that are kept;
// then the level of each on its run's path. The first element begins a run.
cudaError_t trellis_path(ElementType type, const uint8_t* elements, uint64_t n,
                         const DeviceTrellis& trellis, uint16_t* indexes, cudaStream_t stream);
}  // namespace gramzip::kernels
