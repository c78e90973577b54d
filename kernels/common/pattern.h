// SPDX-License-Identifier: Apache-2.0
// Filling a block: 16 bytes of one element, for constant blocks, and 16 bytes a lane.
#pragma once
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
// bytes: a divisor of 16. Byte i of the result is byte i mod `bytes` of p.
__device__ inline uint4 repeat_element(const uint8_t* p, uint32_t bytes) {
  uint32_t w[4] = {};
  for (uint32_t i = 0; i < 16; ++i) w[i / 4] |= uint32_t{p[i % bytes]} << (8 * (i % 4));
  return make_uint4(w[0], w[1], w[2], w[3]);
}

// Fills a block of n bytes by `lanes` threads: chunk(i) is chunk i of 16 bytes, byte(i) byte i, for
// the last few.
template <class Chunk, class Byte>
__device__ inline void fill_block(uint8_t* out, uint32_t n, uint32_t lane, Chunk chunk, Byte byte,
                                  uint32_t lanes = kWarp) {
  for (uint32_t i = lane; i < n / 16; i += lanes) reinterpret_cast<uint4*>(out)[i] = chunk(i);
  for (uint32_t i = (n & ~15u) + lane; i < n; i += lanes) out[i] = byte(i);
}
}  // namespace gramzip::kernels
