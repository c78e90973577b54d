// SPDX-License-Identifier: Apache-2.0
// The CPU backend over the registry: round trip, modes, partial decoding.
#include <gtest/gtest.h>

#include "gramzip/core/plan.h"
#include "host/base/checksum.h"
#include "tests/registry/cases.h"
#include "tests/registry/segments.h"

namespace gramzip {
using test::decode_segment;
using test::Decoded;
using test::encode_segment;

TEST(Backend, RoundTripOfEveryEdgeCase) {
  const auto backend = make_cpu_backend();
  for (const test::SegmentCase& c : test::edge_segments()) {
    const EncodedSegment s = encode_segment(*backend, c);
    const Decoded d = decode_segment(*backend, s);
    for (const BlockStatus status : d.status) ASSERT_EQ(status, BlockStatus::ok) << c.name;
    ASSERT_EQ(d.content, c.content) << c.name;
    ASSERT_LE(s.data.size(), segment_data_bound(c.content.size(), s.header.blocks)) << c.name;
    for (uint32_t b = 0; b < s.header.blocks; ++b)
      if (s.records[b].mode == BlockMode::coded)
        ASSERT_LT(s.records[b].coded_bytes, s.header.block_bytes(b)) << c.name;
  }
}

TEST(Backend, PlanesComeBack) {
  const auto backend = make_cpu_backend();
  size_t planes = 0, several = 0, bytes = 0;
  for (const test::SegmentCase& c : test::plane_segments()) {
    const EncodedSegment s = encode_segment(*backend, c);
    planes += s.header.codec == Codec::planes && s.header.tables > 0;
    several += s.header.codec == Codec::planes && s.header.tables > 1;
    bytes += s.header.codec == Codec::bytes;
    const Decoded d = decode_segment(*backend, s);
    for (const BlockStatus status : d.status) ASSERT_EQ(status, BlockStatus::ok) << c.name;
    ASSERT_EQ(d.content, c.content) << c.name;
    for (uint32_t b = 0; b < s.header.blocks; ++b) {
      const Decoded one = decode_segment(*backend, s, b, 1);
      ASSERT_EQ(one.status[0], BlockStatus::ok) << c.name;
    }
  }
  EXPECT_GT(planes, 20u);
  EXPECT_GT(several, 10u);
  EXPECT_GT(bytes, 3u);  // text in pairs of bytes
}

TEST(Backend, RunsOfDifferentScalesTakeTablesOfTheirOwn) {
  const auto backend = make_cpu_backend();
  for (const ElementType type : {ElementType::bf16, ElementType::f16, ElementType::f32,
                                 ElementType::f64, ElementType::f8_e4m3}) {
    const test::SegmentCase c{"scales", type, test::make_scales(type, 1 << 20, 1)};
    const EncodedSegment s = encode_segment(*backend, c);
    EXPECT_GT(s.header.tables, 2u) << element_info(type).name;
    const Decoded d = decode_segment(*backend, s);
    EXPECT_EQ(d.content, c.content) << element_info(type).name;
    const EncodedSegment one =
        test::encode_segment(*backend, {"one", type, test::make_weights(type, 1 << 20, 0.02, 1)});
    EXPECT_LT(one.header.tables, s.header.tables) << element_info(type).name;
  }
}

TEST(Backend, ModesAreChosenAsTheFormatSays) {
  const auto backend = make_cpu_backend();
  const size_t block = 65536;
  const std::vector<uint8_t> skewed = test::make_weights(ElementType::f8_e4m3, block, 0.1, 1);
  std::vector<uint8_t> content = skewed;
  const auto add = [&content](const std::vector<uint8_t>& b) {
    content.insert(content.end(), b.begin(), b.end());
  };
  add(std::vector<uint8_t>(block, 9));
  add(skewed);
  add(test::make_random(block, 2));
  add(std::vector<uint8_t>(block, 9));
  const EncodedSegment s = encode_segment(*backend, {"modes", ElementType::bytes, content});
  ASSERT_EQ(s.header.blocks, 5u);
  EXPECT_EQ(s.records[0].mode, BlockMode::coded);
  EXPECT_EQ(s.records[1].mode, BlockMode::constant);
  EXPECT_EQ(s.records[1].coded_bytes, 1u);
  EXPECT_EQ(s.records[2].mode, BlockMode::repeat);
  EXPECT_EQ(s.records[2].coded_bytes, 4u);
  EXPECT_EQ(s.records[3].mode, BlockMode::raw);
  EXPECT_EQ(s.records[4].mode, BlockMode::constant);
  EXPECT_EQ(s.header.tables, 1);
}

TEST(Backend, AnyRunOfBlocksDecodesAlone) {
  const auto backend = make_cpu_backend();
  for (const test::SegmentCase& c : test::edge_segments()) {
    const EncodedSegment s = encode_segment(*backend, c);
    if (s.header.blocks < 2) continue;
    for (uint32_t first = 0; first < s.header.blocks; ++first) {
      const Decoded d = decode_segment(*backend, s, first, 1);
      ASSERT_EQ(d.status[0], BlockStatus::ok) << c.name;
      const size_t at = s.header.block_begin(first);
      ASSERT_TRUE(std::equal(d.content.begin(), d.content.end(),
                             c.content.begin() + static_cast<ptrdiff_t>(at)))
          << c.name;
    }
  }
}

TEST(Backend, SeveralTablesAndClassIds) {
  const auto backend = make_cpu_backend();
  for (const ElementType type :
       {ElementType::bf16, ElementType::f32, ElementType::f64, ElementType::f8_e4m3})
    for (const uint32_t tables : {1u, 2u, 5u, 32u}) {
      const test::SegmentCase c{"classes", type, test::make_weights(type, 60000, 0.02, tables)};
      const EncodedSegment s = test::encode_with_classes(c, tables);
      const Decoded d = decode_segment(*backend, s);
      ASSERT_EQ(d.status[0], BlockStatus::ok) << tables;
      ASSERT_EQ(d.content, c.content) << tables;
    }
}

TEST(Backend, StatusesNameWhatIsWrong) {
  const auto backend = make_cpu_backend();
  const EncodedSegment good =
      encode_segment(*backend, {"t", ElementType::bytes, test::make_text(65536 * 3, 1)});
  const auto status_of = [&](auto change, bool rehash) {
    EncodedSegment s = good;
    change(s);
    if (rehash)
      s.records[1].coded_hash =
          hash64({s.data.data() + test::block_offset(s, 1), s.records[1].coded_bytes});
    const Decoded d = decode_segment(*backend, s);
    EXPECT_EQ(d.status[0], BlockStatus::ok);
    EXPECT_EQ(d.status[2], BlockStatus::ok);
    return d.status[1];
  };
  const size_t at = test::block_offset(good, 1), last = at + good.records[1].coded_bytes - 1;
  EXPECT_EQ(status_of([&](EncodedSegment& s) { s.data[last] ^= 1; }, false),
            BlockStatus::bad_coded_hash);
  EXPECT_EQ(status_of([&](EncodedSegment& s) { s.data[at] ^= 1; }, true),
            BlockStatus::bad_block);  // rows
  EXPECT_EQ(status_of([&](EncodedSegment& s) { s.data[at + 3] ^= 64; }, true),
            BlockStatus::bad_block);  // extra bits
  EXPECT_EQ(status_of([&](EncodedSegment& s) { s.data[at + 31] ^= 1; }, true),
            BlockStatus::bad_block);  // padding
  EXPECT_EQ(status_of([&](EncodedSegment& s) { s.records[1].decoded_hash ^= 1; }, false),
            BlockStatus::bad_decoded_hash);
  // Codes changed in the middle: a stream that ends elsewhere, or other symbols of the same length.
  const BlockStatus changed =
      status_of([&](EncodedSegment& s) { s.data[at + 32 + 4000] ^= 0x10; }, true);
  EXPECT_TRUE(changed == BlockStatus::bad_stream || changed == BlockStatus::bad_decoded_hash);
}
}  // namespace gramzip
