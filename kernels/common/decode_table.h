// SPDX-License-Identifier: Apache-2.0
// Decode tables built by the threads of one CTA, in shared or global memory.
#pragma once
#include "gramzip/core/huffman.h"
#include "kernels/common/simt.h"
#include "kernels/huffman_decode.h"

namespace gramzip::kernels {
// Working memory of a build, shared by the CTA.
struct TableScratch {
  huffman::Canonical canonical;
  uint32_t per_length[kMaxSymbolBits + 1];
  uint16_t by_rank[kMaxSymbols];
};

// Fills entries[0, 2^limit) of one table. Called by all threads of the CTA, at least 32; ends
// behind a barrier. A thread a code length collects its symbols in order, so ranks do not depend on
// timing.
__device__ inline void build_table(const DeviceTable& table, const uint8_t* all_lengths,
                                   uint32_t limit, TableScratch& s, uint16_t* entries) {
  const uint8_t* lengths = all_lengths + table.lengths_at;
  const uint32_t l = threadIdx.x;
  if (l >= 1 && l <= kMaxSymbolBits) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < table.count; ++i) count += lengths[i] == l ? 1 : 0;
    s.per_length[l] = count;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    uint32_t used = table.count == 1 ? 1 : 0;
    for (uint32_t k = 1; k <= kMaxSymbolBits; ++k) used += s.per_length[k];
    huffman::make_canonical(s.per_length, limit, used, s.canonical);
    if (table.count == 1) s.by_rank[0] = table.first;
  }
  __syncthreads();
  if (l >= 1 && l <= limit) {
    uint32_t rank = s.canonical.rank[l];
    for (uint32_t i = 0; i < table.count; ++i)
      if (lengths[i] == l) s.by_rank[rank++] = static_cast<uint16_t>(table.first + i);
  }
  __syncthreads();
  for (uint32_t i = threadIdx.x; i < (1u << limit); i += blockDim.x)
    entries[i] = huffman::single_entry(s.canonical, s.by_rank, i);
  __syncthreads();
}
}  // namespace gramzip::kernels
