// SPDX-License-Identifier: Apache-2.0
// A coded block's lane header as a warp reads it, every lane its own part (docs/format.md, 4).
#pragma once
#include "gramzip/core/bitpack.h"
#include "kernels/common/batch.h"
#include "kernels/common/lane_reader.h"

namespace gramzip::kernels {
// True if the part's unused bits and its padding are zero; one lane looks.
__device__ inline bool part_ends_in_zeros(const uint8_t* block, uint32_t at, uint64_t bits,
                                          uint32_t end, uint32_t lane) {
  return __all_sync(kAllLanes, lane != 0 || rest_is_zero(block, at, bits, end));
}

struct BlockLanes {
  uint32_t rows_at;
  LaneHead head;
  uint32_t words;        // of this lane
  uint32_t tail_before;  // tail words of the lanes before it

  __device__ LaneReader reader(const uint8_t* block, uint32_t lane) const {
    return LaneReader(block + rows_at, head, lane, words, tail_before);
  }
};

// Reads and checks the lane header at lanes_at. False, for the whole warp, if it or its padding
// does not fit a block of coded_bytes.
__device__ inline bool read_lanes(const uint8_t* block, uint32_t lanes_at, uint32_t coded_bytes,
                                  uint32_t lane, BlockLanes& lanes) {
  if (coded_bytes < uint64_t{lanes_at} + kBlockAlign) return false;
  const uint8_t* header = block + lanes_at;
  const LaneHead head = unpack_lane_head(load_le<uint32_t>(header));
  if (head.extra_bits > kMaxExtraBits) return false;
  const uint32_t rows_at = lanes_at + lane_header_bytes(head.extra_bits);
  if (rows_at + uint64_t{head.rows} * kLanes * 4 > coded_bytes) return false;
  const uint32_t header_bytes = 4 + 4 * head.extra_bits;
  if (!part_ends_in_zeros(block, lanes_at + header_bytes, 0, rows_at, lane)) return false;
  const uint32_t extra = lane_extra(header, head.extra_bits, lane);
  uint32_t upto = extra;
  for (uint32_t d = 1; d < kWarp; d *= 2) {
    const uint32_t other = __shfl_up_sync(kAllLanes, upto, d);
    if (lane >= d) upto += other;
  }
  const uint32_t total = __shfl_sync(kAllLanes, upto, kWarp - 1);
  lanes = {rows_at, head, head.rows + extra, upto - extra};
  return extras_fit(head.extra_bits, __reduce_min_sync(kAllLanes, extra),
                    __reduce_max_sync(kAllLanes, extra)) &&
         rows_at + 4 * (uint64_t{head.rows} * kLanes + total) == coded_bytes;
}
}  // namespace gramzip::kernels
