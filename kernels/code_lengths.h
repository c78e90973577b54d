// SPDX-License-Identifier: Apache-2.0
// Code lengths and canonical codes of each alphabet from its counts. Does not allocate or
// synchronise.
#pragma once
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
struct CodeLengthsTuning {
  uint32_t threads = 256;
};
// One class of a segment.
struct Alphabet {
  uint32_t symbols_at;  // in the arrays by symbol
  uint16_t symbols;     // up to kMaxSymbols
  uint16_t limit;       // of code lengths
};
struct CodeSummary {
  uint32_t used;  // symbols with a count
  uint32_t lone;  // the symbol if used is 1
  uint32_t bits;  // that all symbols take
};
// Arrays by symbol: counts in, of at most 2^24 symbols an alphabet; lengths (0: no code, or lone)
// and codes (huffman::pack_code) out. most_symbols: of any alphabet.
cudaError_t code_lengths(const Alphabet* alphabets, uint32_t count, uint32_t most_symbols,
                         const uint32_t* counts, uint8_t* lengths, uint32_t* codes,
                         CodeSummary* summaries, const CodeLengthsTuning& tuning,
                         cudaStream_t stream);
}  // namespace gramzip::kernels
