// SPDX-License-Identifier: Apache-2.0
// Builds the canonical code of each segment.
//
//   counts[2^S]  ->  shared: sorted[used] | symbol of rank[used] | package-merge workspace
//                ->  length of rank[used]  ->  lengths[2^S], codes[2^S]
//
// One CTA a segment. Every thread finds the ranks of its symbols by counting how many keys (count,
// symbol) are smaller: keys differ, so ranks are a permutation whatever the order of threads. In
// the same way it finds how many symbols of the same length come before its own, which is the code.
// In between one thread runs core/huffman's package-merge, 2 n L steps, while other segments use
// the SM. Reads 4 bytes and writes 5 a symbol of the alphabet, whatever the content's size.
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
  uint8_t by_symbol[kMaxWriteSymbols];
  uint32_t used;
  uint32_t per_length[kMaxSymbolBits + 1];
  huffman::Canonical canonical;
  Workspace workspace;
};

// One thread's part: lengths by rank, and where the codes of each length begin.
__device__ void choose_lengths(Shared& s, uint32_t limit) {
  huffman::package_merge(s.sorted, s.used, limit, s.workspace, s.length);
  for (uint32_t l = 0; l <= kMaxSymbolBits; ++l) s.per_length[l] = 0;
  for (uint32_t r = 0; r < s.used; ++r) ++s.per_length[s.length[r]];
  huffman::make_canonical(s.per_length, limit, s.used, s.canonical);
}

__global__ void code_lengths_kernel(const DeviceSegment* segments, const uint32_t* counts,
                                    uint8_t* lengths, uint32_t* codes, CodeSummary* summaries) {
  GRAMZIP_DYN_SHARED(Shared, s);
  const SegmentHeader& h = segments[blockIdx.x].header;
  const uint32_t symbols = 1u << h.symbol_bits;
  const uint64_t at = uint64_t{blockIdx.x} * kMaxWriteSymbols;
  if (threadIdx.x == 0) s->used = 0;
  for (uint32_t i = threadIdx.x; i < symbols; i += blockDim.x) {
    s->counts[i] = counts[at + i];
    s->by_symbol[i] = 0;
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

  const uint32_t used = s->used;
  if (threadIdx.x == 0) {
    summaries[blockIdx.x] = {used, used == 1 ? s->symbol[0] : 0u};
    if (used > 1) choose_lengths(*s, h.code_limit);
  }
  __syncthreads();
  if (used > 1)  // else no symbol has a code of 1 bit or more
    for (uint32_t r = threadIdx.x; r < used; r += blockDim.x)
      s->by_symbol[s->symbol[r]] = s->length[r];
  __syncthreads();

  for (uint32_t i = threadIdx.x; i < symbols; i += blockDim.x) {
    const uint32_t l = s->by_symbol[i];
    uint32_t before = 0;
    if (l > 0)
      for (uint32_t k = 0; k < i; ++k) before += s->by_symbol[k] == l ? 1 : 0;
    lengths[at + i] = static_cast<uint8_t>(l);
    codes[at + i] = l > 0 ? huffman::pack_code(s->canonical.first[l] + before, l) : 0;
  }
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
