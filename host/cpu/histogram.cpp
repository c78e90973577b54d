// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/histogram.h"

#include <array>
#include <vector>

#include "gramzip/core/wire.h"

namespace gramzip::cpu {
namespace {
// Four tables: neighbours of equal value do not wait for each other's increment.
constexpr size_t kWays = 4;

void histogram_bytes(std::span<const uint8_t> content, std::span<uint32_t> counts) {
  std::array<std::array<uint32_t, 256>, kWays> ways{};
  size_t i = 0;
  for (; i + 8 <= content.size(); i += 8) {
    const auto v = load_le<uint64_t>(content.data() + i);
    for (size_t k = 0; k < 8; ++k) ++ways[k % kWays][(v >> (8 * k)) & 0xff];
  }
  for (; i < content.size(); ++i) ++ways[0][content[i]];
  for (size_t s = 0; s < 256; ++s)
    for (size_t w = 0; w < kWays; ++w) counts[s] += ways[w][s];
}

template <class T>
void histogram_floats(std::span<const uint8_t> content, const Split& split,
                      std::span<uint32_t> counts) {
  const size_t symbols = counts.size(), n = content.size() / sizeof(T);
  std::vector<uint32_t> ways(kWays * symbols, 0);
  for (size_t i = 0; i < n; ++i) {
    const T x = load_le<T>(content.data() + i * sizeof(T));
    ++ways[(i % kWays) * symbols + split.symbol(x)];
  }
  for (size_t s = 0; s < symbols; ++s)
    for (size_t w = 0; w < kWays; ++w) counts[s] += ways[w * symbols + s];
}
}  // namespace

void histogram(std::span<const uint8_t> content, const Split& split, std::span<uint32_t> counts) {
  if (split.raw_bits == 0) return histogram_bytes(content, counts);
  switch (split.bytes) {
    case 1:
      return histogram_floats<uint8_t>(content, split, counts);
    case 2:
      return histogram_floats<uint16_t>(content, split, counts);
    case 4:
      return histogram_floats<uint32_t>(content, split, counts);
    default:
      return histogram_floats<uint64_t>(content, split, counts);
  }
}

void PairHistogram::begin() {
  if (!taken_) {
    pairs_.assign(1u << 16, 0);
    odd_.assign(256, 0);
  }
  taken_ = false;
}

void PairHistogram::add(std::span<const uint8_t> content) {
  uint32_t* pairs = pairs_.data();
  const uint8_t* p = content.data();
  size_t i = 0;
  for (; i + 8 <= content.size(); i += 8) {
    const auto v = load_le<uint64_t>(p + i);
    ++pairs[v & 0xffff];
    ++pairs[(v >> 16) & 0xffff];
    ++pairs[(v >> 32) & 0xffff];
    ++pairs[v >> 48];
  }
  for (; i < content.size(); ++i) ++odd_[p[i]];
}

void PairHistogram::take(std::span<uint32_t> counts) {
  for (size_t b = 0; b < 256; ++b) {
    uint32_t* row = pairs_.data() + 256 * b;
    uint32_t sum = 0;
    for (size_t a = 0; a < 256; ++a) {
      counts[a] += row[a];
      sum += row[a];
      row[a] = 0;
    }
    counts[b] += sum;
  }
  for (size_t s = 0; s < 256; ++s) counts[s] += odd_[s];
  odd_.assign(256, 0);
  taken_ = true;
}
}  // namespace gramzip::cpu
