// SPDX-License-Identifier: Apache-2.0
// How a batch of segments lies in device memory: the one vocabulary of all kernels.
//
//   content  | segment 0 ..... |pad 128| segment 1 ... |     decoded bytes
//   data     | blocks of segment 0 |pad 128| blocks of 1 |   coded blocks, each padded to 32
//   blocks[] | 0 1 2 ... of segment 0 | 0 1 ... of 1 |       one entry a block, batch-wide numbers
//   planes   | blocks of a segment with a period in the order of planes |       behind all
//   content symbols  | class 0 [A] | class 1 [A] ... of segment 0 | class 0 of 1 |   counts,
//   lengths, codes
//
// All arrays are device memory.
#pragma once
#include "gramzip/core/format.h"
#include "gramzip/core/plan.h"
#include "gramzip/core/status.h"

namespace gramzip::kernels {
inline constexpr uint32_t kWarp = 32;
inline constexpr uint32_t kAllLanes = 0xffffffffu;

struct DeviceSegment {
  SegmentHeader header;
  uint64_t content_at;       // in the content buffer, a multiple of 128
  uint64_t data_at;          // in the data buffer, a multiple of 128
  uint32_t first_block;      // batch-wide number of its block 0
  uint32_t first_table;      // decoding: its first table in the table arrays, or its text machine
  uint32_t first_exact = 0;  // decoding: its first exact value, or its number as quantized
};

// Where a segment's parts of the encoders' arrays begin. A class is a code table's alphabet; those
// that no run takes are dropped, and the others numbered anew, when blocks are written.
struct EncodePlaces {
  uint64_t elements_at;     // in the content buffer: the segment's bytes in the order of coding
  uint32_t classes;         // 1 to kMaxTables
  uint32_t first_alphabet;  // of its classes
  uint32_t symbols_at;      // in arrays by symbol: A entries a class
  uint32_t costs_at;        // A rows of kMaxTables costs, if there are 2 classes or more
  uint32_t exact_at;        // its exact values, kMaxExactValues places, the last repeated
  uint32_t runs_at;         // its first run of 256 elements; unused by codec bytes
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

// Runs of 256 elements in a full block.
GRAMZIP_HD inline uint32_t runs_of_a_block(const SegmentHeader& h) {
  return (1u << h.block_log2) / h.split().bytes / kRunElements;
}

struct HashRange {
  uint64_t at;
  uint32_t bytes;
};

// Memory of several owners as one buffer: it begins here, and places in it are addresses less this.
// A multiple of every alignment that kernels ask for.
inline constexpr uint64_t kAddressBase = 4096;
inline const uint8_t* address_base() {
  return reinterpret_cast<const uint8_t*>(uintptr_t{kAddressBase});
}
}  // namespace gramzip::kernels
