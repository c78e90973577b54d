// SPDX-License-Identifier: Apache-2.0
// Coded blocks of codec quantized (docs/format.md, 16): from levels to bytes.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/quant.h"
#include "host/cpu/encode_tables.h"
#include "host/cpu/lane_write.h"

namespace gramzip::cpu {
// A block parsed into symbols.
struct QuantBlock {
  std::span<const uint8_t> content;
  uint32_t element_bytes;
  uint32_t classes;                 // that share the codes evenly
  std::array<uint32_t, 2> escapes;  // the symbols that are one
  const uint16_t* symbols;          // of a lane, from the place of its first element on
  const uint16_t* run_symbols;      // how many begin in each run
};

// Working memory of one thread.
class QuantEncoder {
 public:
  // Coders huffman and trellis. Writes the coded block to `out`, which has room for the content,
  // and returns its size; 0 if it is no smaller than the content. tables: of each class, those of
  // its quantizers. class_ids: one a run, empty if there is one class. phrase_lengths: levels of
  // each symbol, 1 for an escape.
  uint32_t encode(const QuantBlock& block, std::span<const uint8_t> phrase_lengths,
                  const EncodeTables& tables, std::span<const uint8_t> class_ids, uint8_t* out);

 private:
  std::vector<uint8_t> lane_bytes_;
};

// Coder horner, the same. indexes: of each element, N for exceptions.
uint32_t encode_horner(std::span<const uint8_t> content, uint32_t element_bytes, uint32_t levels,
                       std::span<const uint16_t> indexes, uint8_t* out);
}  // namespace gramzip::cpu
