// SPDX-License-Identifier: Apache-2.0
// One coded block of codec delta (docs/format.md, 14.1), both ways. Safe on any input: reads stay
// in the block and the base, writes in the output.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/delta.h"
#include "gramzip/core/status.h"
#include "host/cpu/decode_tables.h"
#include "host/cpu/lane_read.h"
#include "host/cpu/lane_write.h"
#include "host/model/code_lengths.h"

namespace gramzip::cpu {
// The tables of a segment by the sum of an element's exponent and its run's class.
struct DeltaDecodeTables {
  DeltaDecodeTables(std::span<const CodeTable> tables, std::span<const uint16_t> contexts,
                    ElementType type);
  DecodeTables tables;
  uint32_t classes;
  std::vector<const uint16_t*> by_sum;
};

// A symbol's code and its raw bits, in one word: one look-up an element.
struct alignas(8) DeltaCode {
  uint16_t bits;
  uint8_t length;
  uint8_t raw_bits;
  uint32_t raw_mask;  // of differences of 32 bits or fewer
};
struct DeltaEncodeTables {
  DeltaEncodeTables(std::span<const CodeBook> books, std::span<const uint16_t> bounds,
                    uint32_t classes, ElementType type);
  std::vector<DeltaCode> codes;  // of each book in turn
  uint32_t classes;
  std::vector<const DeltaCode*> by_sum;
};

struct DeltaEncodeJob {
  const uint8_t* content;
  const uint8_t* base;
  const uint8_t* symbols;  // as DeltaLoops::split gives them
  const uint16_t* exponents;
  const uint8_t* class_ids;  // one a run
  const DeltaCode* const* by_sum;
  uint32_t n;
  uint8_t* differences;  // working memory of the size of the content
  uint8_t* lanes;        // lane l at lanes + l * stride
  size_t stride;
};
struct DeltaDecodeJob {
  LaneSet lanes;
  const uint8_t* base;
  const uint8_t* class_ids;
  const uint16_t* const* by_sum;
  uint32_t n;
  uint8_t* out;
};

// One set per instruction set.
struct DeltaLoops {
  // The symbol and the base's exponent of each element.
  void (*split)(ElementType, const uint8_t* content, const uint8_t* base, uint32_t n,
                uint8_t* symbols, uint16_t* exponents);
  void (*encode)(ElementType, const DeltaEncodeJob&, uint32_t* words);
  LanesToRows lanes_to_rows;
  BlockStatus (*decode)(ElementType, const DeltaDecodeJob&);
  RowsToLanes rows_to_lanes;
};
extern const DeltaLoops kDeltaBaseline;
extern const DeltaLoops kDeltaAvx2;  // where the build has it
const DeltaLoops& delta_loops();     // the best that the processor runs

// Working memory of one thread.
class DeltaEncoder {
 public:
  // symbols, exponents: of the block. Writes it to `out`, which has room for the content, and
  // returns its size; 0 if it is no smaller than the content.
  uint32_t encode(ElementType type, std::span<const uint8_t> content, const uint8_t* base,
                  const uint8_t* symbols, const uint16_t* exponents, const uint8_t* class_ids,
                  const DeltaEncodeTables& tables, uint8_t* out);

 private:
  std::vector<uint8_t> lanes_, differences_;
};
class DeltaDecoder {
 public:
  // ok, bad_block or bad_stream. base: of the size of out.
  BlockStatus decode(ElementType type, std::span<const uint8_t> coded,
                     std::span<const uint8_t> base, const DeltaDecodeTables& tables,
                     std::span<uint8_t> out);

 private:
  std::vector<uint8_t> lanes_, class_ids_;
};
}  // namespace gramzip::cpu
