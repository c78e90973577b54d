// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/lane_write.h"

#include <algorithm>
#include <cstring>

#include "gramzip/core/wire.h"

namespace gramzip::cpu {
LanePlan plan_lanes(const LaneWords& words) {
  const auto [least, most] = std::minmax_element(words.begin(), words.end());
  uint32_t total = 0;
  for (const uint32_t w : words) total += w;
  return gramzip::plan_lanes(*least, *most, total);
}

void write_lanes(const WrittenLanes& lanes, LaneHead head, LanesToRows lanes_to_rows, uint8_t* to) {
  const uint32_t header = lane_header_bytes(head.extra_bits);
  std::memset(to, 0, header);
  store_le<uint32_t>(to, pack_lane_head(head));
  for (uint32_t k = 0; k < head.extra_bits; ++k) {
    uint32_t bits = 0;
    for (uint32_t l = 0; l < kLanes; ++l) bits |= (((lanes.words[l] - head.rows) >> k) & 1u) << l;
    store_le<uint32_t>(to + 4 + 4 * k, bits);
  }
  lanes_to_rows(lanes.base, lanes.stride, head.rows, to + header);
  uint8_t* tails = to + header + size_t{head.rows} * kLanes * 4;
  for (uint32_t l = 0; l < kLanes; ++l) {
    const size_t tail = size_t{lanes.words[l] - head.rows} * 4;
    std::memcpy(tails, lanes.base + l * lanes.stride + size_t{4} * head.rows, tail);
    tails += tail;
  }
}
}  // namespace gramzip::cpu
