// SPDX-License-Identifier: Apache-2.0
// Generated inputs of the model's tests. Integers alone: the same on every machine.
#pragma once
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace gramzip::model {
using Bytes = std::vector<uint8_t>;

// Words of a vocabulary with falling frequencies, some in fixed phrases.
inline Bytes make_prose(size_t bytes, uint64_t seed) {
  std::mt19937_64 g(seed);
  std::vector<std::string> words;
  for (int i = 0; i < 2000; ++i) {
    std::string w;
    for (uint64_t n = 1 + g() % 4; n > 0; --n) {
      w += "bcdfghklmnprstvw"[g() % 16];
      w += "aeiou"[g() % 5];
    }
    words.push_back(w);
  }
  Bytes text;
  while (text.size() < bytes) {
    const std::string& w = words[(g() % 2000) * (g() % 2000) / 2000];
    text.insert(text.end(), w.begin(), w.end());
    if (g() % 9 == 0) {
      const std::string phrase = " of the " + words[g() % 3];
      text.insert(text.end(), phrase.begin(), phrase.end());
    }
    text.push_back("  ,.\n"[g() % 5]);
  }
  text.resize(bytes);
  return text;
}
inline Bytes random_bytes(size_t bytes, uint32_t letters, uint64_t seed) {
  std::mt19937_64 g(seed);
  Bytes data(bytes);
  for (uint8_t& b : data) b = static_cast<uint8_t>(g() % letters);
  return data;
}
}  // namespace gramzip::model
