// SPDX-License-Identifier: Apache-2.0
// How far two places of a text are the same.
#pragma once
#include <bit>
#include <cstdint>

#include "gramzip/core/wire.h"

namespace gramzip::cpu {
// Bytes from q on that are those from p on, at most `limit`.
inline uint32_t common_bytes(const uint8_t* q, const uint8_t* p, uint32_t limit) {
  uint32_t n = 0;
  for (; n + 8 <= limit; n += 8)
    if (const uint64_t x = load_le<uint64_t>(q + n) ^ load_le<uint64_t>(p + n))
      return n + static_cast<uint32_t>(std::countr_zero(x)) / 8;
  while (n < limit && q[n] == p[n]) ++n;
  return n;
}
}  // namespace gramzip::cpu
