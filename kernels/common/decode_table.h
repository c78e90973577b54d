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

// Calls f(i, rank) for each symbol i whose code has `length` bits, with its rank among them, and
// returns how many there are. Called by a whole warp; the ballots fix the ranks.
template <class F>
__device__ uint32_t rank_symbols(const DeviceTable& table, const uint8_t* lengths, uint32_t length,
                                 F f) {
  const uint32_t lane = threadIdx.x % kWarp;
  uint32_t found = 0;
  for (uint32_t base = 0; base < table.count; base += kWarp) {
    const uint32_t i = base + lane;
    const bool mine = i < table.count && lengths[i] == length;
    const uint32_t lanes = __ballot_sync(kAllLanes, mine);
    if (mine) f(i, found + __popc(lanes & ((1u << lane) - 1)));
    found += __popc(lanes);
  }
  return found;
}

// Fills entries[0, 2^limit) of one table. Called by all threads of the CTA, whole warps; ends
// behind a barrier. A warp takes a code length at a time, a thread an entry.
__device__ inline void build_table(const DeviceTable& table, const uint8_t* all_lengths,
                                   uint32_t limit, TableScratch& s, uint16_t* entries) {
  const uint8_t* lengths = all_lengths + table.lengths_at;
  const uint32_t warp = threadIdx.x / kWarp, warps = blockDim.x / kWarp;
  for (uint32_t l = 1 + warp; l <= kMaxSymbolBits; l += warps) {
    const uint32_t found = rank_symbols(table, lengths, l, [](uint32_t, uint32_t) {});
    if (threadIdx.x % kWarp == 0) s.per_length[l] = found;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    uint32_t used = table.count == 1 ? 1 : 0;
    for (uint32_t l = 1; l <= kMaxSymbolBits; ++l) used += s.per_length[l];
    huffman::make_canonical(s.per_length, limit, used, s.canonical);
    if (table.count == 1) s.by_rank[0] = table.first;
  }
  __syncthreads();
  for (uint32_t l = 1 + warp; l <= limit; l += warps) {
    uint16_t* at = s.by_rank + s.canonical.rank[l];
    rank_symbols(table, lengths, l, [&](uint32_t i, uint32_t rank) {
      at[rank] = static_cast<uint16_t>(table.first + i);
    });
  }
  __syncthreads();
  for (uint32_t i = threadIdx.x; i < (1u << limit); i += blockDim.x)
    entries[i] = huffman::single_entry(s.canonical, s.by_rank, i);
  __syncthreads();
}
}  // namespace gramzip::kernels
