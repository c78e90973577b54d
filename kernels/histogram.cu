// SPDX-License-Identifier: Apache-2.0
// Counts the symbols of the segments' blocks.
//
//   shared: copy 0 [2^S] | copy 1 [2^S] | ...        a warp adds to copy (warp mod copies)
//
// One CTA a block. Private copies keep warps from waiting for each other on frequent symbols; at
// the end the CTA adds its sums to the segment's table. Integer sums have no order. Reads each byte
// once. Bytes are unsigned throughout.
#include "kernels/histogram.h"

namespace gramzip::kernels {
namespace {
// Adds the elements of 16 bytes. What lies above an element in its word is not part of a symbol.
template <uint32_t kBytes>
__device__ void add_chunk(uint32_t* bins, const Split& split, const uint4& v) {
  const uint32_t w[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
  for (uint32_t at = 0; at < 16; at += kBytes) {
    uint64_t x = w[at / 4] >> (8 * (at % 4));
    if constexpr (kBytes == 8) x |= uint64_t{w[at / 4 + 1]} << 32;
    atomicAdd(&bins[split.symbol(x)], 1u);
  }
}
// The chunks of a block, a thread every blockDim.x-th.
template <uint32_t kBytes>
__device__ void add_chunks(uint32_t* bins, const Split& split, const uint8_t* p, uint32_t chunks) {
  for (uint32_t c = threadIdx.x; c < chunks; c += blockDim.x)
    add_chunk<kBytes>(bins, split, reinterpret_cast<const uint4*>(p)[c]);
}

__global__ void histogram_kernel(const uint8_t* content, const DeviceSegment* segments,
                                 const DeviceBlock* blocks, const BlockState* states,
                                 uint32_t* counts, uint32_t max_copies) {
  GRAMZIP_DYN_SHARED(uint32_t, bins);
  const DeviceBlock block = blocks[blockIdx.x];
  if (states[blockIdx.x].mode != BlockMode::raw) return;  // the whole CTA leaves
  const DeviceSegment& segment = segments[block.segment];
  const SegmentHeader& h = segment.header;
  const Split split = h.split();
  const uint32_t symbols = 1u << h.symbol_bits, copies = symbols <= 256 ? max_copies : 1;
  for (uint32_t i = threadIdx.x; i < symbols * copies; i += blockDim.x) bins[i] = 0;
  __syncthreads();

  const uint8_t* p = content + segment.content_at + h.block_begin(block.number);
  uint32_t* mine = bins + (threadIdx.x / kWarp) % copies * symbols;
  const uint32_t bytes = h.block_bytes(block.number);
  // Blocks begin at multiples of 2^16 of an aligned segment.
  const uint32_t chunks = bytes / 16;
  switch (split.bytes) {
    case 1:
      add_chunks<1>(mine, split, p, chunks);
      break;
    case 2:
      add_chunks<2>(mine, split, p, chunks);
      break;
    case 4:
      add_chunks<4>(mine, split, p, chunks);
      break;
    default:
      add_chunks<8>(mine, split, p, chunks);
  }
  const uint32_t rest = chunks * 16 / split.bytes + threadIdx.x;  // fewer than 16 elements
  if (rest < bytes / split.bytes)
    atomicAdd(&mine[split.symbol(load_element(p, rest, split.bytes))], 1u);
  __syncthreads();

  for (uint32_t s = threadIdx.x; s < symbols; s += blockDim.x) {
    uint32_t sum = 0;
    for (uint32_t c = 0; c < copies; ++c) sum += bins[c * symbols + s];
    if (sum > 0) atomicAdd(&counts[uint64_t{block.segment} * kMaxWriteSymbols + s], sum);
  }
}
}  // namespace

cudaError_t histogram(const uint8_t* content, const DeviceSegment* segments,
                      const DeviceBlock* blocks, const BlockState* states, uint32_t count,
                      uint32_t* counts, const HistogramTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  const size_t smem =
      sizeof(uint32_t) *
      (tuning.copies * 256 > kMaxWriteSymbols ? tuning.copies * 256 : kMaxWriteSymbols);
  return launch(Launch{dim3(count), dim3(tuning.threads), smem, stream}, histogram_kernel, content,
                segments, blocks, states, counts, tuning.copies);
}
}  // namespace gramzip::kernels
