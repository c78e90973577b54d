// SPDX-License-Identifier: Apache-2.0
// A block's elements into the order of planes and back, by a CTA (docs/format.md, 12).
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

// to[i] = from[Order's place i] for i < s.n, elements of type T; a thread stores 4 or 8 bytes at
// once. `from` and `to` are aligned to 8.
template <class Order, class T>
__device__ inline void gather_elements(const uint8_t* from, const Planes& s, uint8_t* to,
                                       uint32_t thread, uint32_t threads) {
  constexpr uint32_t kTogether = sizeof(T) < 4 ? 4 / sizeof(T) : 1;
  const T* const elements = reinterpret_cast<const T*>(from);
  if constexpr (kTogether == 1) {
    for (uint32_t i = thread; i < s.n; i += threads)
      reinterpret_cast<T*>(to)[i] = elements[Order(s, i).next()];
  } else {
    for (uint32_t word = thread; word < s.n / kTogether; word += threads) {
      Order order(s, kTogether * word);
      uint32_t joined = 0;
#pragma unroll
      for (uint32_t i = 0; i < kTogether; ++i)
        joined |= uint32_t{elements[order.next()]} << (8 * sizeof(T) * i);
      reinterpret_cast<uint32_t*>(to)[word] = joined;
    }
    const uint32_t last = s.n / kTogether * kTogether + thread;
    if (last < s.n) reinterpret_cast<T*>(to)[last] = elements[Order(s, last).next()];
  }
}
}  // namespace gramzip::kernels
