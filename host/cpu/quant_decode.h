// SPDX-License-Identifier: Apache-2.0
// Coded blocks of codec quantized (docs/format.md, 16), decoded. Safe on any input: reads stay in
// `coded`, writes in `out`.
//
// Loops write units: elements, or where there are scales the 16-bit numbers of levels, which
// scale_levels() turns into elements.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/quant.h"
#include "gramzip/core/status.h"
#include "host/backend/backend.h"
#include "host/cpu/decode_tables.h"
#include "host/cpu/lane_read.h"
#include "host/model/quant_table.h"

namespace gramzip::cpu {
// An entry of the look-up by 12 bits: the code's length in the low 6 bits, so that a shift takes
// the whole entry for its count; the units of the phrase in the next 7, 0 for the escape; above
// them where the phrase begins.
inline constexpr uint32_t kPhraseShift = 6, kPhraseBits = 7,
                          kUnitShift = kPhraseShift + kPhraseBits;
static_assert(quant::kMaxPhrase < 1u << kPhraseBits);
static_assert(quant::kMaxAlphabet * quant::kMaxPhrase <= 1u << (32 - kUnitShift));

// The same of coder trellis: the length; a bit that says escape; what the next state is besides
// half of the state; and of elements of up to two bytes the element, else the number of its level.
// The table of quantizer 1 lies behind that of quantizer 0.
inline constexpr uint32_t kTrellisEscape = 1u << 7, kTrellisStateShift = 8, kTrellisUnitShift = 16;
static_assert(quant::kMaxTrellisLog2 <= kTrellisUnitShift - kTrellisStateShift);

// What the loops over lanes need besides the lanes.
struct QuantDecodeJob {
  const uint32_t* entries;   // 2^kFloatCodeLimit a table
  const uint8_t* class_ids;  // one a run, null if there is one class
  const uint8_t* units;      // of the phrases or levels, kUnitPad bytes behind
  uint32_t longest;          // units of the longest phrase
  uint32_t unit_bytes;
  uint32_t n;
  uint8_t* out;       // n units
  uint8_t* elements;  // where escaped elements go; `out` if units are elements
  uint32_t element_bytes;
  uint16_t escape;  // the unit of an escape, if units are numbers
};
inline constexpr uint32_t kUnitPad = 64;  // a copy reads and writes so many bytes too much, at most

// One set per instruction set.
struct QuantLoops {
  RowsToLanes rows_to_lanes;
  BlockStatus (*decode)(const LaneSet&, const QuantDecodeJob&);  // ok or bad_stream
  BlockStatus (*decode_trellis)(const LaneSet&, const QuantDecodeJob&);
};
extern const QuantLoops kQuantBaseline;
extern const QuantLoops kQuantAvx2;  // where the build has it

// Of a segment: built once, shared by its blocks.
struct QuantDecodeTables {
  explicit QuantDecodeTables(const SegmentView& s);

  const quant::Table* levels;
  DecodeTables codes;
  std::vector<uint32_t> entries;
  std::vector<uint8_t> units;
  uint32_t unit_bytes, longest;
  uint32_t classes;  // that runs have ids of; codes.codes_nothing is by class
  // Coder horner: the digits of every number below `chunk`, chunk_digits of them each, as units.
  uint64_t chunk = 0;
  uint32_t chunk_digits = 0;
  bool scaled() const { return levels->levels.group != 0; }
  bool trellis() const { return levels->levels.trellis != 0; }

 private:
  void make_phrases(const SegmentView& s);
  void make_digits();
  void make_trellis(const SegmentView& s);
  void put(size_t at, uint64_t unit);
};

// Working memory of one thread.
class QuantDecoder {
 public:
  // Structure, then streams; the hashes are the caller's. first: the number of the block's first
  // element in the segment. status: ok, bad_block or bad_stream.
  BlockStatus decode(std::span<const uint8_t> coded, const SegmentHeader& h,
                     const QuantDecodeTables& tables, uint32_t first, std::span<uint8_t> out);

 private:
  BlockStatus by_codes(std::span<const uint8_t> coded, const SegmentHeader& h,
                       const QuantDecodeTables& tables, uint32_t n, uint8_t* units, uint8_t* out);
  std::vector<uint8_t> lane_bytes_, class_ids_;
  std::vector<uint16_t> indexes_;
};

// Coder horner into units; exceptions go to out.
BlockStatus decode_horner(std::span<const uint8_t> coded, ElementType type,
                          const QuantDecodeTables& tables, uint32_t n, uint8_t* units,
                          uint8_t* out);
// Elements of levels by number, from number `first` of the segment on; those of number
// levels.count() stay.
void scale_levels(const quant::Table& table, uint64_t first, std::span<const uint16_t> indexes,
                  uint8_t* out);
}  // namespace gramzip::cpu
