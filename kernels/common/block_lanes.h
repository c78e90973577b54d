// SPDX-License-Identifier: Apache-2.0
// A coded block's class ids and lane header as a warp reads them (docs/format.md, 4).
#pragma once
#include "gramzip/core/bitpack.h"
#include "kernels/common/batch.h"
#include "kernels/common/lane_reader.h"
#include "kernels/huffman_decode.h"

namespace gramzip::kernels {
// True if the part's unused bits and its padding are zero; one lane looks.
__device__ inline bool part_ends_in_zeros(const uint8_t* block, uint32_t at, uint64_t bits,
                                          uint32_t end, uint32_t lane) {
  return __all_sync(kAllLanes, lane != 0 || rest_is_zero(block, at, bits, end));
}

// The class of a run: `bits` of 1 to 5. Reads a byte behind the ids, where a lane header lies.
__device__ inline uint32_t class_id(const uint8_t* ids, uint32_t run, uint32_t bits) {
  const uint32_t at = run * bits;
  const uint32_t two = ids[at / 8] | (uint32_t{ids[at / 8 + 1]} << 8);
  return (two >> (at % 8)) & ((1u << bits) - 1);
}

// Whether the class ids and their padding are as they must be: every run has a class whose tables,
// `each` in the list, code something. For the whole warp; reads up to plan.lanes_at + 1.
__device__ inline bool class_ids_fit(const uint8_t* block, const BlockPlan& plan, uint32_t classes,
                                     const DeviceTable* list, uint32_t lane, uint32_t each = 1) {
  const uint32_t bits = class_id_bits(classes);
  const auto runs = static_cast<uint32_t>(ceil_div(plan.n, kRunElements));
  if (!part_ends_in_zeros(block, plan.ids_at, uint64_t{runs} * bits, plan.lanes_at, lane))
    return false;
  bool good = true;
  for (uint32_t r = lane; r < runs; r += kWarp) {
    const uint32_t id = bits > 0 ? class_id(block + plan.ids_at, r, bits) : 0;
    good = good && id < classes;
    for (uint32_t k = 0; good && k < each; ++k) good = list[id * each + k].count > 0;
  }
  return __all_sync(kAllLanes, good);
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
