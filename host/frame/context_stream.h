// SPDX-License-Identifier: Apache-2.0
// Values of small alphabets coded in contexts (docs/format.md, 10): contexts are put together in
// groups, and each group has a code table. Used by the bytes of a model.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gramzip/core/huffman.h"

namespace gramzip::frame {
struct StreamShape {
  uint32_t symbol_bits;
  uint32_t contexts;
};
inline constexpr uint32_t kMaxGroups = 16;
inline constexpr uint32_t kStreamCodeLimit = 12;

// The bits of a body, front to back. Throws Error(corrupt) where they end too early.
class BodyReader {
 public:
  BodyReader(std::span<const uint8_t> body, uint32_t bits, std::string where);
  uint32_t peek(uint32_t bits) const {  // up to 25; zeros behind the end
    return static_cast<uint32_t>(load_le<uint64_t>(bytes_.data() + at_ / 8) >> (at_ % 8)) &
           ((1u << bits) - 1);
  }
  void skip(uint32_t bits) {
    at_ += bits;
    if (at_ > bits_) end_too_early();
  }
  uint32_t raw(uint32_t bits) {
    const uint32_t v = peek(bits);
    skip(bits);
    return v;
  }
  bool at_end() const { return at_ == bits_; }
  const std::string& where() const { return where_; }

 private:
  [[noreturn]] void end_too_early() const;
  std::vector<uint8_t> bytes_;  // with 8 zeros behind
  uint64_t at_ = 0, bits_;
  std::string where_;
};

// A canonical code for reading symbol by symbol: 8 bits by a table, longer codes by comparison.
class SymbolReader {
 public:
  SymbolReader() = default;
  // lengths: of symbols `first` on, at most `limit` <= 15, Kraft sum 1, or one symbol of length 0.
  SymbolReader(std::span<const uint8_t> lengths, uint32_t first, uint32_t limit);
  bool codes_nothing() const { return by_rank_.empty(); }
  uint32_t read(BodyReader& in) const {
    const uint32_t window = in.peek(limit_), e = quick_[window & 0xffu];
    if (e == kSlow) return read_slow(in, window);
    in.skip(e & 15u);
    return e >> 4;
  }

 private:
  static constexpr uint32_t kSlow = 0xffffffffu;
  uint32_t read_slow(BodyReader& in, uint32_t window) const;
  uint32_t limit_ = 0;
  std::array<uint32_t, 256> quick_{};  // symbol << 4 | length
  std::array<uint32_t, 16> end_{};     // [l]: end of the codes of up to l bits, left-aligned
  std::array<uint32_t, 16> first_{}, rank_{};
  std::vector<uint32_t> by_rank_;
};

// One stream: its groups and tables.
class ContextReader {
 public:
  // Reads the stream's tables at the front of `bytes` and returns their size.
  size_t load(std::span<const uint8_t> bytes, StreamShape shape, const std::string& where);
  uint32_t read(BodyReader& in, uint32_t context) const {
    const SymbolReader& t = tables_[group_of_[context]];
    if (t.codes_nothing()) fail_empty(in.where());
    return t.read(in);
  }

 private:
  [[noreturn]] static void fail_empty(const std::string& where);
  std::vector<uint8_t> group_of_;
  std::vector<SymbolReader> tables_;
};

// The writing side: values and raw fields are noted in order; then the streams' tables are chosen,
// and everything is written.
class BodyWriter {
 public:
  explicit BodyWriter(std::span<const StreamShape> shapes);
  void value(uint32_t stream, uint32_t context, uint32_t symbol);
  void raw(uint32_t bits, uint32_t v);  // up to 32 bits
  // Appends the streams and returns the number of bits of the body, which is appended to `body`.
  uint32_t finish(std::vector<uint8_t>& streams, std::vector<uint8_t>& body);

 private:
  struct Field {
    uint32_t value;
    uint16_t context;  // or the number of raw bits
    uint8_t stream;    // or kRaw
  };
  static constexpr uint8_t kRaw = 255;
  std::vector<StreamShape> shapes_;
  std::vector<Field> fields_;
};
}  // namespace gramzip::frame
