// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <queue>
#include <random>

#include "host/cpu/decode_tables.h"
#include "host/model/code_lengths.h"

namespace gramzip {
namespace {
uint64_t cost(std::span<const uint32_t> counts, const CodeBook& book) {
  uint64_t bits = 0;
  for (size_t s = 0; s < counts.size(); ++s) bits += uint64_t{counts[s]} * book.lengths[s];
  return bits;
}
// Huffman's own algorithm: the least cost without a limit.
uint64_t unlimited_cost(std::span<const uint32_t> counts) {
  std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<>> heap;
  for (const uint32_t c : counts)
    if (c > 0) heap.push(c);
  uint64_t bits = 0;
  while (heap.size() > 1) {
    const uint64_t a = heap.top();
    heap.pop();
    const uint64_t b = heap.top();
    heap.pop();
    bits += a + b;
    heap.push(a + b);
  }
  return bits;
}
double kraft(const CodeBook& book) {
  double sum = 0;
  for (const uint8_t l : book.lengths)
    if (l > 0) sum += std::ldexp(1.0, -l);
  return sum;
}
// The least cost of codes of n symbols with lengths 1 to limit, by trying all sorted length
// vectors.
uint64_t brute_force(std::vector<uint32_t> counts, uint32_t limit) {
  std::sort(counts.rbegin(), counts.rend());
  uint64_t best = UINT64_MAX;
  const auto search = [&](auto&& self, size_t i, uint32_t shortest, uint32_t kraft_left,
                          uint64_t bits) -> void {
    if (bits >= best) return;
    if (i == counts.size()) {
      if (kraft_left == 0) best = bits;
      return;
    }
    for (uint32_t l = shortest; l <= limit; ++l)
      if ((1u << (limit - l)) <= kraft_left)
        self(self, i + 1, l, kraft_left - (1u << (limit - l)), bits + uint64_t{counts[i]} * l);
  };
  search(search, 0, 1, 1u << limit, 0);
  return best;
}
}  // namespace

TEST(Huffman, LengthsAreOptimalUnderTheLimit) {
  std::mt19937 g(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<uint32_t> counts(2 + g() % 7);
    for (uint32_t& c : counts) c = 1 + (g() % 4 == 0 ? g() % 1000 : g() % 8);
    const uint32_t limit =
        std::max<uint32_t>(ceil_log2(static_cast<uint32_t>(counts.size())), 3 + g() % 3);
    const CodeBook book = make_code_book(counts, limit);
    EXPECT_EQ(kraft(book), 1.0);
    EXPECT_LE(*std::max_element(book.lengths.begin(), book.lengths.end()), limit);
    EXPECT_EQ(cost(counts, book), brute_force(counts, limit));
  }
}

TEST(Huffman, WithoutPressureEqualsHuffman) {
  std::mt19937 g(2);
  for (int round = 0; round < 100; ++round) {
    std::vector<uint32_t> counts(256);
    for (uint32_t& c : counts) c = g() % 3 == 0 ? 0 : 1000 + g() % 1000;
    EXPECT_EQ(cost(counts, make_code_book(counts, 12)), unlimited_cost(counts));
  }
}

TEST(Huffman, DegenerateAlphabets) {
  std::vector<uint32_t> counts(256, 0);
  EXPECT_EQ(make_code_book(counts, 11).used, 0u);
  counts[77] = 5;
  const CodeBook lone = make_code_book(counts, 11);
  EXPECT_EQ(lone.used, 1u);
  EXPECT_EQ(lone.lone, 77u);
  EXPECT_EQ(huffman::code_length(lone.codes[77]), 0u);
  counts[3] = 1;
  const CodeBook two = make_code_book(counts, 11);
  EXPECT_EQ(two.lengths[77], 1);
  EXPECT_EQ(two.lengths[3], 1);
  std::vector<uint32_t> full(4096, 1);
  for (const uint8_t l : make_code_book(full, 12).lengths) EXPECT_EQ(l, 12);
}

TEST(Huffman, CountsUpToTheSegmentLimitDoNotOverflow) {
  std::vector<uint32_t> counts(256, 0);
  counts[0] = (1u << 24) - 255;
  for (size_t s = 1; s < 256; ++s) counts[s] = 1;
  const CodeBook book = make_code_book(counts, 11);
  EXPECT_EQ(kraft(book), 1.0);
  EXPECT_EQ(book.lengths[0], 1);
}

TEST(Huffman, KraftViolationsAreRefused) {
  huffman::Canonical c;
  const uint32_t over[kMaxSymbolBits + 1] = {0, 3}, under[kMaxSymbolBits + 1] = {0, 1},
                                       good[kMaxSymbolBits + 1] = {0, 1, 2};
  EXPECT_FALSE(huffman::make_canonical(over, 11, 3, c));
  EXPECT_FALSE(huffman::make_canonical(under, 11, 1, c));
  EXPECT_TRUE(huffman::make_canonical(good, 11, 3, c));
  EXPECT_FALSE(huffman::make_canonical(good, 11, 4, c));
}

// Entries computed one by one, as the device does, equal the host's filled tables; and every code
// decodes.
TEST(Huffman, TablesAgreeAndDecode) {
  std::mt19937 g(3);
  for (int round = 0; round < 40; ++round) {
    const bool bytes = round % 2 == 0;
    const uint32_t limit = bytes ? kByteCodeLimit : kFloatCodeLimit;
    std::vector<uint32_t> counts(256, 0);
    for (int i = 0; i < 2 + round * 6; ++i)
      counts[g() % 256] += 1 + (g() % 9 == 0 ? g() % 100000 : g() % 10);
    const CodeBook book = make_code_book(counts, limit);
    CodeTable t;
    t.first = 0;
    t.count = 256;
    t.lengths = book.lengths;
    const cpu::DecodeTables d =
        cpu::make_decode_tables({&t, 1}, bytes ? Codec::bytes : Codec::floats);

    // Entries of the float decoder have more room for the length.
    const auto entry = [&](uint32_t i) {
      return bytes ? uint32_t{d.single[i]}
                   : uint32_t{huffman::pack_entry(d.runs[i] >> cpu::kRunEntryShift,
                                                  d.runs[i] & ((1u << cpu::kRunEntryShift) - 1))};
    };
    std::vector<uint16_t> by_rank;
    uint32_t per_length[kMaxSymbolBits + 1] = {};
    for (uint32_t l = 1; l <= limit; ++l)
      for (uint16_t s = 0; s < 256; ++s)
        if (book.lengths[s] == l) {
          by_rank.push_back(s);
          ++per_length[l];
        }
    huffman::Canonical c;
    ASSERT_TRUE(huffman::make_canonical(per_length, limit, book.used, c));
    for (uint32_t i = 0; i < (1u << limit); ++i) {
      ASSERT_EQ(huffman::single_entry(c, by_rank.data(), i), entry(i));
      if (!bytes) continue;
      const uint32_t e = huffman::multi_entry(d.single.data(), limit, i);
      ASSERT_EQ(e, d.multi[i]);
      ASSERT_GE(huffman::multi_count(e), 1u);
      ASSERT_LE(huffman::multi_length(e), limit);
    }
    for (uint32_t s = 0; s < 256; ++s)
      if (const uint32_t l = huffman::code_length(book.codes[s])) {
        const uint32_t e = entry(huffman::code_bits(book.codes[s]));
        ASSERT_EQ(huffman::entry_symbol(e), s);
        ASSERT_EQ(huffman::entry_length(e), l);
      }
  }
}

TEST(Huffman, LargeAlphabets) {
  std::mt19937 g(5);
  std::vector<uint32_t> counts(65536);
  for (uint32_t& c : counts) c = g() % 4 == 0 ? 0 : 16 + g() % 64;
  const CodeBook book = make_code_book(counts, kLongestCode);
  EXPECT_EQ(kraft(book), 1.0);
  EXPECT_EQ(cost(counts, book), unlimited_cost(counts));
  // Under pressure: the rare ones would have longer codes.
  counts[7] = 1u << 20;
  counts[8] = 1u << 24;
  counts[9] = 1u << 25;
  const CodeBook tight = make_code_book(counts, 17);
  EXPECT_EQ(kraft(tight), 1.0);
  EXPECT_EQ(*std::max_element(tight.lengths.begin(), tight.lengths.end()), 17);
  // Packed codes have room for all lengths.
  for (size_t s = 0; s < counts.size(); ++s)
    ASSERT_EQ(huffman::code_length(tight.codes[s]), tight.lengths[s]);
}
TEST(Huffman, LargeCountsAreHalvedTogether) {
  std::mt19937_64 g(6);
  std::vector<uint64_t> counts(3000);
  for (uint64_t& c : counts) c = g() % 5 == 0 ? 0 : 1 + (g() >> (g() % 24 + 24));
  std::vector<uint32_t> small(counts.size());
  uint64_t sum = 0;
  for (const uint64_t c : counts) sum += c;
  uint32_t halvings = 0;
  while ((sum >> halvings) + counts.size() > (1u << 27)) ++halvings;
  ASSERT_GT(halvings, 3u);
  for (size_t s = 0; s < counts.size(); ++s)
    small[s] =
        counts[s] == 0 ? 0 : static_cast<uint32_t>(std::max<uint64_t>(counts[s] >> halvings, 1));
  EXPECT_EQ(make_code_book(counts, 16).lengths, make_code_book(small, 16).lengths);
  EXPECT_EQ(kraft(make_code_book(counts, 16)), 1.0);
}
TEST(Huffman, CodesOfLengthsAlone) {
  const std::vector<uint8_t> lengths = {2, 0, 1, 3, 3};
  const std::vector<uint32_t> codes = canonical_codes(lengths);
  EXPECT_EQ(codes, (std::vector<uint32_t>{huffman::pack_code(2, 2), 0, huffman::pack_code(0, 1),
                                          huffman::pack_code(6, 3), huffman::pack_code(7, 3)}));
  EXPECT_ANY_THROW(canonical_codes(std::vector<uint8_t>{1, 2}));
}
}  // namespace gramzip
