// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/planes.h"

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
}  // namespace

void to_planes(std::span<const uint8_t> block, uint32_t period, uint8_t* planes) {
  const Planes s = make_planes(static_cast<uint32_t>(block.size()), period);
  if (s.longer == 0) {
    if (period == 2) return split_whole<2>(block.data(), s.whole, planes);
    if (period == 4) return split_whole<4>(block.data(), s.whole, planes);
    if (period == 8) return split_whole<8>(block.data(), s.whole, planes);
  }
  for (uint32_t p = 0; p < period; ++p)
    for (size_t at = p; at < s.n; at += period) *planes++ = block[at];
}

void from_planes(std::span<const uint8_t> planes, uint32_t period, uint8_t* block) {
  const Planes s = make_planes(static_cast<uint32_t>(planes.size()), period);
  if (s.longer == 0) {
    if (period == 2) return join_whole<2>(planes.data(), s.whole, block);
    if (period == 4) return join_whole<4>(planes.data(), s.whole, block);
    if (period == 8) return join_whole<8>(planes.data(), s.whole, block);
  }
  const uint8_t* from = planes.data();
  for (uint32_t p = 0; p < period; ++p)
    for (size_t at = p; at < s.n; at += period) block[at] = *from++;
}
}  // namespace gramzip::cpu
