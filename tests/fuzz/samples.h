// SPDX-License-Identifier: Apache-2.0
// Good inputs that a target begins with and comes back to, instead of a corpus on disk.
#pragma once
#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

namespace gramzip::test {
// An input too small to be anything becomes a sample that fits, now and then any input does; a
// quarter of those samples stay as they are.
inline size_t mutate_samples(std::span<const std::vector<uint8_t>> samples, uint8_t* data,
                             size_t size, size_t most, unsigned seed) {
  if (size < 8 || seed % 64 == 0) {
    for (size_t i = 0; i < samples.size(); ++i) {
      const auto& bytes = samples[(i + seed / 64) % samples.size()];
      if (bytes.size() > most) continue;
      std::copy(bytes.begin(), bytes.end(), data);
      size = bytes.size();
      if (seed / 64 / samples.size() % 4 == 0) return size;
      break;
    }
  }
  return LLVMFuzzerMutate(data, size, most);
}
}  // namespace gramzip::test
