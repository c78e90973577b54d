// SPDX-License-Identifier: Apache-2.0
// Random access: any range, no block beyond it.
#include <gtest/gtest.h>

#include <random>

#include "tests/registry/cases.h"
#include "tests/registry/memory_io.h"

namespace gramzip {
using test::make_archive;
using test::MemorySink;
using test::MemorySource;

TEST(Reader, AnyRangeOfConcatenatedArchives) {
  const std::vector<uint8_t> text = test::make_text(2'500'000, 1),
                             checkpoint = test::edge_files()[7].content;
  auto archive = make_archive({{"a.txt", text}, {"empty", {}}, {"w", checkpoint}});
  const auto second = make_archive({{"b", test::make_random(300'000, 2)}});
  archive.insert(archive.end(), second.begin(), second.end());
  std::vector<uint8_t> all = text;
  all.insert(all.end(), checkpoint.begin(), checkpoint.end());
  const auto random = test::make_random(300'000, 2);
  all.insert(all.end(), random.begin(), random.end());

  ArchiveReader reader(std::make_shared<MemorySource>(archive));
  ASSERT_EQ(reader.members().size(), 4u);
  EXPECT_EQ(reader.members()[2].kind, MemberKind::safetensors);
  EXPECT_EQ(reader.members()[3].start, text.size() + checkpoint.size());
  EXPECT_EQ(reader.members()[3].hash, hash128(random));
  EXPECT_EQ(reader.content_bytes(), all.size());
  std::mt19937_64 g(1);
  for (int i = 0; i < 200; ++i) {
    const uint64_t a = g() % (all.size() + 1),
                   b = i % 3 == 0 ? std::min<uint64_t>(all.size(), a + g() % 100)
                                  : g() % (all.size() + 1);
    const auto [begin, end] = std::minmax(a, b);
    MemorySink out;
    reader.read(begin, end, out, {});
    ASSERT_EQ(out.bytes, std::vector<uint8_t>(all.begin() + static_cast<ptrdiff_t>(begin),
                                              all.begin() + static_cast<ptrdiff_t>(end)));
  }
  MemorySink out;
  EXPECT_THROW(reader.read(0, all.size() + 1, out, {}), Error);
  EXPECT_THROW(reader.read(2, 1, out, {}), Error);
}

TEST(Reader, DecodesOnlyTheBlocksOfTheRange) {
  CompressOptions o;
  o.mode = ContentMode::bytes;
  ArchiveReader reader(
      std::make_shared<MemorySource>(make_archive({{"t", test::make_text(10 << 20, 1)}}, o)));
  MemorySink out;
  reader.read(5'000'000, 5'000'010, out, {});
  EXPECT_EQ(reader.blocks_decoded(), 1u);
  reader.read((1 << 16) - 1, (1 << 16) + 1, out, {});
  EXPECT_EQ(reader.blocks_decoded(), 3u);
  reader.read(0, 0, out, {});
  EXPECT_EQ(reader.blocks_decoded(), 3u);
}

TEST(Reader, RepeatsDecodeFromTheirSourceAlone) {
  std::vector<uint8_t> content = test::make_weights(ElementType::f8_e4m3, 65536, 0.1, 1);
  const auto block = content;
  for (int i = 0; i < 4; ++i) content.insert(content.end(), block.begin(), block.end());
  CompressOptions o;
  o.mode = ContentMode::bytes;
  ArchiveSummary s;
  ArchiveReader reader(std::make_shared<MemorySource>(make_archive({{"t", content}}, o, &s)));
  EXPECT_EQ(s.blocks[3], 4u);
  MemorySink out;
  reader.read(3 * 65536 + 5, 3 * 65536 + 500, out, {});
  EXPECT_EQ(out.bytes, std::vector<uint8_t>(block.begin() + 5, block.begin() + 500));
}
}  // namespace gramzip
