// SPDX-License-Identifier: Apache-2.0
// One coded block (docs/format.md, 4): the host's walk; kernels/huffman_encode is the device's.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/plan.h"
#include "gramzip/core/run_classes.h"
#include "host/cpu/encode_tables.h"
#include "host/cpu/lane_write.h"
#include "host/model/code_lengths.h"

namespace gramzip::cpu {
// What the loops over lanes read and write.
struct LaneJob {
  const uint8_t* symbols;     // one byte each, or
  const uint16_t* symbols16;  // two, if there are several books or more than 256; else null
  uint32_t n;
  bool interleaved;
  const EncodeTables* tables;
  const uint8_t* class_ids;  // one a run, null if there is one book
  uint8_t* lanes;            // lane l at lanes + l * stride
  size_t stride;
};

// One set per instruction set.
struct EncodeLoops {
  void (*lanes)(const LaneJob&, uint32_t* words);
  LanesToRows lanes_to_rows;
  // Elements into symbols (symbols16 if it is not null) and the raw plane, if it is not null.
  // Writes kRawPlaneSlack bytes behind the raw plane at most.
  void (*split)(const uint8_t* content, uint32_t n, const Split&, uint8_t* symbols,
                uint16_t* symbols16, uint8_t* raw_plane);
  // Symbols alone.
  void (*symbols)(const uint8_t* content, uint32_t n, const Split&, uint16_t* symbols);
  // The class of each run of n symbols (core/run_classes.h, choose_class).
  void (*choose_classes)(const uint16_t* symbols, uint32_t n, const ClassCost* costs,
                         uint32_t classes, uint8_t* class_ids);
};
// Bytes behind a raw plane that split() may write.
inline constexpr uint32_t kRawPlaneSlack = 16;
extern const EncodeLoops kEncodeBaseline;
extern const EncodeLoops kEncodeAvx2;  // where the build has it
const EncodeLoops& encode_loops();     // the best that the processor runs

// Working memory of one thread, reused from block to block.
class BlockEncoder {
 public:
  // Writes the coded block to `out`, which has room for content.size() bytes, and returns its size;
  // 0 if it is no smaller than `content`. Every symbol of content has a code in the book of its
  // run. class_ids: one a run of 256 elements, empty if there is one book. With a period:
  // content in the order of planes.
  uint32_t encode(std::span<const uint8_t> content, const Split& split, const EncodeTables& tables,
                  std::span<const uint8_t> class_ids, uint8_t* out);
  // The same for a block by itself: appends it to `out`. False if it would be no smaller.
  bool encode(std::span<const uint8_t> content, const Split& split, std::span<const CodeBook> books,
              std::span<const uint8_t> class_ids, std::vector<uint8_t>& out);

 private:
  std::vector<uint8_t> lane_bytes_, symbols_, raw_plane_;
  std::vector<uint16_t> symbols16_;
  EncodeTables own_;
};
}  // namespace gramzip::cpu
