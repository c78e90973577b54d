// SPDX-License-Identifier: Apache-2.0
// Bits of a contiguous lane and how it must end. Included by the loops of each instruction set.
#pragma once
#include <cstdint>

#include "gramzip/core/wire.h"

namespace gramzip::cpu {
namespace {
// The bits from `position` on; the lowest 57 count.
[[maybe_unused]] inline uint64_t window_at(const uint8_t* lane, uint64_t position) {
  return load_le<uint64_t>(lane + (position >> 3)) >> (position & 7);
}

// True if the lane's codes end in its last word and zero bits follow.
[[maybe_unused]] inline bool ends_well(const uint8_t* lane, uint64_t position, uint32_t words) {
  if ((position + 31) / 32 != words) return false;
  return position % 32 == 0 || (load_le<uint32_t>(lane + 4 * (words - 1)) >> (position % 32)) == 0;
}
}  // namespace
}  // namespace gramzip::cpu
