// SPDX-License-Identifier: Apache-2.0
// Bit strings, element splits, lanes: each is a bijection, checked whole.
#include <gtest/gtest.h>

#include <random>

#include "gramzip/core/bitpack.h"
#include "gramzip/core/plan.h"

namespace gramzip {
TEST(Bits, FieldsComeBackAtAnyWidthAndPlace) {
  std::mt19937_64 g(1);
  for (int round = 0; round < 2000; ++round) {
    const uint32_t bits = static_cast<uint32_t>(g() % 65);
    const uint64_t at = g() % 100, v = bits == 64 ? g() : g() & ((uint64_t{1} << bits) - 1);
    std::vector<uint8_t> s((at + bits + 7) / 8, 0);  // exact: a sanitizer sees one byte too many
    or_bits(s.data(), at, bits, v);
    ASSERT_EQ(load_bits(s.data(), at, bits), v);
    uint64_t set = 0;
    for (const uint8_t b : s) set += static_cast<uint64_t>(__builtin_popcount(b));
    ASSERT_EQ(set, static_cast<uint64_t>(__builtin_popcountll(v)));
  }
}

TEST(Elements, SplitAndJoinAreInverse) {
  std::mt19937_64 g(2);
  for (int t = 0; t < static_cast<int>(ElementType::count); ++t) {
    const auto type = static_cast<ElementType>(t);
    const ElementInfo e = element_info(type);
    if (e.codec == Codec::planes) continue;  // bytes, whatever the type
    const uint32_t most =
        e.codec == Codec::floats ? std::min<uint32_t>(kMaxSymbolBits, 8u * e.bytes - 1) : 8;
    for (uint32_t s = e.codec == Codec::floats ? e.exponent_bits : 8; s <= most; ++s) {
      const Split split = make_split(e.codec, type, s);
      for (int i = 0; i < 3000; ++i) {
        const uint64_t x = e.bytes == 8 ? g() : g() & ((uint64_t{1} << (8 * e.bytes)) - 1);
        ASSERT_LT(split.symbol(x), 1u << s);
        ASSERT_EQ(split.raw(x) >> split.raw_bits, 0u);
        ASSERT_EQ(split.join(split.symbol(x), split.raw(x)), x) << e.name << " S=" << s;
      }
    }
  }
}

TEST(Elements, TheSymbolIsTheExponent) {
  const Split bf16 = make_split(Codec::floats, ElementType::bf16, 8),
              f32 = make_split(Codec::floats, ElementType::f32, 8),
              f64 = make_split(Codec::floats, ElementType::f64, 11);
  EXPECT_EQ(bf16.symbol(0x3f80), 127u);
  EXPECT_EQ(f32.symbol(0xc0490fdb), 128u);
  EXPECT_EQ(f32.raw(0xc0490fdb), 0x800000u | 0x490fdbu);
  EXPECT_EQ(f64.symbol(0x3ff0000000000000u), 1023u);
}

TEST(Lanes, EveryElementIsInOneLaneInOrder) {
  for (const bool interleaved : {false, true})
    for (const uint32_t n :
         {1u, 7u, 8u, 9u, 16u, 255u, 256u, 257u, 511u, 512u, 513u, 4095u, 32768u, 65535u, 65536u}) {
      std::vector<int> seen(n, 0);
      uint32_t total = 0;
      for (uint32_t l = 0; l < kLanes; ++l) {
        const uint32_t count = lane_count(n, l, interleaved);
        uint32_t previous = 0;
        for (uint32_t t = 0; t < count; ++t) {
          const uint32_t j = lane_element(n, l, t, interleaved);
          ASSERT_LT(j, n);
          ASSERT_TRUE(t == 0 || j > previous);
          previous = j;
          ++seen[j];
        }
        total += count;
      }
      ASSERT_EQ(total, n);
      for (const int s : seen) ASSERT_EQ(s, 1);
    }
}

TEST(Lanes, HeadersPackAndPlansFit) {
  const LaneHead h = unpack_lane_head(pack_lane_head({123456, 15}));
  EXPECT_EQ(h.rows, 123456u);
  EXPECT_EQ(h.extra_bits, 15u);
  EXPECT_EQ(plan_lanes(10, 10, 320).head.extra_bits, 0u);
  EXPECT_EQ(plan_lanes(10, 11, 321).head.extra_bits, 1u);
  EXPECT_EQ(plan_lanes(0, 8, 8).head.extra_bits, 4u);
  EXPECT_EQ(lane_header_bytes(7), 32u);
  EXPECT_EQ(lane_header_bytes(8), 64u);
  const BlockPlan p = plan_block(65536, make_split(Codec::floats, ElementType::bf16, 10), 5);
  EXPECT_EQ(p.raw_bytes, 32768u * 6 / 8);
  EXPECT_EQ(p.ids_bytes, 128u * 3 / 8);
  EXPECT_EQ(p.lanes_at % 32, 0u);
}
}  // namespace gramzip
