// SPDX-License-Identifier: Apache-2.0
// Which of a few neighbours are pruned: half of them, by magnitude (2:4).
#pragma once
#include "gramzip/core/config.h"

namespace gramzip {
// Bit i is set if element i of n (up to 4) is one of the floor(n / 2) of smallest magnitude; of
// equal ones the later are taken.
template <class Bits>
GRAMZIP_HD inline uint32_t smaller_half(const Bits* magnitude, uint32_t n) {
  uint32_t pruned = 0;
  for (uint32_t i = 0; i < n; ++i) {
    uint32_t before = 0;
    for (uint32_t j = 0; j < n; ++j)
      before += (j > i ? magnitude[j] <= magnitude[i] : magnitude[j] < magnitude[i]) ? 1u : 0u;
    pruned |= (before < n / 2 ? 1u : 0u) << i;
  }
  return pruned;
}
}  // namespace gramzip
