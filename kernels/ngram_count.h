// SPDX-License-Identifier: Apache-2.0
// Counts of n-grams (core/ngram.h) in a hash table of device memory. Does not allocate, does not
// synchronise.
#pragma once
#include "gramzip/core/ngram.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
struct NgramTuning {
  uint32_t threads = 256;
  uint32_t shared_log2 = 11;  // slots of a CTA's own table, 12 bytes each
  uint32_t shared_probes = 4;
  uint32_t probes = 512;  // of the global table, before it counts as full
};

// A distinct n-gram. id: the key (ngram_key) if spec.packed(), else where one of its occurrences
// starts in the content.
struct NgramCell {
  unsigned long long id, count;
};
struct NgramStatus {
  unsigned long long cells;  // distinct n-grams, if overflow is 0
  // Not 0: the table was too small, or an n-gram longer than kMaxNgramLength. Nothing else holds.
  uint32_t overflow;
  uint32_t reserved;
  unsigned long long all_ones;  // occurrences of the key of eight bytes 0xff
};

// How many distinct n-grams a table of 2^log2 slots gives out at most: 3/4 of it.
constexpr uint64_t ngram_cells(uint32_t log2) { return (uint64_t{3} << log2) / 4 + 1; }

// Counts the n-grams that start in the pieces; a CTA takes a piece, best of 4 to 64 KiB.
//   workspace        null: sets workspace_bytes = 16 * 2^log2 and does nothing else. Else so many
//                    bytes, aligned to 8; contents do not matter
//   content          as core/ngram.h says of pieces, below 2^40 - 1 bytes; 16 bytes or more can be
//                    read behind the last run
//   cells            ngram_cells(log2) entries; status->cells of them are set, in no order
//   log2             10 to 32. Sure to suffice where pieces hold at most 2^(log2 - 1) n-grams,
//                    unless their hashes were made to collide
// All pointers are device memory. Does not synchronise.
cudaError_t ngram_count(void* workspace, size_t& workspace_bytes, const uint8_t* content,
                        const NgramPiece* pieces, uint32_t count, const NgramSpec& spec,
                        NgramCell* cells, NgramStatus* status, uint32_t log2,
                        const NgramTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
