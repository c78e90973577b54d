// SPDX-License-Identifier: Apache-2.0
// A coded block of fast floats (docs/format.md, 13).
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/fast.h"
#include "host/model/code_lengths.h"

namespace gramzip::cpu {
// Codes of a table by exponent. Those without one take the first code, and count as exceptions.
struct alignas(64) FastCodes {
  std::array<uint8_t, 256> bits, length;
  std::array<uint8_t, 256> exception;  // 0 or 1
  uint8_t first_length;                // of the first code, which has zero bits
  explicit FastCodes(const CodeBook& book);
};

struct FastBlockInput {
  std::span<const uint8_t> exponents;  // one an element, with readable bytes up to a whole step
  std::span<const uint8_t> raw_plane;
  std::span<const uint8_t> class_ids;  // one a run
  std::span<const FastCodes> codes;    // of each class
};

// Working memory of one thread.
class FastEncoder {
 public:
  // Writes the coded block to `out`, which has room for `size` bytes, the block's content, and
  // returns its size; 0 if it would be no smaller.
  uint32_t encode(const FastBlockInput& in, const Split& split, uint32_t size, uint8_t* out);

 private:
  uint32_t write_words(const FastBlockInput& in);

  std::vector<uint32_t> words_, exceptions_;
};
}  // namespace gramzip::cpu
