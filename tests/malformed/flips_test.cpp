// SPDX-License-Identifier: Apache-2.0
// Every single-bit flip and every truncation of an archive of each kind is noticed: never silently
// wrong, never a crash. Under asan and ubsan in CI.
#include <gtest/gtest.h>

#include <random>

#include "host/base/checksum.h"
#include "host/frame/writer.h"
#include "tests/registry/cases.h"
#include "tests/registry/memory_io.h"
#include "tests/registry/quant_cases.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
// True if the archive is refused; the error must have text.
bool refused(const std::vector<uint8_t>& archive) {
  DecompressOptions o;
  o.threads = 1;
  try {
    test::open_archive(archive, o);
    return false;
  } catch (const Error& e) {
    EXPECT_EQ(test::open_in_place(archive), static_cast<int>(e.code())) << e.what();
    EXPECT_GT(std::string(e.what()).size(), 10u);
    EXPECT_NE(e.code(), ErrorCode::internal);
    return true;
  }
}
class Flips : public testing::TestWithParam<size_t> {};
}  // namespace

TEST_P(Flips, EverySingleBit) {
  const test::FileCase f = test::small_files()[GetParam()];
  auto archive = test::make_archive({{f.name, f.content}});
  ASSERT_FALSE(refused(archive));
  size_t silent = 0;
  for (size_t bit = 0; bit < archive.size() * 8; ++bit) {
    archive[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    if (!refused(archive) && ++silent < 10)
      ADD_FAILURE() << f.name << ": bit " << bit % 8 << " of byte " << bit / 8 << " goes unnoticed";
    archive[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
  }
  EXPECT_EQ(silent, 0u);
  RecordProperty("bits", std::to_string(archive.size() * 8));
}

TEST(Flips, EverySingleBitOfFastFloats) {
  std::vector<uint8_t> content = test::make_weights(ElementType::bf16, 12'000, 0.02, 1);
  const auto s = test::encode_segment(*make_cpu_backend(), {"w", ElementType::bf16, content, true});
  ASSERT_EQ(s.records[0].mode, BlockMode::coded);
  auto archive = test::archive_of(s, content);
  ASSERT_FALSE(refused(archive));
  size_t silent = 0;
  for (size_t bit = 0; bit < archive.size() * 8; ++bit) {
    archive[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    silent += refused(archive) ? 0 : 1;
    archive[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
  }
  EXPECT_EQ(silent, 0u);
}

// Both coders, scales, zero points, and a note.
TEST(Flips, BitsAndTruncationsOfQuantized) {
  auto archive = test::quantized_archive();
  ASSERT_FALSE(refused(archive));
  size_t silent = 0;
  for (size_t bit = 0; bit < archive.size() * 8; bit += 5) {
    archive[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    silent += refused(archive) ? 0 : 1;
    archive[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
  }
  EXPECT_EQ(silent, 0u);
  for (size_t n = 0; n < archive.size(); n += 7)
    ASSERT_TRUE(refused({archive.begin(), archive.begin() + static_cast<ptrdiff_t>(n)})) << n;
}

TEST_P(Flips, EveryTruncation) {
  const test::FileCase f = test::small_files()[GetParam()];
  const auto archive = test::make_archive({{f.name, f.content}});
  for (size_t n = 0; n < archive.size(); ++n)
    ASSERT_TRUE(refused({archive.begin(), archive.begin() + static_cast<ptrdiff_t>(n)}))
        << f.name << " cut to " << n;
}

INSTANTIATE_TEST_SUITE_P(Kinds, Flips, testing::Range<size_t>(0, test::small_files().size()),
                         [](const auto& i) {
                           std::string name = test::small_files()[i.param].name;
                           for (char& c : name)
                             if (c == '-') c = '_';
                           return name;
                         });

// Planes of several tables: no file is cut so by itself, so the archive is put together.
TEST(Flips, EverySingleBitOfPlanes) {
  test::SegmentCase c{"planes", ElementType::bytes, test::make_records(12'000, 34, 1), 34};
  const EncodedSegment s = test::encode_segment(*make_cpu_backend(), c);
  ASSERT_EQ(s.header.codec, Codec::planes);
  ASSERT_GT(s.header.tables, 1);
  test::MemorySink out;
  frame::ArchiveWriter writer(out);
  const frame::MemberRecord r{0, 0644, 0, "a"};
  writer.members({&r, 1});
  writer.segment(s);
  writer.finish({{0, c.content.size(), hash128(c.content)}}, hash128(c.content));
  auto archive = out.bytes;
  ASSERT_EQ(test::open_archive(archive).files.at(0).content, c.content);
  for (size_t bit = 0; bit < archive.size() * 8; ++bit) {
    archive[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    ASSERT_TRUE(refused(archive)) << "bit " << bit % 8 << " of byte " << bit / 8;
    archive[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
  }
}

TEST(Flips, TwoHundredInALargeArchive) {
  std::vector<uint8_t> content = test::make_text(16 << 20, 1);
  const auto weights = test::make_weights(ElementType::bf16, 16 << 20, 0.02, 2);
  auto archive = test::make_archive(
      {{"t", content}, {"w", test::make_safetensors({{"w", "BF16", weights, 16}})}});
  ASSERT_GT(archive.size(), 12'000'000u);
  std::mt19937_64 g(7);
  for (int i = 0; i < 200; ++i) {
    const size_t bit = g() % (archive.size() * 8);
    archive[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    // Random access must notice too, or not have needed the byte: here, what is whole decodes the
    // same.
    ASSERT_TRUE(refused(archive)) << bit;
    archive[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
  }
}

TEST(Flips, RandomAccessNoticesEveryBitToo) {
  const test::FileCase f = test::small_files()[2];
  auto archive = test::make_archive({{f.name, f.content}});
  size_t wrong = 0;
  for (size_t bit = 0; bit < archive.size() * 8; bit += 13) {
    archive[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    test::MemorySink out;
    try {
      ArchiveReader reader(std::make_shared<test::MemorySource>(archive));
      DecompressOptions o;
      o.threads = 1;
      reader.read(0, reader.content_bytes(), out, o);
      wrong += out.bytes != f.content;  // padding that is never read may differ
    } catch (const Error&) {
    }
    archive[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
  }
  EXPECT_EQ(wrong, 0u);
}
}  // namespace gramzip
