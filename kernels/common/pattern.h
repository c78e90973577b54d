// SPDX-License-Identifier: Apache-2.0
// 16 bytes of one element, for constant blocks.
#pragma once
#include "kernels/common/simt.h"

namespace gramzip::kernels {
// bytes: a divisor of 16. Byte i of the result is byte i mod `bytes` of p.
__device__ inline uint4 repeat_element(const uint8_t* p, uint32_t bytes) {
  uint32_t w[4] = {};
  for (uint32_t i = 0; i < 16; ++i) w[i / 4] |= uint32_t{p[i % bytes]} << (8 * (i % 4));
  return make_uint4(w[0], w[1], w[2], w[3]);
}
}  // namespace gramzip::kernels
