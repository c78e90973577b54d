// SPDX-License-Identifier: Apache-2.0
// Pruning by magnitude (host/cpu/prune.h). None allocates or synchronises. Elements are device
// memory, aligned to 16 bytes.
#pragma once
#include "gramzip/core/elements.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
struct PruneTuning {
  uint32_t warps = 8;  // of a CTA
  uint32_t scan_threads = 1024;
};
// A cut in the magnitude bits of the type: below `from` pruned, and of those from there to `to` - 1
// the first `ties` in order.
struct DeviceCut {
  uint64_t from, to, ties;
};
struct PruneResult {
  unsigned long long pruned, ties_used;
};
// In place; sets *result. workspace: `bytes` of device memory, aligned to 8; if it is null, only
// sets `bytes` to what n elements need.
cudaError_t prune_edges(void* workspace, size_t& bytes, ElementType type, uint8_t* elements,
                        uint64_t n, const DeviceCut& cut, PruneResult* result,
                        const PruneTuning& tuning, cudaStream_t stream);
// norms[rows]: of rows of `columns` elements.
cudaError_t row_norms(ElementType type, const uint8_t* elements, uint64_t rows, uint64_t columns,
                      double* norms, const PruneTuning& tuning, cudaStream_t stream);
cudaError_t prune_two_of_four(ElementType type, uint8_t* elements, uint64_t rows, uint64_t columns,
                              const PruneTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
