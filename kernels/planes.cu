// SPDX-License-Identifier: Apache-2.0
// Brings blocks into the order of planes and back.
//
//   block:   a0 b0 c0 a1 b1 c1 a2 b2      (period 3; elements of 1, 2, 4 or 8 bytes)
//   planes:  a0 a1 a2 b0 b1 b2 c0 c1
//
// One CTA a block; a thread gathers 4 bytes, or an element of 8, a period apart, and stores them at
// once. What a plane leaves of a sector the other planes find in L1 or L2, which hold a block. The
// way back is the same with 4 bytes of 4 planes. Reads each byte once and writes it once.
#include "kernels/planes.h"

#include "kernels/common/plane_order.h"

namespace gramzip::kernels {
namespace {
// By all threads of the CTA.
template <class Order>
__device__ void gather(uint32_t element, const uint8_t* from, const Planes& s, uint8_t* to) {
  switch (element) {
    case 1:
      return gather_elements<Order, uint8_t>(from, s, to, threadIdx.x, blockDim.x);
    case 2:
      return gather_elements<Order, uint16_t>(from, s, to, threadIdx.x, blockDim.x);
    case 4:
      return gather_elements<Order, uint32_t>(from, s, to, threadIdx.x, blockDim.x);
    default:
      return gather_elements<Order, uint64_t>(from, s, to, threadIdx.x, blockDim.x);
  }
}

__global__ void to_planes_kernel(uint8_t* content, const DeviceSegment* segments,
                                 const EncodePlaces* places, const DeviceBlock* blocks,
                                 const BlockState* states) {
  const DeviceBlock b = blocks[blockIdx.x];
  const DeviceSegment& segment = segments[b.segment];
  const SegmentHeader& h = segment.header;
  if (h.period == 0 || states[blockIdx.x].mode != BlockMode::raw) return;
  const uint32_t begin = h.block_begin(b.number);
  const uint32_t element = h.split().bytes;
  gather<ElementPositions>(element, content + segment.content_at + begin,
                           make_planes(h.block_bytes(b.number) / element, h.period),
                           content + places[b.segment].elements_at + begin);
}

__global__ void from_planes_kernel(uint8_t* content, const DecodeOutput* outputs) {
  const DecodeOutput o = outputs[blockIdx.x];
  if (o.status != BlockStatus::ok || o.period == 0) return;
  gather<PositionElements>(o.element_bytes, content + o.planes_at,
                           make_planes(o.bytes / o.element_bytes, o.period), content + o.at);
}
}  // namespace

cudaError_t to_planes(uint8_t* content, const DeviceSegment* segments, const EncodePlaces* places,
                      const DeviceBlock* blocks, const BlockState* states, uint32_t count,
                      const PlanesTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(Launch{dim3(count), dim3(tuning.threads), 0, stream}, to_planes_kernel, content,
                segments, places, blocks, states);
}

cudaError_t from_planes(uint8_t* content, const DecodeOutput* outputs, uint32_t count,
                        const PlanesTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(Launch{dim3(count), dim3(tuning.threads), 0, stream}, from_planes_kernel, content,
                outputs);
}
}  // namespace gramzip::kernels
