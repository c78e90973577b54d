// SPDX-License-Identifier: Apache-2.0
// Codecs delta and sparse_delta: the arithmetic of differences, round trips of every type, size and
// mode, the choice of the codec, and bases that are not the writer's.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "gramzip/core/sparse_delta.h"
#include "host/base/cpu_features.h"
#include "tests/registry/cases.h"
#include "tests/registry/delta_cases.h"

namespace gramzip {
namespace {
using test::DeltaCase;

const Codec kCodecs[] = {Codec::delta, Codec::sparse_delta};

TEST(Delta, OrderIsThatOfFloats) {
  const delta::Arithmetic f32 = delta::arithmetic(ElementType::f32);
  const float rising[] = {-INFINITY, -3e38f, -2, -1,   -1e-40f, -0.0f,   0.0f,
                          1e-45f,    1e-40f, 1,  1.5f, 3e38f,   INFINITY};
  uint64_t before = 0;
  for (const float f : rising) {
    const uint64_t o = f32.order(std::bit_cast<uint32_t>(f));
    EXPECT_GT(o, before) << f;
    EXPECT_EQ(f32.from_order(o), std::bit_cast<uint32_t>(f));
    before = o;
  }
  EXPECT_EQ(f32.difference(std::bit_cast<uint32_t>(-0.0f), 0u), 2u);  // one up
  EXPECT_EQ(f32.difference(std::bit_cast<uint32_t>(1.0f),
                           std::bit_cast<uint32_t>(std::nextafter(1.0f, 0.0f))),
            1u);
}

TEST(Delta, EveryPairOfElementsHasADifference) {
  for (const ElementType type : {ElementType::bytes, ElementType::f8_e4m3, ElementType::f8_e5m2}) {
    const delta::Arithmetic a = delta::arithmetic(type);
    for (uint64_t x = 0; x < 256; ++x) {
      std::vector<bool> seen(256);
      for (uint64_t y = 0; y < 256; ++y) {
        const uint64_t z = a.difference(x, y);
        ASSERT_LT(z, 256u);
        ASSERT_EQ(a.apply(x, z), y);
        ASSERT_EQ(z == 0, x == y);
        seen[z] = true;
      }
      ASSERT_EQ(std::count(seen.begin(), seen.end(), true), 256);
    }
  }
  std::mt19937_64 g(1);
  for (const ElementType type :
       {ElementType::bf16, ElementType::f16, ElementType::i16, ElementType::f32, ElementType::i32,
        ElementType::f64, ElementType::i64}) {
    const delta::Arithmetic a = delta::arithmetic(type);
    for (int i = 0; i < 20000; ++i) {
      const uint64_t x = g() & a.mask(), y = g() & a.mask(), z = a.difference(x, y);
      ASSERT_EQ(z & ~a.mask(), 0u);
      ASSERT_EQ(a.apply(x, z), y);
    }
    EXPECT_EQ(a.difference(a.from_order(a.mask()), a.from_order(uint64_t{0})), 2u)
        << "wraps upwards by one";
    EXPECT_EQ(a.difference(a.from_order(uint64_t{0}), a.from_order(a.sign())), a.mask())
        << "the farthest";
  }
}

TEST(Delta, BucketsTileTheValues) {
  uint64_t next = 0;
  for (uint32_t s = 0; s < delta::bucket_symbols(64); ++s) {
    ASSERT_EQ(delta::bucket_base(s), next) << s;
    const uint64_t last = next + ((uint64_t{1} << delta::raw_bits(s)) - 1);
    ASSERT_EQ(delta::bucket(next), s);
    ASSERT_EQ(delta::bucket(last), s);
    next = last + 1;
  }
  EXPECT_EQ(next, 0u) << "they end at 2^64";
  for (const uint32_t bits : {8u, 16u, 32u})
    EXPECT_EQ(delta::bucket(uint64_t{1} << bits), delta::bucket_symbols(bits));
}

TEST(Delta, PiecesTileThePlaces) {
  std::mt19937_64 g(1);
  for (int round = 0; round < 200; ++round) {
    delta::Groups groups{};
    groups.count = 1 + static_cast<uint32_t>(g() % delta::kMaxGroups);
    uint32_t counts[delta::kMaxGroups], begin[delta::kMaxGroups + 1];
    for (uint32_t x = 0; x < groups.count; ++x) {
      groups.rate[x] = static_cast<uint16_t>(1 + g() % (1u << (g() % 16)));
      counts[x] = static_cast<uint32_t>(g() % (1u << (g() % 12)));
    }
    delta::group_begins(counts, groups.count, begin);
    const uint64_t weight = delta::total_weight(groups, begin);
    for (uint32_t k = 0; k <= delta::kMaxLaneLog2; ++k) {
      EXPECT_EQ(delta::piece_begin(groups, begin, weight, 1u << k, k), begin[groups.count]);
      uint32_t before = 0;
      for (uint32_t l = 0; l < 1u << k; ++l) {
        const uint32_t p = delta::piece_begin(groups, begin, weight, l, k);
        ASSERT_GE(p, before);
        // The page's words: the first place whose weight with all before it is above floor(Q l /
        // 2^k).
        uint32_t place = 0, group = 0;
        for (uint64_t sum = 0; place < begin[groups.count]; ++place) {
          while (place >= begin[group + 1]) ++group;
          sum += groups.rate[group];
          if (sum > weight * l >> k) break;
        }
        ASSERT_EQ(p, place);
        before = p;
      }
    }
  }
}

TEST(Delta, RoundTripOfEdges) {
  const auto backend = make_cpu_backend();
  for (const DeltaCase& c : test::edge_deltas()) {
    for (const Codec codec : kCodecs) {
      const EncodedSegment s = test::encode_delta_as(codec, c);
      EXPECT_EQ(s.header.codec, codec);
      EXPECT_EQ(s.header.reference_at, 4096u);
      const test::DecodedDelta d = test::decode_delta(*backend, s, c.base);
      for (const BlockStatus status : d.status)
        ASSERT_EQ(status, BlockStatus::ok) << c.name << ", codec " << static_cast<int>(codec);
      ASSERT_EQ(d.content, c.content) << c.name << ", codec " << static_cast<int>(codec);
    }
    const EncodedSegment s = test::encode_delta(*backend, c);
    if (s.header.codec == Codec::delta || s.header.codec == Codec::sparse_delta)
      ASSERT_EQ(test::decode_delta(*backend, s, c.base).content, c.content) << c.name;
  }
}

TEST(Delta, RoundTripOfRandomCases) {
  const auto backend = make_cpu_backend();
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const DeltaCase c = test::random_delta(seed, 400'000);
    for (const Codec codec : kCodecs) {
      const test::DecodedDelta d =
          test::decode_delta(*backend, test::encode_delta_as(codec, c), c.base);
      ASSERT_EQ(d.content, c.content) << c.name << ", codec " << static_cast<int>(codec);
      for (const BlockStatus status : d.status) ASSERT_EQ(status, BlockStatus::ok) << c.name;
    }
  }
}

TEST(Delta, AnyRunOfBlocksDecodesAlone) {
  const auto backend = make_cpu_backend();
  for (const DeltaCase& c : test::edge_deltas())
    for (const Codec codec : kCodecs) {
      const EncodedSegment s = test::encode_delta_as(codec, c);
      for (uint32_t first = 0; s.header.blocks > 1 && first < s.header.blocks; ++first) {
        const test::DecodedDelta d = test::decode_delta(*backend, s, c.base, first, 1);
        ASSERT_EQ(d.status[0], BlockStatus::ok) << c.name;
        ASSERT_TRUE(
            std::equal(d.content.begin(), d.content.end(),
                       c.content.begin() + static_cast<ptrdiff_t>(s.header.block_begin(first))))
            << c.name;
      }
    }
}

TEST(Delta, ModesAreChosenInOrder) {
  const auto backend = make_cpu_backend();
  for (const DeltaCase& c : test::edge_deltas()) {
    if (c.name != "BF16/modes" && c.name != "BF16/equal") continue;
    const EncodedSegment s = test::encode_delta_as(Codec::sparse_delta, c);
    EXPECT_EQ(s.records[0].mode, BlockMode::base);
    EXPECT_EQ(s.records[0].coded_bytes, 0u);
    if (c.name == "BF16/equal") {
      EXPECT_EQ(s.header.tables, 0);
      EXPECT_TRUE(s.data.empty());
      continue;
    }
    EXPECT_EQ(s.records[1].mode, BlockMode::constant);
    EXPECT_EQ(s.records[2].mode, BlockMode::raw);
    EXPECT_EQ(s.header.tables, 0);
  }
}

TEST(Delta, TheSmallestCodecIsChosen) {
  const auto backend = make_cpu_backend();
  const auto size = [](const EncodedSegment& s) { return s.tables.size() + s.data.size(); };
  const auto codec_of = [&](uint32_t every, uint32_t magnitude) {
    DeltaCase c{
        "choice", ElementType::bf16, test::make_weights(ElementType::bf16, 1 << 19, 0.02, 1), {}};
    c.content = c.base;
    std::mt19937_64 g(2);
    const delta::Arithmetic a = delta::arithmetic(c.type);
    for (size_t i = 0; i < c.base.size() / 2; ++i)
      if (g() % every == 0)
        store_element(c.content.data(), i, 2,
                      a.apply(load_element(c.base.data(), i, 2), 1 + (g() >> 20) % magnitude));
    const EncodedSegment s = test::encode_delta(*backend, c);
    for (const Codec codec : kCodecs)
      EXPECT_LE(size(s), size(test::encode_delta_as(codec, c)) + 64);
    return s.header.codec;
  };
  EXPECT_EQ(codec_of(100, 2), Codec::sparse_delta);
  EXPECT_EQ(codec_of(8, 2), Codec::sparse_delta);
  EXPECT_EQ(codec_of(1, 4), Codec::delta);
  const Codec unrelated = codec_of(1, 1u << 16);
  EXPECT_NE(unrelated, Codec::delta);
  EXPECT_NE(unrelated, Codec::sparse_delta);
}

TEST(Delta, AnotherBaseIsNoticed) {
  const auto backend = make_cpu_backend();
  for (const DeltaCase& c : test::edge_deltas()) {
    std::vector<uint8_t> other = test::make_random(c.base.size(), 99);
    other[0] = static_cast<uint8_t>(~c.base[0]);
    for (const Codec codec : kCodecs) {
      const EncodedSegment s = test::encode_delta_as(codec, c);
      const test::DecodedDelta d = test::decode_delta(*backend, s, other);
      for (uint32_t b = 0; b < s.header.blocks; ++b) {
        const BlockMode mode = s.records[b].mode;
        if (mode == BlockMode::constant || mode == BlockMode::raw)
          EXPECT_EQ(d.status[b], BlockStatus::ok);
        else
          EXPECT_TRUE(d.status[b] == BlockStatus::bad_decoded_hash ||
                      d.status[b] == BlockStatus::bad_stream)
              << c.name << ", block " << b << ", " << block_status_text(d.status[b]);
      }
    }
  }
}
}  // namespace
}  // namespace gramzip
