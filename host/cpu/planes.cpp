// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/planes.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "gramzip/core/run_classes.h"

namespace gramzip::cpu {
namespace {
// The periods of integers, known to the compiler, which then uses vectors.
template <uint32_t kPeriod>
void split_whole(const uint8_t* block, uint32_t records, uint8_t* planes) {
  for (uint32_t i = 0; i < records; ++i)
    for (uint32_t p = 0; p < kPeriod; ++p) planes[size_t{p} * records + i] = block[i * kPeriod + p];
}
template <uint32_t kPeriod>
void join_whole(const uint8_t* planes, uint32_t records, uint8_t* block) {
  for (uint32_t i = 0; i < records; ++i)
    for (uint32_t p = 0; p < kPeriod; ++p) block[i * kPeriod + p] = planes[size_t{p} * records + i];
}

// Bytes of records at once, so that what all planes take of them stays in the nearest cache.
constexpr uint32_t kTogether = 16384;

// move(byte in the block, byte in the order of planes, bytes) for all elements; `bytes` is a
// constant, so that compilers make a load and a store of it.
template <size_t kBytes, class Move>
void each_element(const Planes& s, const Move& move) {
  constexpr uint32_t elements = kTogether / kBytes;
  const uint32_t step = std::max(elements / s.period, 1u);
  for (uint32_t first = 0; first <= s.whole; first += step)
    for (uint32_t p = 0; p < s.period; ++p) {
      const uint32_t records = s.whole + (p < s.longer ? 1 : 0), begin = plane_begin(s, p);
      const uint32_t end = std::min(records, first + step);
      for (uint32_t r = first; r < end; ++r)
        move((size_t{r} * s.period + p) * kBytes, size_t{begin + r} * kBytes,
             std::integral_constant<size_t, kBytes>());
    }
}
template <class Move>
void each_element(uint32_t bytes, const Planes& s, const Move& move) {
  switch (bytes) {
    case 1:
      return each_element<1>(s, move);
    case 2:
      return each_element<2>(s, move);
    case 4:
      return each_element<4>(s, move);
    default:
      return each_element<8>(s, move);
  }
}
}  // namespace

void to_planes(std::span<const uint8_t> block, uint32_t element, uint32_t period, uint8_t* planes) {
  const Planes s = make_planes(static_cast<uint32_t>(block.size()) / element, period);
  if (element == 1 && s.longer == 0) {
    if (period == 2) return split_whole<2>(block.data(), s.whole, planes);
    if (period == 4) return split_whole<4>(block.data(), s.whole, planes);
    if (period == 8) return split_whole<8>(block.data(), s.whole, planes);
  }
  each_element(element, s, [from = block.data(), planes](size_t there, size_t here, auto bytes) {
    std::memcpy(planes + here, from + there, bytes);
  });
}

void from_planes(std::span<const uint8_t> planes, uint32_t element, uint32_t period,
                 uint8_t* block) {
  const Planes s = make_planes(static_cast<uint32_t>(planes.size()) / element, period);
  if (element == 1 && s.longer == 0) {
    if (period == 2) return join_whole<2>(planes.data(), s.whole, block);
    if (period == 4) return join_whole<4>(planes.data(), s.whole, block);
    if (period == 8) return join_whole<8>(planes.data(), s.whole, block);
  }
  each_element(element, s, [from = planes.data(), block](size_t there, size_t here, auto bytes) {
    std::memcpy(block + there, from + here, bytes);
  });
}
}  // namespace gramzip::cpu
