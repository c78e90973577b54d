// SPDX-License-Identifier: Apache-2.0
// The runs of a segment that classes are trained on.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/format.h"
#include "host/model/run_classes.h"

namespace gramzip::model {
// Widths of symbols that a writer chooses from, and of the part that classes are trained on.
struct SymbolWidths {
  uint32_t least, most;  // S
  uint32_t coarse;       // top bits of a symbol: the exponent, or the whole byte
};
SymbolWidths symbol_widths(const SegmentHeader& header);

// The symbols of n elements side by side.
void load_symbols(const uint8_t* elements, uint32_t n, const Split& split, uint16_t* symbols);

struct CoarseCount {
  uint16_t symbol;
  uint16_t count;
};

struct RunSample {
  SymbolWidths widths{};
  uint32_t exact = 0;               // exact values: symbols of 2^bits and above, whatever the bits
  uint32_t all_runs = 0;            // that count, sampled or not
  std::vector<uint16_t> sizes;      // symbols of each run of the sample
  std::vector<uint16_t> symbols;    // kRunElements places a run, symbols of widths.most bits
  std::vector<CoarseCount> coarse;  // of all runs, one after another
  std::vector<uint32_t> begin;      // of each run in coarse, and the end
  std::vector<uint32_t> keys;       // runs of near keys are alike at first
  // What a symbol costs in a class goes by its share, not by the length of a code of its own:
  // codes are those of phrases.
  bool by_shares = false;
  uint32_t most_classes = kMaxTables;
  uint32_t size() const { return static_cast<uint32_t>(sizes.size()); }
  // A symbol of widths.most bits as one of fewer.
  uint32_t narrowed(uint32_t symbol, uint32_t bits) const {
    const uint32_t plain = 1u << widths.most;
    return symbol < plain ? symbol >> (widths.most - bits) : symbol - plain + (1u << bits);
  }
};
RunSample sample_runs(std::span<const uint8_t> content, const SegmentHeader& header,
                      std::span<const BlockRecord> records, std::span<const uint64_t> exact);
}  // namespace gramzip::model
