// SPDX-License-Identifier: Apache-2.0
// The cheapest way to spell a text with the n-grams of a trie when each symbol has one cost, by
// dynamic programming from the end of each piece of 8 KiB. Counts how often each symbol is used.
//
// Dispatch: order0_parse() takes the loop over 16 pieces at once, compiled for AVX-512 (F, BW, VL),
// where cpu_features() finds it, and the scalar loop elsewhere and for what is left over. Costs are
// integers and of several cheapest steps the shortest counts, so both give the same counts.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/trie.h"
#include "host/base/workers.h"

namespace gramzip::model {
inline constexpr size_t kParsePiece = 8192;
inline constexpr size_t kParseGroup = 16;        // pieces at once
inline constexpr uint32_t kMaxCost = 20 * 1024;  // of a symbol, in 1/1024 bit: fits 16 bits

struct ParseModel {
  TrieView trie;              // value of an n-gram: cost << 16 | symbol
  const uint32_t* byte_cost;  // of symbols 0 to 255
  const uint8_t* lengths;     // by symbol
};

// Working memory of one thread.
struct ParseSpace {
  std::vector<uint32_t> cost;
  std::vector<uint16_t> symbol;
};

struct ParseLoops {
  // Parses pieces [p + l * kParsePiece, p + (l + 1) * kParsePiece), l < kParseGroup; adds to uses
  // by symbol. Returns the cost of all.
  uint64_t (*group)(const uint8_t* p, const ParseModel&, ParseSpace&, uint32_t* uses);
};
extern const ParseLoops kParseScalar;
extern const ParseLoops kParseAvx512;  // where the build has it
const ParseLoops& parse_loops();       // what this processor runs

// One piece of n <= kParsePiece bytes, scalar.
uint64_t parse_piece(const uint8_t* p, size_t n, const ParseModel& model, ParseSpace& space,
                     uint32_t* uses);

struct ParseResult {
  std::vector<uint64_t> uses;  // by symbol
  uint64_t cost = 0;           // in 1/1024 bit
};
ParseResult order0_parse(std::span<const uint8_t> text, const ParseModel& model, size_t symbols,
                         const ParseLoops& loops, Workers& workers);
}  // namespace gramzip::model
