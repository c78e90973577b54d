// SPDX-License-Identifier: Apache-2.0
// How a batch of segments lies in device memory: the one vocabulary of all kernels.
//
//   content  | segment 0 ..... |pad 128| segment 1 ... |     decoded bytes
//   data     | blocks of segment 0 |pad 128| blocks of 1 |   coded blocks, each padded to 32
//   blocks[] | 0 1 2 ... of segment 0 | 0 1 ... of 1 |       one entry a block, batch-wide numbers
//
// All arrays are device memory. Symbols' arrays have kMaxWriteSymbols entries a segment.
#pragma once
#include "gramzip/core/format.h"
#include "gramzip/core/plan.h"
#include "gramzip/core/status.h"

namespace gramzip::kernels {
inline constexpr uint32_t kWarp = 32;
inline constexpr uint32_t kAllLanes = 0xffffffffu;
// The widest alphabet that this release writes: F64 with 11 bits.
inline constexpr uint32_t kMaxWriteSymbols = 1u << 11;

struct DeviceSegment {
  SegmentHeader header;
  uint64_t content_at;   // in the content buffer, a multiple of 128
  uint64_t data_at;      // in the data buffer, a multiple of 128
  uint32_t first_block;  // batch-wide number of its block 0
  uint32_t first_table;  // decoding: its first table in the table arrays, or its text machine
  uint32_t first_exact = 0;  // decoding: its first exact value in the array of them
};

struct DeviceBlock {
  uint32_t segment;
  uint32_t number;  // within its segment
};

// What is known of a block; encoding fills it in step by step.
struct BlockState {
  BlockMode mode;
  uint32_t repeat_of;  // number within the segment
  uint32_t coded_bytes;
  uint32_t data_at;  // within the segment's data
  LaneHead lanes;    // coded blocks
  uint64_t coded_hash;
  uint64_t decoded_hash;
};

struct HashRange {
  uint64_t at;
  uint32_t bytes;
};
}  // namespace gramzip::kernels
