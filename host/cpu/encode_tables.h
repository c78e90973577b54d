// SPDX-License-Identifier: Apache-2.0
// Codes of a segment on the host, laid out for the encoder's loops: built once a segment.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "host/model/code_lengths.h"

namespace gramzip::cpu {
// Bits as they lie in the bit string; 0 bits where there is no code. Two words, so that bits and
// length are an operand each and nothing has to be masked.
struct Code {
  uint32_t bits;
  uint32_t length;
};

struct EncodeTables {
  uint32_t symbols = 0;      // of the alphabet
  std::vector<Code> single;  // of each book in turn, `symbols` each
  // Of two neighbours a, b at a | b << 8: one book over at most 256 symbols. Else empty.
  std::vector<Code> pairs;
  bool has_pairs = false;
  // Several books, or one of more than 256 symbols: of each book in turn, run_code().
  std::vector<uint32_t> runs;
};
// Codes of at most 12 bits for loops that go run by run: a book of 1024 has 4 KiB. The length in
// the low byte, so that a shift takes the whole for its count and lengths add up; the bits above.
inline constexpr uint32_t kRunCodeShift = 8;
// Pairs take 0.01 ns a byte of a 1 MiB segment to build and halve the work of its symbols; small
// segments go without.
inline constexpr size_t kPairsFromElements = 128 << 10;
void make_encode_tables(std::span<const CodeBook> books, size_t elements, EncodeTables& tables);
}  // namespace gramzip::cpu
