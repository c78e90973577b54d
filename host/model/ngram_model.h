// SPDX-License-Identifier: Apache-2.0
// A model of the n-gram text codec: strings, classes and code lengths. What decodes and what is
// trained; host/frame/model_wire turns it into canonical bytes and back.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "gramzip/core/text.h"
#include "host/base/checksum.h"

namespace gramzip::model {
// The code of a class: symbols with a code of their own, ascending, and the escape. The lengths are
// 1 to 16 and their Kraft sum, the escape's included, is 1.
struct ClassCode {
  std::vector<uint16_t> symbols;
  std::vector<uint8_t> lengths;
  uint8_t escape = 0;
};

struct NgramModel {
  std::vector<std::string> strings;          // of the symbols from 256 on, 2 to 32 bytes each
  std::vector<std::vector<uint16_t>> parts;  // of each string: two symbols or more that make it up
  std::vector<uint8_t> popularity;  // of each symbol: round(-log2(share)), 1 to 20; 0: unused
  std::vector<uint8_t> class_of;    // of each symbol, below codes.size()
  std::vector<uint8_t>
      global_lengths;            // of each symbol, 0 to 18, Kraft sum 1; every byte has a code
  std::vector<ClassCode> codes;  // of each class, 1 to 128
  // Lengths 0 to 10, two or more codes, Kraft sum 1.
  std::array<std::array<uint8_t, text::kDistanceBuckets>, text::kLengthClasses> distance_lengths{};
  uint64_t trained_symbols = 0;  // how many symbols the shares are of
  Hash128 id;                    // XXH3-128 of the canonical bytes

  uint32_t strings_end() const {
    return text::kByteSymbols + static_cast<uint32_t>(strings.size());
  }
  uint32_t symbols() const { return strings_end() + text::kMatchSymbols; }
};
}  // namespace gramzip::model
