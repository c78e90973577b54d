// SPDX-License-Identifier: Apache-2.0
// Builds the canonical code of each segment.
//
//   shared: counts[2^S] | sorted[used] | symbol of rank[used] | length of rank | package-merge
//   workspace
//
// One CTA a segment. Every thread finds the ranks of its symbols by counting how many keys (count,
// symbol) are smaller: keys differ, so ranks are a permutation whatever the order of threads.
// Package-merge is short and serial: one thread runs core/huffman's, 2 n L steps (11,000 for bytes)
// while other segments use the SM.
#include "kernels/code_lengths.h"

#include "gramzip/core/huffman.h"

namespace gramzip::kernels {
namespace {
using Workspace = huffman::Workspace<kMaxWriteSymbols, kFloatCodeLimit>;
struct Shared {
  uint32_t counts[kMaxWriteSymbols];
  uint32_t sorted[kMaxWriteSymbols];
  uint16_t symbol[kMaxWriteSymbols];  // by rank
  uint8_t length[kMaxWriteSymbols];   // by rank
  uint32_t used;
  Workspace workspace;
};

__global__ void code_lengths_kernel(const DeviceSegment* segments, const uint32_t* counts,
                                    uint8_t* lengths, uint32_t* codes, CodeSummary* summaries) {
  GRAMZIP_DYN_SHARED(Shared, s);
  const SegmentHeader& h = segments[blockIdx.x].header;
  const uint32_t symbols = 1u << h.symbol_bits;
  const uint64_t at = uint64_t{blockIdx.x} * kMaxWriteSymbols;
  if (threadIdx.x == 0) s->used = 0;
  for (uint32_t i = threadIdx.x; i < symbols; i += blockDim.x) {
    s->counts[i] = counts[at + i];
    lengths[at + i] = 0;
    codes[at + i] = 0;
  }
  __syncthreads();

  for (uint32_t i = threadIdx.x; i < symbols; i += blockDim.x) {
    const uint32_t count = s->counts[i];
    if (count == 0) continue;
    uint32_t rank = 0;
    for (uint32_t k = 0; k < symbols; ++k) {
      const uint32_t other = s->counts[k];
      rank += other > 0 && (other < count || (other == count && k < i)) ? 1 : 0;
    }
    s->sorted[rank] = count;
    s->symbol[rank] = static_cast<uint16_t>(i);
    atomicAdd(&s->used, 1u);
  }
  __syncthreads();

  if (threadIdx.x != 0) return;
  const uint32_t used = s->used;
  summaries[blockIdx.x] = {used, used == 1 ? s->symbol[0] : 0u};
  if (used < 2) return;
  huffman::package_merge(s->sorted, used, h.code_limit, s->workspace, s->length);
  uint32_t per_length[kMaxSymbolBits + 1] = {};
  for (uint32_t r = 0; r < used; ++r) {
    ++per_length[s->length[r]];
    lengths[at + s->symbol[r]] = s->length[r];
  }
  huffman::Canonical c;
  huffman::make_canonical(per_length, h.code_limit, used, c);
  for (uint32_t i = 0; i < symbols; ++i)
    if (const uint32_t l = lengths[at + i]) codes[at + i] = huffman::pack_code(c.first[l]++, l);
}
}  // namespace

cudaError_t code_lengths(const DeviceSegment* segments, uint32_t count, const uint32_t* counts,
                         uint8_t* lengths, uint32_t* codes, CodeSummary* summaries,
                         const CodeLengthsTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(Launch{dim3(count), dim3(tuning.threads), sizeof(Shared), stream},
                code_lengths_kernel, segments, counts, lengths, codes, summaries);
}
}  // namespace gramzip::kernels
