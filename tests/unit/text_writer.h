// SPDX-License-Identifier: Apache-2.0
// A small writer and a slow reader of n-gram text, straight from docs/format.md, 9: the other side
// of the decoder's tests. It shares no code with the encoder.
#pragma once
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gramzip/core/status.h"
#include "host/model/ngram_model.h"

namespace gramzip::test {
using Random = std::mt19937_64;

struct Code {
  uint32_t bits = 0, length = 0;  // as a number, most significant bit first; length 0: no code
};
// Canonical codes of symbols in the order of the lengths.
std::vector<Code> canonical(const std::vector<uint8_t>& lengths);

// Every code of a model, both ways.
class Codes {
 public:
  explicit Codes(const model::NgramModel& m);
  struct Table {
    std::map<uint32_t, Code> of;                             // by symbol
    std::map<std::pair<uint32_t, uint32_t>, uint32_t> back;  // (length, bits) to symbol
  };
  static constexpr uint32_t kEscape = 0xffffffff;
  std::vector<Table> classes;
  Table global;
  std::array<Table, text::kLengthClasses> distances;
};

class BitString {
 public:
  void code(Code c);                        // most significant bit first
  void raw(uint64_t value, uint32_t bits);  // least significant bit first
  void bit(uint32_t b);
  std::vector<uint32_t> words;
  uint32_t size = 0;
};

// One lane's bits, and the bytes they stand for at the end of a segment.
class LaneWriter {
 public:
  LaneWriter(const model::NgramModel& m, const Codes& codes, std::vector<uint8_t>& segment)
      : m_(m), codes_(codes), segment_(segment) {}
  bool can(uint32_t symbol) const;  // it has a code here or in the global table
  bool can_distance(uint32_t length_bucket, uint32_t distance) const;
  void literal(uint32_t symbol, bool escape = false);  // a byte or a string
  // kind 0: with `distance`; else the kind-th last one. Returns false if that place is empty.
  bool match(uint32_t kind, uint32_t length, uint32_t distance);
  BitString bits;
  std::array<uint32_t, 4> last{};
  uint32_t size = 0;  // bytes written

 private:
  void symbol(uint32_t s, bool escape);
  const model::NgramModel& m_;
  const Codes& codes_;
  std::vector<uint8_t>& segment_;
  uint32_t before_ = text::kFirstContext;
};

using Lanes = std::vector<std::vector<uint32_t>>;  // 32, each its words
std::vector<uint8_t> make_block(const Lanes& lanes);

// Symbol by symbol and bit by bit. segment: what came before; the block's bytes are appended if ok.
BlockStatus read_block(const model::NgramModel& m, const Codes& codes, const Lanes& lanes,
                       uint32_t bytes, std::vector<uint8_t>& segment);

// Models that hold what docs/format.md, 10 asks for, with many shapes of codes.
model::NgramModel random_model(Random& random, uint32_t strings, uint32_t classes);
// A lane of `bytes` bytes behind `segment`, with every kind of symbol that the model has.
BitString random_lane(Random& random, const model::NgramModel& m, const Codes& codes,
                      std::vector<uint8_t>& segment, uint32_t bytes);
// Its 32 lanes.
Lanes random_block(Random& random, const model::NgramModel& m, const Codes& codes,
                   std::vector<uint8_t>& segment, uint32_t bytes);
}  // namespace gramzip::test
