// SPDX-License-Identifier: Apache-2.0
// A block's bytes into the order of planes and back, by a CTA (docs/format.md, 12).
#pragma once
#include "gramzip/core/run_classes.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
// Positions in the block of elements i, i + 1, ...
struct ElementPositions {
  const Planes& s;
  uint32_t plane, position;

  __device__ ElementPositions(const Planes& planes, uint32_t i)
      : s(planes), plane(plane_of(s, i)), position(plane_position(s, i)) {}
  __device__ uint32_t next() {
    const uint32_t at = position;
    position += s.period;
    if (position >= s.n) position = ++plane;
    return at;
  }
};
// Elements at positions at, at + 1, ... of the block.
struct PositionElements {
  const Planes& s;
  uint32_t plane, record;

  __device__ PositionElements(const Planes& planes, uint32_t at)
      : s(planes), plane(at % s.period), record(at / s.period) {}
  __device__ uint32_t next() {
    const uint32_t i = plane_begin(s, plane) + record;
    if (++plane == s.period) plane = 0, ++record;
    return i;
  }
};

// to[i] = from[Order's place i] for i < s.n; a thread stores 4 bytes at once. `to` is aligned to 4.
template <class Order>
__device__ inline void gather_bytes(const uint8_t* from, const Planes& s, uint8_t* to,
                                    uint32_t thread, uint32_t threads) {
  for (uint32_t word = thread; word < s.n / 4; word += threads) {
    Order order(s, 4 * word);
    uint32_t bytes = 0;
#pragma unroll
    for (uint32_t i = 0; i < 4; ++i) bytes |= uint32_t{from[order.next()]} << (8 * i);
    reinterpret_cast<uint32_t*>(to)[word] = bytes;
  }
  const uint32_t last = (s.n & ~3u) + thread;
  if (last < s.n) to[last] = from[Order(s, last).next()];
}
}  // namespace gramzip::kernels
