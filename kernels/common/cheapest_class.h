// SPDX-License-Identifier: Apache-2.0
// The class of a run of 256 symbols, 8 a lane, as a warp finds it (core/run_classes.h,
// choose_class).
#pragma once
#include "gramzip/core/run_classes.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
inline constexpr uint32_t kAbsent = 0xffffffffu;  // behind the end of the block
inline constexpr uint32_t kPartClasses = 8;       // 16 bytes of a row
inline constexpr uint32_t kQuad = kMaxTables / kPartClasses;
static_assert(kQuad == 4 && kMaxTables == 32);

// The class whose costs of the warp's symbols have the least sum; the lowest of equals. Classes
// beyond those that there are have the highest costs.
__device__ inline uint32_t cheapest_class(const uint32_t* symbols, const uint4* costs,
                                          uint32_t lane) {
  const uint32_t part = lane % kQuad;
  uint32_t sums[4] = {};
#pragma unroll
  for (uint32_t k = 0; k < kLaneGroup; ++k)
#pragma unroll
    for (uint32_t from = 0; from < kQuad; ++from) {
      const uint32_t symbol = __shfl_sync(kAllLanes, symbols[k], static_cast<int>(from), kQuad);
      if (symbol == kAbsent) continue;
      const uint4 c = costs[symbol * kQuad + part];
      sums[0] += c.x;
      sums[1] += c.y;
      sums[2] += c.z;
      sums[3] += c.w;
    }
  uint32_t best = 0xffffffffu;
#pragma unroll
  for (uint32_t i = 0; i < 4; ++i) {
    for (uint32_t d = kQuad; d < kWarp; d *= 2) sums[i] += __shfl_xor_sync(kAllLanes, sums[i], d);
    const uint32_t id = part * kPartClasses + 2 * i;
    best =
        min(best, min((sums[i] & 0xffff) * kMaxTables + id, (sums[i] >> 16) * kMaxTables + id + 1));
  }
  return __reduce_min_sync(kAllLanes, best) % kMaxTables;
}
}  // namespace gramzip::kernels
