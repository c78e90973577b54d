// SPDX-License-Identifier: Apache-2.0
// Segments of text with a model on the CPU backend: round trip, parts, damage, whole archives by
// level.
#include <gtest/gtest.h>

#include <random>

#include "gramzip/core/plan.h"
#include "host/base/checksum.h"
#include "tests/registry/memory_io.h"
#include "tests/registry/segments.h"

namespace gramzip {
using test::decode_segment;
using test::Decoded;
using test::encode_segment;

TEST(TextSegments, RoundTripOfEveryCase) {
  const auto backend = make_cpu_backend();
  for (const test::TextCase& c : test::text_cases()) {
    const EncodedSegment s = encode_segment(*backend, c);
    ASSERT_EQ(s.header.codec, Codec::ngram) << c.name;
    ASSERT_LE(s.data.size(), segment_data_bound(c.content.size(), s.header.blocks)) << c.name;
    const Decoded d = decode_segment(*backend, s, c.model.get());
    for (const BlockStatus status : d.status) ASSERT_EQ(status, BlockStatus::ok) << c.name;
    ASSERT_EQ(d.content, c.content) << c.name;
  }
}

TEST(TextSegments, TextOfTheModelsKindGetsSmall) {
  const auto backend = make_cpu_backend();
  for (int kind = 0; kind < test::kTextKinds; ++kind) {
    const auto text = test::make_text_of(kind, 200'000, 7);
    const size_t with =
        encode_segment(*backend, test::TextCase{"", text, 6, test::model_of_kind(kind)})
            .data.size();
    const size_t without =
        encode_segment(*backend, test::SegmentCase{"", ElementType::text, text}).data.size();
    EXPECT_LT(with, 0.8 * static_cast<double>(without)) << test::text_kind_name(kind);
  }
}

TEST(TextSegments, TheFirstBlocksDecodeWithoutTheOthers) {
  const auto backend = make_cpu_backend();
  for (const test::TextCase& c : test::text_cases()) {
    const EncodedSegment s = encode_segment(*backend, c);
    for (uint32_t n = 1; n < s.header.blocks; ++n) {
      EncodedSegment cut = s;
      std::fill(cut.data.begin() + static_cast<ptrdiff_t>(test::block_offset(s, n)), cut.data.end(),
                uint8_t{0});
      const Decoded d = decode_segment(*backend, cut, 0, n, c.model.get());
      for (const BlockStatus status : d.status) ASSERT_EQ(status, BlockStatus::ok) << c.name;
      ASSERT_TRUE(std::equal(d.content.begin(), d.content.end(), c.content.begin())) << c.name;
    }
  }
}

TEST(TextSegments, DamageBehindTheHashesIsNoticed) {
  const auto backend = make_cpu_backend();
  std::mt19937_64 g(1);
  for (const test::TextCase& c : test::text_cases()) {
    if (c.content.size() < 400) continue;
    const EncodedSegment s = encode_segment(*backend, c);
    for (int i = 0; i < 10; ++i) {
      EncodedSegment bad = s;
      const auto b = static_cast<uint32_t>(g() % s.header.blocks);
      const size_t at = test::block_offset(s, b), n = s.records[b].coded_bytes;
      bad.data[at + g() % n] ^= static_cast<uint8_t>(1u << (g() % 8));
      bad.records[b].coded_hash = hash64({bad.data.data() + at, n});
      const Decoded d = decode_segment(*backend, bad, c.model.get());
      ASSERT_NE(d.status[b], BlockStatus::ok) << c.name;
    }
  }
}

TEST(TextSegments, ArchivesOfEveryKindAndLevel) {
  for (int kind = 0; kind < test::kTextKinds; ++kind)
    for (const int level : {1, 6, 9}) {
      const auto text = test::make_text_of(kind, 300'000, 2);
      CompressOptions o;
      o.level = level;
      o.threads = 1;
      ArchiveSummary s;
      const auto archive = test::make_archive({{"t", text}}, o, &s);
      EXPECT_EQ(s.models, 1u) << test::text_kind_name(kind) << level;
      o.threads = 3;
      EXPECT_EQ(test::make_archive({{"t", text}}, o), archive)
          << test::text_kind_name(kind) << level;
      EXPECT_EQ(test::open_archive(archive).files.at(0).content, text);
    }
}
}  // namespace gramzip
