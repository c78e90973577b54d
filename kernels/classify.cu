// SPDX-License-Identifier: Apache-2.0
// Finds blocks whose elements are all equal, and blocks equal to an earlier one of their segment.
//
// One CTA a block, 16 bytes a thread. Constant: every element is compared with the first. Repeat:
// the decoded hashes of the earlier blocks are scanned in order; where one is equal the bytes
// decide. The lowest equal block is by itself no repeat, and a block equal to a constant one is
// constant, so blocks need not wait for each other. Reads each byte once, twice where a hash
// agrees.
#include "kernels/classify.h"

#include "kernels/common/compare.h"
#include "kernels/common/pattern.h"

namespace gramzip::kernels {
namespace {
__global__ void classify_kernel(const uint8_t* content, const DeviceSegment* segments,
                                const DeviceBlock* blocks, BlockState* states) {
  const DeviceBlock block = blocks[blockIdx.x];
  const DeviceSegment& segment = segments[block.segment];
  const SegmentHeader& h = segment.header;
  const uint32_t size = h.block_bytes(block.number), element = element_info(h.type).bytes;
  const uint8_t* p = content + segment.content_at + h.block_begin(block.number);

  const uint4* chunks = reinterpret_cast<const uint4*>(p);
  const uint4 pattern = repeat_element(p, element);
  BlockMode mode = BlockMode::raw;
  uint32_t repeat_of = 0;
  if (size % element == 0 && all_of(
                                 size, [&](uint32_t i) { return same(chunks[i], pattern); },
                                 [&](uint32_t i) { return p[i] == p[i % element]; })) {
    mode = BlockMode::constant;
  } else {
    const uint64_t hash = states[blockIdx.x].decoded_hash;
    for (uint32_t earlier = 0; earlier < block.number; ++earlier) {
      if (states[segment.first_block + earlier].decoded_hash != hash ||
          h.block_bytes(earlier) != size)
        continue;
      const uint8_t* q = content + segment.content_at + h.block_begin(earlier);
      const uint4* others = reinterpret_cast<const uint4*>(q);
      if (!all_of(
              size, [&](uint32_t i) { return same(chunks[i], others[i]); },
              [&](uint32_t i) { return p[i] == q[i]; }))
        continue;
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
