// SPDX-License-Identifier: Apache-2.0
// Lanes of codes with raw bits behind them come back whatever the symbols' raw bits and the
// elements' tables are; lanes of a wrong end are refused.
#include <gtest/gtest.h>

#include <random>

#include "host/cpu/decode_tables.h"
#include "host/cpu/inline_lanes.inl"
#include "host/model/code_lengths.h"

namespace gramzip::cpu {
namespace {
constexpr uint32_t kSymbols = 77, kTables = 3;

struct Element {
  uint32_t symbol;
  uint64_t raw;
};

// Elements of a block, their lanes and what is needed to read them.
template <uint32_t kMostRaw>
struct Block {
  std::vector<CodeBook> books;
  DecodeTables tables;
  std::vector<Element> elements;
  std::vector<uint8_t> lanes;
  size_t stride = 0;
  uint32_t words[kLanes] = {};

  static uint32_t raw_bits(uint32_t symbol) { return symbol * 31 % (kMostRaw + 1); }
  static uint32_t table_of(uint32_t j) { return (j / 5 + j / kRunElements) % kTables; }

  Block(uint32_t n, uint64_t seed) {
    std::mt19937_64 g(seed);
    std::vector<CodeTable> wire;
    for (uint32_t t = 0; t < kTables; ++t) {
      std::vector<uint32_t> counts(kSymbols);
      for (uint32_t& c : counts) c = 1 + static_cast<uint32_t>(g() >> (44 + g() % 20));
      books.push_back(make_code_book(counts, kFloatCodeLimit));
      wire.push_back({0, kSymbols, books.back().lengths});
    }
    tables = make_decode_tables(wire, Codec::exact_floats);
    for (uint32_t j = 0; j < n; ++j) {
      const auto symbol = static_cast<uint32_t>(g() % kSymbols);
      elements.push_back({symbol, low_bits(g() | g(), raw_bits(symbol))});
    }
    const uint32_t longest = lane_count(n, 0, true);
    stride = round_up(inline_lane_room(longest, kMostRaw), 64);
    lanes.assign(kLanes * stride, 0xee);
    encode_inline_lanes<kMostRaw>(
        n,
        [&](uint32_t) {
          return [&](uint32_t j) {
            const auto [symbol, raw] = elements[j];
            const uint32_t code = books[table_of(j)].codes[symbol];
            return InlineElement{
                {huffman::code_bits(code), huffman::code_length(code)}, raw_bits(symbol), raw};
          };
        },
        lanes.data(), stride, words);
    for (uint32_t l = 0; l < kLanes; ++l)  // what spread_lanes() puts behind
      std::fill_n(lanes.begin() + static_cast<ptrdiff_t>(l * stride + 4 * size_t{words[l]}), 12, 0);
  }

  BlockStatus decode(std::vector<Element>& out) const {
    out.assign(elements.size(), {});
    return decode_inline_lanes<kMostRaw>(
        LaneSet{lanes.data(), stride, words}, static_cast<uint32_t>(elements.size()),
        [&](uint32_t run) {
          return [&, run](uint32_t j) {
            EXPECT_EQ(j / kRunElements, run);
            return tables.single.data() + (size_t{table_of(j)} << kFloatCodeLimit);
          };
        },
        raw_bits,
        [&](uint32_t j, uint32_t symbol, uint64_t raw) {
          out.at(j) = {symbol, raw};
        });
  }
};

template <uint32_t kMostRaw>
void come_back() {
  for (const uint32_t n : {1u, 7u, 8u, 9u, 255u, 256u, 257u, 1000u, 8192u}) {
    const Block<kMostRaw> block(n, n);
    std::vector<Element> out;
    ASSERT_EQ(block.decode(out), BlockStatus::ok) << n;
    for (uint32_t j = 0; j < n; ++j) {
      ASSERT_EQ(out[j].symbol, block.elements[j].symbol) << n << " " << j;
      ASSERT_EQ(out[j].raw, block.elements[j].raw) << n << " " << j;
    }
  }
}
}  // namespace

TEST(InlineLanes, ElementsComeBackWithAnyRawBits) {
  come_back<0>();
  come_back<2>();
  come_back<7>();
  come_back<16>();
  come_back<44>();
  come_back<45>();
  come_back<56>();
  come_back<57>();
  come_back<64>();
}

TEST(InlineLanes, LanesOfAWrongEndAreRefused) {
  constexpr uint32_t kElements = 1000;
  std::vector<Element> out;
  std::vector<uint32_t> bits(kLanes, 0);
  Block<16> block(kElements, 1);
  for (uint32_t j = 0; j < kElements; ++j)
    bits[j / kLaneGroup % kLanes] +=
        block.books[block.table_of(j)].lengths[block.elements[j].symbol] +
        block.raw_bits(block.elements[j].symbol);
  int set_bits = 0;
  for (uint32_t l = 0; l < kLanes; ++l) {
    ASSERT_EQ(block.words[l], words_of_bits(bits[l]));
    ++block.words[l];
    EXPECT_EQ(block.decode(out), BlockStatus::bad_stream);
    block.words[l] -= 2;
    EXPECT_EQ(block.decode(out), BlockStatus::bad_stream);
    ++block.words[l];
    for (uint32_t bit = bits[l]; bit < 32 * block.words[l]; ++bit, ++set_bits) {
      uint8_t& byte = block.lanes[l * block.stride + bit / 8];
      byte = static_cast<uint8_t>(byte ^ (1u << (bit % 8)));
      EXPECT_EQ(block.decode(out), BlockStatus::bad_stream);
      byte = static_cast<uint8_t>(byte ^ (1u << (bit % 8)));
    }
  }
  EXPECT_GT(set_bits, 100);
  EXPECT_EQ(block.decode(out), BlockStatus::ok);
}

TEST(InlineLanes, AnyBitsAreSafe) {
  std::mt19937_64 g(3);
  std::vector<Element> out;
  for (int round = 0; round < 100; ++round) {
    Block<64> block(700, 2);
    for (uint8_t& b : block.lanes) b = static_cast<uint8_t>(g());
    for (uint32_t& w : block.words) w = static_cast<uint32_t>(g() % (block.stride / 4)) + 1;
    // Behind the last lane lies its room.
    block.lanes.resize(block.lanes.size() + inline_lane_room(24, 64));
    EXPECT_EQ(block.decode(out), BlockStatus::bad_stream);
  }
}
}  // namespace gramzip::cpu
