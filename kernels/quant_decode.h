// SPDX-License-Identifier: Apache-2.0
// Blocks of quantized weights back into content (docs/format.md, 16). Does not allocate, does not
// synchronise. Safe on any bytes: reads stay in the block, writes in its content.
//
// Units are what a level becomes at once: its element, or, where elements depend on the group, the
// 16-bit number of the level, which scale_levels() turns into an element.
#pragma once
#include "gramzip/core/quant.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"
#include "kernels/huffman_decode.h"

namespace gramzip::kernels {
struct QuantTuning {
  static constexpr uint32_t kMaxWarps = 4;
  static constexpr uint32_t kMinCtas = 2;
  uint32_t warps = kMaxWarps;  // blocks of codes a CTA, one a warp
  // Entries and units of a segment up to so many bytes are copied to shared memory.
  uint32_t shared_bytes = 96 << 10;
  uint32_t digit_threads = 256;  // coder horner: of a CTA, which has a block
  uint32_t scale_threads = 256;
  uint32_t scale_parts = 8;  // CTAs of a block
};

// An entry of the look-up by the next 12 bits: the code's length in bits 0 to 3, the units of the
// phrase in bits 4 to 10, 0 for the escape, and above them the word where the phrase begins.
inline constexpr uint32_t kUnitsShift = 4, kPhraseShift = 11;
static_assert(quant::kMaxPhrase < 1u << (kPhraseShift - kUnitsShift));
static_assert(uint64_t{quant::kMaxAlphabet} * quant::kMaxPhrase * 2 <= 1u << (32 - kPhraseShift));

// Coder trellis: the length; what the next state is besides half the state in bits 4 to 11; bit 12
// for the escape; above it the word of the level's unit. The table of quantizer 1 follows that of
// quantizer 0.
inline constexpr uint32_t kStateShift = 4, kStateMask = 0xff, kEscapeBit = 1u << 12,
                          kLevelShift = 13;
static_assert(uint64_t{quant::kMaxLevels} * 2 <= 1u << (32 - kLevelShift));

// What is known of a segment besides its header and code tables.
struct QuantSegment {
  uint32_t levels;       // N, and the escape
  uint32_t unit_bytes;   // 1, 2, 4 or 8
  uint32_t units_at;     // in the words of all segments: level 0, further levels, phrases behind
  uint32_t unit_words;   // a phrase begins at a word; zeros behind its last unit
  uint32_t first_table;  // of its codes: in the entries of all segments
  uint32_t quantizers;   // tables of a class: 1, or 2 of coder trellis
  // Scales.
  bool scaled, zero_points;
  uint32_t group, phase;
  uint32_t first_scaled;  // of its blocks, in the order of outputs
  uint32_t first_output;
  uint32_t values_at;       // N levels
  uint32_t scales_at;       // of its groups
  uint32_t zero_points_at;  // likewise

  GRAMZIP_HD uint32_t words_of_unit() const { return unit_bytes == 8 ? 2 : 1; }
  GRAMZIP_HD uint64_t shared_bytes(uint32_t tables) const {
    return uint64_t{tables} * kTableEntries * 4 + uint64_t{unit_words} * 4;
  }
};
// A code table of a segment: its number among all tables, and where the entries of the segment's
// symbols, code lengths zero, begin.
struct QuantTable {
  uint32_t table, symbols_at;
};
// A block whose levels have scales.
struct ScaledBlock {
  static constexpr uint32_t kNothing = 0xffffffffu;
  uint32_t segment;   // in the batch
  uint32_t output;    // of the batch
  uint64_t units_at;  // of its units in their buffer, a multiple of 8
  uint32_t first;     // number of its first element in the segment; kNothing: not to be scaled
};

// What the kernels of a batch share, all in device memory. A DeviceSegment names its QuantSegment
// by first_exact.
struct QuantBatch {
  const DeviceSegment* segments;
  const BlockState* states;
  const uint64_t* coded_hashes;
  const DeviceTable* tables;
  const QuantSegment* quant;
  const uint32_t* entries;  // kTableEntries a table, from QuantSegment::first_table on
  const uint32_t* units;
  const uint8_t* data;
  uint8_t* content;
  uint16_t* unit_numbers;  // of scaled blocks
  ScaledBlock* scaled;
  DecodeOutput* outputs;
};

// The entries of `count` tables, one after another.
cudaError_t quant_entries(const QuantTable* quant_tables, uint32_t count, const DeviceTable* tables,
                          const uint8_t* lengths, const uint32_t* symbols, uint32_t* entries,
                          cudaStream_t stream);
// Blocks of coders huffman and trellis. Sets status of each output: ok, bad_coded_hash, bad_block
// or bad_stream; and `first` of scaled blocks. most_shared, least_shared:
// QuantSegment::shared_bytes of the batch.
cudaError_t quant_decode(const QuantBatch& batch, const DecodeGroup* groups, uint32_t count,
                         uint64_t most_shared, uint64_t least_shared, const QuantTuning& tuning,
                         cudaStream_t stream);
// The same for blocks of coder horner, one a group. most_unit_words: of the levels of any segment.
cudaError_t digits_decode(const QuantBatch& batch, const DecodeGroup* groups, uint32_t count,
                          uint32_t most_unit_words, const QuantTuning& tuning, cudaStream_t stream);
// The elements of `count` scaled blocks.
cudaError_t scale_levels(const QuantBatch& batch, uint32_t count, const float* values,
                         const float* scales, const uint8_t* zero_points, const QuantTuning& tuning,
                         cudaStream_t stream);
}  // namespace gramzip::kernels
