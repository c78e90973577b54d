// SPDX-License-Identifier: Apache-2.0
// Random content of every nature comes back, and the code lengths are always a complete prefix
// code.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "host/model/code_lengths.h"
#include "tests/registry/cases.h"
#include "tests/registry/memory_io.h"
#include "tests/registry/segments.h"

namespace gramzip {
TEST(Property, RandomSegmentsComeBack) {
  const auto backend = make_cpu_backend();
  EXPECT_TRUE(rc::check([&](uint64_t seed) {
    const test::SegmentCase c = test::random_segment(seed, 300'000);
    const test::Decoded d = test::decode_segment(*backend, test::encode_segment(*backend, c));
    for (const BlockStatus s : d.status) RC_ASSERT(s == BlockStatus::ok);
    RC_ASSERT(d.content == c.content);
  }));
}

TEST(Property, RandomPlanesComeBack) {
  const auto backend = make_cpu_backend();
  EXPECT_TRUE(rc::check([&](uint64_t seed) {
    test::SegmentCase c = test::random_segment(seed, 300'000);
    constexpr ElementType types[] = {ElementType::bytes, ElementType::i16, ElementType::i32,
                                     ElementType::i64};
    c.type = types[seed % 4];
    c.period = static_cast<uint16_t>(c.type == ElementType::bytes ? 2 + seed / 4 % 511 : 0);
    c.content.resize((c.content.size() + 7) / 8 * 8);
    const test::Decoded d = test::decode_segment(*backend, test::encode_segment(*backend, c));
    for (const BlockStatus s : d.status) RC_ASSERT(s == BlockStatus::ok);
    RC_ASSERT(d.content == c.content);
  }));
}

TEST(Property, AnyBytesComeBackAsAnArchive) {
  EXPECT_TRUE(rc::check([](const std::vector<uint8_t>& bytes) {
    RC_ASSERT(test::open_archive(test::make_archive({{"f", bytes}})).files.at(0).content == bytes);
  }));
}

TEST(Property, CodesAreComplete) {
  EXPECT_TRUE(rc::check([](const std::vector<uint16_t>& some, bool bytes) {
    std::vector<uint32_t> counts(256, 0);
    for (size_t i = 0; i < some.size(); ++i) counts[i * 37 % 256] += some[i];
    const CodeBook book = make_code_book(counts, bytes ? 11 : 12);
    if (book.used < 2) return;
    uint32_t kraft = 0;
    for (size_t s = 0; s < 256; ++s) {
      RC_ASSERT((book.lengths[s] > 0) == (counts[s] > 0));
      if (book.lengths[s] > 0) kraft += 1u << (12 - book.lengths[s]);
    }
    RC_ASSERT(kraft == 1u << 12);
  }));
}
}  // namespace gramzip
