// SPDX-License-Identifier: Apache-2.0
//
// Random numbers that depend on the seed alone (SplitMix64).
#pragma once

#include <cstdint>

namespace simt {

class Rng {
 public:
  Rng() = default;
  // Streams of the same seed and different `stream` are unrelated.
  Rng(uint64_t seed, uint64_t stream) : state_(seed * 0xd1342543de82ef95ull) {
    state_ = next64() + stream;
    state_ = next64();
  }

  uint32_t below(uint32_t n) { return uint32_t((next64() >> 32) * n >> 32); }

 private:
  uint64_t next64() {
    state_ += 0x9e3779b97f4a7c15ull;
    uint64_t x = state_;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
  }

  uint64_t state_ = 0;
};

}  // namespace simt
