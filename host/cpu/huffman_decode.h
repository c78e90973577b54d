// SPDX-License-Identifier: Apache-2.0
// One coded block back (docs/format.md, 4): the host's walk; kernels/huffman_decode is the
// device's. Safe on any input: reads stay in `coded`, writes in `out`.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/plan.h"
#include "gramzip/core/status.h"
#include "host/cpu/decode_tables.h"
#include "host/cpu/lane_read.h"

namespace gramzip::cpu {
// Behind the start of every lane of a LaneSet lie lane_slack() bytes that may be read, of other
// lanes or of none.

// The loops over lanes, one set per instruction set. Each returns ok or bad_stream.
struct DecodeLoops {
  RowsToLanes rows_to_lanes;
  BlockStatus (*bytes)(const LaneSet&, const DecodeTables&, uint32_t n, uint8_t* out);
  // class_ids: one a run, null if there is one table. space: kept from call to call.
  BlockStatus (*floats)(const LaneSet&, const DecodeTables&, const Split&, const uint8_t* class_ids,
                        uint32_t n, const uint8_t* raw_plane, std::vector<uint16_t>& space,
                        uint8_t* out);
};
extern const DecodeLoops kDecodeBaseline;
extern const DecodeLoops kDecodeAvx2;  // these where the build has them
extern const DecodeLoops kDecodeAvx512;
// What this processor can run; the best last.
std::span<const DecodeLoops* const> decode_loops();

// Working memory of one thread.
class BlockDecoder {
 public:
  explicit BlockDecoder(const DecodeLoops& loops = *decode_loops().back()) : loops_(loops) {}
  // Structure, then streams; the hashes are the caller's. status: ok, bad_block or bad_stream.
  // period: of the segment; 0 if elements are coded in their own order.
  BlockStatus decode(std::span<const uint8_t> coded, const Split& split, const DecodeTables& tables,
                     uint32_t table_count, uint32_t period, std::span<uint8_t> out);

 private:
  const DecodeLoops& loops_;
  std::vector<uint8_t> lane_bytes_;
  std::vector<uint8_t> class_ids_;
  std::vector<uint8_t> planes_;
  std::vector<uint16_t> symbols_;
};
}  // namespace gramzip::cpu
