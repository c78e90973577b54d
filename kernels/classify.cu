// SPDX-License-Identifier: Apache-2.0
// Finds blocks whose elements are all equal, and blocks equal to an earlier one of their segment.
//
// One CTA a block. Constant: every element is compared with the one before it. Repeat: the decoded
// hashes of the earlier blocks are scanned in order; where one is equal the bytes decide. The
// lowest equal block is by itself no repeat, and a block equal to a constant one is constant, so
// blocks need not wait for each other. Reads each byte once, twice where a hash agrees.
#include "kernels/classify.h"

namespace gramzip::kernels {
namespace {
// True for every thread if f(i) holds for all i below n. Ends early, a chunk at a time.
template <class F>
__device__ bool all_of(uint32_t n, F f) {
  constexpr uint32_t kPerThread = 16;
  for (uint32_t base = 0; base < n; base += blockDim.x * kPerThread) {
    bool good = true;
    for (uint32_t k = 0; k < kPerThread; ++k) {
      const uint32_t i = base + k * blockDim.x + threadIdx.x;
      if (i < n) good = good && f(i);
    }
    if (!__syncthreads_and(good)) return false;
  }
  return true;
}

__global__ void classify_kernel(const uint8_t* content, const DeviceSegment* segments,
                                const DeviceBlock* blocks, BlockState* states) {
  const DeviceBlock block = blocks[blockIdx.x];
  const DeviceSegment& segment = segments[block.segment];
  const SegmentHeader& h = segment.header;
  const uint32_t size = h.block_bytes(block.number), element = element_info(h.type).bytes;
  const uint8_t* p = content + segment.content_at + h.block_begin(block.number);

  BlockMode mode = BlockMode::raw;
  uint32_t repeat_of = 0;
  if (size % element == 0 &&
      all_of(size - element, [&](uint32_t i) { return p[i] == p[i + element]; })) {
    mode = BlockMode::constant;
  } else {
    const uint64_t hash = states[blockIdx.x].decoded_hash;
    for (uint32_t earlier = 0; earlier < block.number; ++earlier) {
      if (states[segment.first_block + earlier].decoded_hash != hash ||
          h.block_bytes(earlier) != size)
        continue;
      const uint8_t* q = content + segment.content_at + h.block_begin(earlier);
      if (!all_of(size, [&](uint32_t i) { return p[i] == q[i]; })) continue;
      mode = BlockMode::repeat;
      repeat_of = earlier;
      break;
    }
  }
  if (threadIdx.x == 0) {
    states[blockIdx.x].mode = mode;
    states[blockIdx.x].repeat_of = repeat_of;
  }
}
}  // namespace

cudaError_t classify(const uint8_t* content, const DeviceSegment* segments,
                     const DeviceBlock* blocks, BlockState* states, uint32_t count,
                     const ClassifyTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(Launch{dim3(count), dim3(tuning.threads), 0, stream}, classify_kernel, content,
                segments, blocks, states);
}
}  // namespace gramzip::kernels
