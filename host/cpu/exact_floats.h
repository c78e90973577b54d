// SPDX-License-Identifier: Apache-2.0
// One coded block of exact floats (docs/format.md, 11), both ways: the host's walk. Decoding is
// safe on any input: reads stay in `coded`, writes in `out`.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/exact.h"
#include "gramzip/core/plan.h"
#include "gramzip/core/status.h"
#include "host/cpu/decode_tables.h"
#include "host/cpu/encode_tables.h"
#include "host/cpu/lane_read.h"
#include "host/cpu/lane_write.h"

namespace gramzip::cpu {
// What the loops over lanes need besides the lanes. class_ids: one a run, null if there is one
// table.
struct ExactDecodeJob {
  Split split;
  const uint16_t* tables;  // 2^kFloatCodeLimit entries each
  const uint64_t* bases;   // of each symbol, exact_base()
  const uint8_t* class_ids;
  uint32_t n;
  uint8_t* out;
};
struct ExactEncodeJob {
  Split split;
  const uint8_t* content;
  const uint16_t* symbols;
  const EncodeTables* tables;
  const uint8_t* class_ids;
  uint32_t n;
  uint8_t* lanes;  // lane l at lanes + l * stride
  size_t stride;
};
// One set per instruction set.
struct ExactLoops {
  RowsToLanes rows_to_lanes;
  LanesToRows lanes_to_rows;
  BlockStatus (*decode)(const LaneSet&, const ExactDecodeJob&);  // ok or bad_stream
  void (*encode)(const ExactEncodeJob&, uint32_t* words);
  size_t (*lane_room)(uint32_t count, const Split&);  // bytes from the start of each lane
};
extern const ExactLoops kExactBaseline;
extern const ExactLoops kExactAvx2;  // where the build has it

// Decode tables of a segment: built once, shared by its blocks.
struct ExactTables {
  DecodeTables codes;
  std::vector<uint64_t> bases;
};
ExactTables make_exact_tables(const SegmentView& s);

// Working memory of one thread.
class ExactDecoder {
 public:
  // Structure, then streams; the hashes are the caller's. status: ok, bad_block or bad_stream.
  BlockStatus decode(std::span<const uint8_t> coded, const SegmentHeader& h,
                     const ExactTables& tables, std::span<uint8_t> out);

 private:
  std::vector<uint8_t> lane_bytes_, class_ids_;
};

class ExactEncoder {
 public:
  // Writes the coded block to `out`, which has room for content.size() bytes, and returns its size;
  // 0 if it is no smaller than `content`. symbols: model::exact_symbols() of content; each has a
  // code in the book of its run. class_ids: one a run of 256 elements, empty if there is one book.
  uint32_t encode(std::span<const uint8_t> content, const Split& split, const uint16_t* symbols,
                  const EncodeTables& tables, std::span<const uint8_t> class_ids, uint8_t* out);

 private:
  std::vector<uint8_t> lane_bytes_;
};
}  // namespace gramzip::cpu
