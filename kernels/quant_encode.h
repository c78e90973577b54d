// SPDX-License-Identifier: Apache-2.0
// Quantized weights into coded blocks (docs/format.md, 16). The host decides between the steps:
//
//   quant_indexes    elements -> numbers of levels, and which levels occur
//   keep_levels      other numbers, where levels are left out
//   trellis_symbols  along a trellis: symbols in their place
//   gather_runs      the runs of a sample
//   quant_classes    the class of each run
//   quant_count      phrases -> counts of symbols by class
//   quant_measure, digits_measure    sizes; then encode_layout
//   quant_write, digits_write        coded blocks
//
// None allocates or synchronises. All work on blocks whose mode is raw, that is to be coded.
#pragma once
#include "gramzip/core/quant.h"
#include "gramzip/core/run_classes.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
struct QuantEncodeTuning {
  uint32_t threads = 256;
  uint32_t parts = 8;  // quant_indexes, keep_levels, trellis_symbols: CTAs of a block
  uint32_t warps = 4;  // quant_classes: of a CTA; quant_measure, quant_write: blocks of one
  // quant_count: counts of a segment's classes up to this many are summed in shared memory first.
  uint32_t shared_bins = 12u << 10;
};

// What the kernels know of a segment; the host fills it in step by step.
struct QuantCoding {
  uint64_t indexes_at;  // its elements' numbers of levels, a multiple of 8
  uint32_t first_run;   // in class_ids, runs_of_a_block a block
  uint32_t levels;      // N, and the number of the escape
  // quant_indexes. Without scales: by pattern, 256 or 65536 numbers; or N elements, ascending, each
  // followed in `numbers` by the lowest number of a level that is it.
  uint32_t numbers_at, elements_at, element_count;
  // With scales.
  bool scaled, zero_points;
  uint32_t group, phase, values_at, scales_at, zero_points_at;
  uint32_t seen_at;  // kSeenWords words: bit i: level i occurs
  // keep_levels
  uint32_t begin, end;
  uint32_t trellis;  // trellis_symbols: log2 of states, 0: none
  // quant_classes
  uint32_t classes, costs_at;
  // quant_count
  uint32_t alphabet, phrase_base_at, counts_at;
  // quant_write: what is left of each class, kMaxTables numbers; codes of class c at
  // codes_at + c * alphabet. escapes: the symbols that are one.
  bool horner;
  uint32_t classes_left, class_numbers_at, codes_at;
  uint32_t escapes[2];
};
inline constexpr uint32_t kSeenWords = quant::kMaxAlphabet / 32;

// Arrays of a batch in device memory.
struct QuantEncodeBatch {
  const uint8_t* content;
  const DeviceSegment* segments;
  const DeviceBlock* blocks;
  BlockState* states;
  uint32_t count;  // of blocks
  const QuantCoding* codings;
  uint16_t* indexes;
  uint8_t* class_ids;
};

// seen: zeroed by the caller.
cudaError_t quant_indexes(const QuantEncodeBatch& batch, const uint16_t* numbers,
                          const uint64_t* elements, const float* values, const float* scales,
                          const uint8_t* zero_points, uint32_t* seen,
                          const QuantEncodeTuning& tuning, cudaStream_t stream);
// Number i becomes i - begin, those beyond begin to end - 1 the escape, end - begin.
cudaError_t keep_levels(const QuantEncodeBatch& batch, const QuantEncodeTuning& tuning,
                        cudaStream_t stream);
// Numbers of levels become symbols, run by run; classes, counts and codes are theirs then.
cudaError_t trellis_symbols(const QuantEncodeBatch& batch, const QuantEncodeTuning& tuning,
                            cudaStream_t stream);
// Copies kRunElements numbers from each place of `from`, whatever lies behind the last element.
cudaError_t gather_runs(const uint16_t* indexes, const uint64_t* from, uint32_t count,
                        uint16_t* runs, cudaStream_t stream);
cudaError_t quant_classes(const QuantEncodeBatch& batch, const ClassCost* costs,
                          const QuantEncodeTuning& tuning, cudaStream_t stream);
// counts: zeroed by the caller. most_bins: classes times alphabet of any segment.
cudaError_t quant_count(const QuantEncodeBatch& batch, const uint16_t* phrase_bases,
                        uint32_t most_bins, uint32_t* counts, const QuantEncodeTuning& tuning,
                        cudaStream_t stream);
// Codes of all segments.
struct QuantCodes {
  const uint16_t* phrase_bases;
  const uint8_t* class_numbers;
  const uint32_t* codes;
};
// Decides raw or coded, and sets coded_bytes and lanes of every block of the coder; of plain
// blocks, coded_bytes. lane_words: as encode_measure.
cudaError_t quant_measure(const QuantEncodeBatch& batch, const QuantCodes& codes,
                          uint32_t* lane_words, const QuantEncodeTuning& tuning,
                          cudaStream_t stream);
cudaError_t digits_measure(const QuantEncodeBatch& batch, const QuantEncodeTuning& tuning,
                           cudaStream_t stream);
// Write every block of the coder and the zeros behind it up to a multiple of 32.
cudaError_t quant_write(const QuantEncodeBatch& batch, const QuantCodes& codes,
                        const uint32_t* lane_words, uint8_t* data, const QuantEncodeTuning& tuning,
                        cudaStream_t stream);
cudaError_t digits_write(const QuantEncodeBatch& batch, uint8_t* data,
                         const QuantEncodeTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
