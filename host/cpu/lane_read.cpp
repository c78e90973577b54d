// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/lane_read.h"

#include <algorithm>
#include <cstring>

#include "gramzip/core/lanes.h"
#include "gramzip/core/wire.h"

namespace gramzip::cpu {
bool parse_lanes(std::span<const uint8_t> coded, size_t at, LaneLayout& layout) {
  if (coded.size() < at + kBlockAlign) return false;
  const uint8_t* const header = coded.data() + at;
  const LaneHead head = unpack_lane_head(load_le<uint32_t>(header));
  if (head.extra_bits > kMaxExtraBits) return false;
  const uint64_t rows_at = at + lane_header_bytes(head.extra_bits);
  if (rows_at + uint64_t{head.rows} * kLanes * 4 > coded.size()) return false;
  const uint64_t header_end = at + 4 + 4 * head.extra_bits;
  if (!all_zero(coded.data() + header_end, rows_at - header_end)) return false;

  uint32_t least = UINT32_MAX, most = 0;
  uint64_t total = 0;
  for (uint32_t l = 0; l < kLanes; ++l) {
    const uint32_t extra = lane_extra(header, head.extra_bits, l);
    least = std::min(least, extra);
    most = std::max(most, extra);
    layout.words[l] = head.rows + extra;
    total += layout.words[l];
  }
  if (!extras_fit(head.extra_bits, least, most)) return false;
  if (rows_at + 4 * total != coded.size()) return false;
  layout.row = coded.data() + rows_at;
  layout.rows = head.rows;
  // Lanes are an odd number of cache lines apart, so that they do not share sets of the cache.
  layout.stride = ((size_t{head.rows + most} * 4 + kLanePad + 63) / 64 | 1) * 64;
  return true;
}

LaneSet spread_lanes(const LaneLayout& layout, RowsToLanes rows_to_lanes, uint8_t* lanes) {
  rows_to_lanes(layout.row, layout.rows, lanes, layout.stride);
  const uint8_t* from = layout.row + size_t{layout.rows} * kLanes * 4;
  for (uint32_t l = 0; l < kLanes; ++l) {
    const size_t tail = size_t{layout.words[l] - layout.rows} * 4;
    uint8_t* const to = lanes + l * layout.stride + size_t{4} * layout.rows;
    std::memcpy(to, from, tail);
    std::memset(to + tail, 0, kLanePad);
    from += tail;
  }
  return {lanes, layout.stride, layout.words.data()};
}
}  // namespace gramzip::cpu
