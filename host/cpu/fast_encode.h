// SPDX-License-Identifier: Apache-2.0
// A coded block of fast floats (docs/format.md, 13).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/fast.h"
#include "host/model/code_lengths.h"

namespace gramzip::cpu {
// Codes of a table by exponent. Those without one take the first code, and count as exceptions.
struct alignas(64) FastCodes {
  static constexpr uint8_t kException = 0x80;
  uint8_t bits[256];  // at most 7 of them; kException
  uint8_t length[256];
  uint16_t both[256];  // bits, kException; length << 8
  uint8_t first;       // an exponent that has the first code
  explicit FastCodes(const CodeBook& book);
};

struct FastBlockInput {
  std::span<const uint8_t> exponents;  // one an element
  std::span<const uint8_t> raw_plane;
  std::span<const uint8_t> class_ids;  // one a run
  std::span<const FastCodes> codes;    // of each class
};

// What the loops write.
struct FastWords {
  std::vector<uint32_t> words;        // in demand order, zeros behind the last code and all
  std::vector<uint32_t> exceptions;   // packed
  std::vector<uint32_t> full, place;  // words as lanes fill them and where they go: working memory
  // Sizes for n elements, and no exceptions.
  void begin(uint32_t n);
};
// The loops over lanes, one set per instruction set. Returns how many words a decoder takes.
using FastWriter = uint32_t (*)(const FastBlockInput& in, FastWords& to);
uint32_t write_fast_baseline(const FastBlockInput&, FastWords&);
uint32_t write_fast_avx2(const FastBlockInput&, FastWords&);
uint32_t write_fast_avx512(const FastBlockInput&, FastWords&);
FastWriter fast_writer();  // the best that the processor runs

// Exponents of a step, those from n on with the first code of their table.
struct FastStep {
  const FastCodes* codes;
  const uint8_t* exponents;
  uint8_t part[fast::kStep];  // of a step that is not whole
  void load(const FastBlockInput& in, uint32_t step);
};
// Lists the exceptions among `count` elements from `first` on, of the block.
void list_exceptions(const FastCodes& codes, const uint8_t* exponents, uint32_t first,
                     uint32_t count, std::vector<uint32_t>& exceptions);

// Working memory of one thread.
class FastEncoder {
 public:
  explicit FastEncoder(FastWriter writer = fast_writer()) : writer_(writer) {}
  // Writes the coded block to `out`, which has room for `size` bytes, the block's content, and
  // returns its size; 0 if it would be no smaller.
  uint32_t encode(const FastBlockInput& in, const Split& split, uint32_t size, uint8_t* out);

 private:
  FastWriter writer_;
  FastWords words_;
};
}  // namespace gramzip::cpu
