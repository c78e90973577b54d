// SPDX-License-Identifier: Apache-2.0
// Counts the bytes of the segments' blocks, or of one array in pieces of 64 KiB.
//
//   shared: copy 0 [256] | copy 1 [256] | ...        a warp adds to copy (warp mod copies)
//
// One CTA a block. Private copies keep warps from waiting for each other on frequent symbols; at
// the end the CTA adds its sums to the segment's table. Integer sums have no order. Reads each byte
// once. Bytes are unsigned throughout.
#include "kernels/histogram.h"

namespace gramzip::kernels {
namespace {
constexpr uint32_t kSymbols = 256;

// Adds to the CTA's private copies, 16 bytes a thread; p is a multiple of 16.
__device__ void count_bytes(const uint8_t* p, uint32_t bytes, uint32_t* bins, uint32_t copies) {
  uint32_t* mine = bins + (threadIdx.x / kWarp) % copies * kSymbols;
  const uint32_t chunks = bytes / 16;
  for (uint32_t c = threadIdx.x; c < chunks; c += blockDim.x) {
    const uint4 v = reinterpret_cast<const uint4*>(p)[c];
    const uint32_t w[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
    for (uint32_t at = 0; at < 16; ++at) atomicAdd(&mine[(w[at / 4] >> (8 * (at % 4))) & 0xff], 1u);
  }
  const uint32_t rest = chunks * 16 + threadIdx.x;  // fewer than 16 bytes
  if (rest < bytes) atomicAdd(&mine[p[rest]], 1u);
}
// Between barriers: clears the copies, adds their sums to counts.
__device__ void clear_copies(uint32_t* bins, uint32_t copies) {
  for (uint32_t i = threadIdx.x; i < kSymbols * copies; i += blockDim.x) bins[i] = 0;
}
template <class Count>
__device__ void add_copies(const uint32_t* bins, uint32_t copies, Count* counts) {
  for (uint32_t s = threadIdx.x; s < kSymbols; s += blockDim.x) {
    uint32_t sum = 0;
    for (uint32_t c = 0; c < copies; ++c) sum += bins[c * kSymbols + s];
    if (sum > 0) atomicAdd(&counts[s], Count{sum});
  }
}

__global__ void histogram_kernel(const uint8_t* content, const DeviceSegment* segments,
                                 const EncodePlaces* places, const DeviceBlock* blocks,
                                 const BlockState* states, uint32_t* counts, uint32_t copies) {
  GRAMZIP_DYN_SHARED(uint32_t, bins);
  const DeviceBlock block = blocks[blockIdx.x];
  const DeviceSegment& segment = segments[block.segment];
  const SegmentHeader& h = segment.header;
  // The whole CTA leaves.
  if (states[blockIdx.x].mode != BlockMode::raw || h.codec != Codec::bytes) return;
  clear_copies(bins, copies);
  __syncthreads();
  // Blocks begin at multiples of 2^16 of an aligned segment.
  count_bytes(content + segment.content_at + h.block_begin(block.number),
              h.block_bytes(block.number), bins, copies);
  __syncthreads();
  add_copies(bins, copies, counts + places[block.segment].symbols_at);
}

constexpr uint32_t kPiece = 1u << 16;
__global__ void byte_histogram_kernel(const uint8_t* bytes, uint64_t n, unsigned long long* counts,
                                      uint32_t copies) {
  GRAMZIP_DYN_SHARED(uint32_t, bins);
  clear_copies(bins, copies);
  __syncthreads();
  for (uint64_t at = uint64_t{blockIdx.x} * kPiece; at < n; at += uint64_t{gridDim.x} * kPiece)
    count_bytes(bytes + at, static_cast<uint32_t>(n - at < kPiece ? n - at : kPiece), bins, copies);
  __syncthreads();
  add_copies(bins, copies, counts);
}
}  // namespace

cudaError_t histogram(const uint8_t* content, const DeviceSegment* segments,
                      const EncodePlaces* places, const DeviceBlock* blocks,
                      const BlockState* states, uint32_t count, uint32_t* counts,
                      const HistogramTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(Launch{dim3(count), dim3(tuning.threads),
                       tuning.copies * kSymbols * sizeof(uint32_t), stream},
                histogram_kernel, content, segments, places, blocks, states, counts, tuning.copies);
}

cudaError_t byte_histogram(const uint8_t* bytes, uint64_t n, unsigned long long* counts,
                           const HistogramTuning& tuning, cudaStream_t stream) {
  const cudaError_t status = cudaMemsetAsync(counts, 0, kSymbols * sizeof *counts, stream);
  if (status != cudaSuccess || n == 0) return status;
  const uint64_t pieces = ceil_div(n, kPiece);
  const auto ctas = static_cast<uint32_t>(pieces < tuning.ctas ? pieces : tuning.ctas);
  return launch(
      Launch{dim3(ctas), dim3(tuning.threads), tuning.copies * kSymbols * sizeof(uint32_t), stream},
      byte_histogram_kernel, bytes, n, counts, tuning.copies);
}
}  // namespace gramzip::kernels
