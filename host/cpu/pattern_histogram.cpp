// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "gramzip/core/wire.h"
#include "host/cpu/quantize.h"

namespace gramzip::cpu {
namespace {
constexpr size_t kPatterns = 1u << 16;
constexpr size_t kPiece = 1u << 31;  // elements that 32-bit counts can take
}  // namespace

void pattern_histogram(std::span<const uint8_t> elements, std::span<uint64_t> counts) {
  // Two tables: neighbours of equal value do not wait for each other's increment.
  std::vector<uint32_t> even(kPatterns), odd(kPatterns);
  for (size_t begin = 0; begin < elements.size(); begin += 2 * kPiece) {
    const uint8_t* p = elements.data() + begin;
    const size_t n = std::min(kPiece, (elements.size() - begin) / 2);
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
      const auto v = load_le<uint64_t>(p + 2 * i);
      ++even[v & 0xffff];
      ++odd[(v >> 16) & 0xffff];
      ++even[(v >> 32) & 0xffff];
      ++odd[v >> 48];
    }
    for (; i < n; ++i) ++even[load_le<uint16_t>(p + 2 * i)];
    for (size_t x = 0; x < kPatterns; ++x) {
      counts[x] += uint64_t{even[x]} + odd[x];
      even[x] = odd[x] = 0;
    }
  }
}
}  // namespace gramzip::cpu
