// SPDX-License-Identifier: Apache-2.0
// Least and greatest finite element of each group. Does not allocate, does not synchronise.
#pragma once
#include "gramzip/core/elements.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
struct GroupRangesTuning {
  uint32_t warps = 8;     // of a CTA
  uint32_t piece = 4096;  // elements of a group that a warp takes
};
// Of FloatValues::order: zero bytes begin both, and stay where a group has no finite element.
struct OrderRange {
  unsigned long long most;
  unsigned long long most_not;  // 2^64 - 1 - the least
};
// ranges[ceil(n / group)], which the caller has zeroed. elements: n of them, aligned to their size.
cudaError_t group_ranges(ElementType type, const uint8_t* elements, uint64_t n, uint32_t group,
                         OrderRange* ranges, const GroupRangesTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
