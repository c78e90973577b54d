// SPDX-License-Identifier: Apache-2.0
// Archives whose hashes are right and whose fields lie: the checks behind the hashes.
#include <gtest/gtest.h>

#include "host/frame/stream_reader.h"
#include "host/frame/writer.h"
#include "tests/registry/cases.h"
#include "tests/registry/memory_io.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
using frame::ArchiveWriter;
using frame::MemberEntry;
using frame::MemberRecord;

std::string error_of(const std::vector<uint8_t>& archive) {
  try {
    test::open_archive(archive);
  } catch (const Error& e) {
    EXPECT_EQ(test::open_in_place(archive), static_cast<int>(e.code())) << e.what();
    return e.what();
  }
  return "";
}

// Writes archives from parts, so that parts can lie. The hashes and the framing stay right.
struct Forge {
  test::MemorySink out;
  ArchiveWriter writer{out};
  std::vector<uint8_t> content = test::make_text(100'000, 1);
  std::vector<uint8_t> finish(std::vector<MemberEntry> members, Hash128 hash) {
    writer.finish(std::move(members), hash);
    return out.bytes;
  }
  EncodedSegment segment() {
    return test::encode_segment(*make_cpu_backend(), {"s", ElementType::text, content});
  }
};

// An archive of one segment after `change`, everything else as it should be.
std::vector<uint8_t> forged_segment(const std::function<void(EncodedSegment&)>& change) {
  Forge f;
  const MemberRecord r{0, 0644, 0, "a"};
  f.writer.members({&r, 1});
  EncodedSegment s = f.segment();
  change(s);
  f.writer.segment(s);
  return f.finish({{0, f.content.size(), hash128(f.content)}}, hash128(f.content));
}

std::vector<uint8_t> forged_members(const std::vector<MemberRecord>& records,
                                    std::vector<MemberEntry> entries = {}) {
  Forge f;
  f.writer.members(records);
  f.writer.segment(f.segment());
  if (entries.empty()) entries = {{0, f.content.size(), hash128(f.content)}};
  return f.finish(entries, hash128(f.content));
}
}  // namespace

TEST(Lies, TheForgeItselfIsHonest) {
  EXPECT_EQ(error_of(forged_segment([](EncodedSegment&) {})), "");
}

TEST(Lies, PeriodsOfPlanes) {
  const auto error = [](ElementType type, Codec codec, uint16_t period) {
    return error_of(forged_segment([&](EncodedSegment& s) {
      s.header.type = type;
      s.header.codec = codec;
      s.header.code_limit = 12;
      s.header.period = period;
    }));
  };
  for (const auto& [type, period] : {std::pair{ElementType::bytes, 0},
                                     {ElementType::bytes, 1},
                                     {ElementType::bytes, 513},
                                     {ElementType::i16, 4},
                                     {ElementType::i32, 0},
                                     {ElementType::i64, 2}})
    EXPECT_NE(error(type, Codec::planes, static_cast<uint16_t>(period)).find("impossible period"),
              std::string::npos)
        << static_cast<int>(type) << " " << period;
  EXPECT_NE(error(ElementType::text, Codec::planes, 2).find("contradict"), std::string::npos);
  EXPECT_NE(error(ElementType::bf16, Codec::planes, 2).find("contradict"), std::string::npos);
  for (const uint16_t period : {1, 513, 0x8000})
    EXPECT_NE(error(ElementType::bf16, Codec::floats, period).find("impossible period"),
              std::string::npos)
        << period;
  EXPECT_NE(error(ElementType::bf16, Codec::exact_floats, 2).find("impossible period"),
            std::string::npos);
}

TEST(Lies, SegmentFields) {
  const auto expect = [](const char* what, const std::function<void(EncodedSegment&)>& change) {
    const std::string error = error_of(forged_segment(change));
    EXPECT_NE(error.find(what), std::string::npos) << "wanted: " << what << "; got: " << error;
  };
  expect("codec 11", [](EncodedSegment& s) { s.header.codec = static_cast<Codec>(11); });
  expect("contradict", [](EncodedSegment& s) { s.header.codec = Codec::quantized; });
  expect("impossible symbol width", [](EncodedSegment& s) { s.header.codec = Codec::ngram; });
  expect("word order 1", [](EncodedSegment& s) { s.header.word_order = 1; });
  expect("element type 99",
         [](EncodedSegment& s) { s.header.type = static_cast<ElementType>(99); });
  expect("contradict", [](EncodedSegment& s) { s.header.type = ElementType::bf16; });
  expect("block size", [](EncodedSegment& s) { s.header.block_log2 = 30; });
  expect("symbol width", [](EncodedSegment& s) { s.header.symbol_bits = 12; });
  expect("code length limit", [](EncodedSegment& s) { s.header.code_limit = 15; });
  expect("too many code tables", [](EncodedSegment& s) { s.header.tables = 2; });
  expect("run length", [](EncodedSegment& s) { s.header.run_log2 = 8; });
  expect("number of blocks", [](EncodedSegment& s) { s.header.blocks = 2; });
  expect("size of its meta", [](EncodedSegment& s) { s.header.table_bytes += 64; });
  expect("code tables without", [](EncodedSegment& s) { s.records[0].mode = BlockMode::raw; });
  expect("do not fill its data", [](EncodedSegment& s) { s.data.resize(s.data.size() + 32); });
  expect("larger than the data", [](EncodedSegment& s) { s.records[0].coded_bytes = UINT32_MAX; });
  expect("padding is not zero", [](EncodedSegment& s) {
    s.data.resize(s.data.size() + 32);
    s.data.resize(round_up(s.records[0].coded_bytes, 32));
    if (s.records[0].coded_bytes % 32 == 0) s.records[0].coded_bytes -= 4;
    s.data[s.records[0].coded_bytes] = 1;
  });
  expect("unknown mode", [](EncodedSegment& s) { s.records[0].mode = static_cast<BlockMode>(5); });
  expect("block of the base, without",
         [](EncodedSegment& s) { s.records[0].mode = BlockMode::base; });
}

TEST(Lies, CodeTables) {
  const auto expect = [](const char* what,
                         const std::function<void(std::vector<uint8_t>&)>& change) {
    const std::string error = error_of(forged_segment([&](EncodedSegment& s) {
      change(s.tables);
      s.header.table_bytes = static_cast<uint32_t>(s.tables.size());
    }));
    EXPECT_NE(error.find(what), std::string::npos) << "wanted: " << what << "; got: " << error;
  };
  expect("Kraft", [](std::vector<uint8_t>& t) { t[6] = 0x11; });
  expect("longer than allowed", [](std::vector<uint8_t>& t) { t[6] = 0xff; });
  expect("outermost", [](std::vector<uint8_t>& t) { t[4] &= 0xf0; });
  expect("outside the alphabet", [](std::vector<uint8_t>& t) { t[1] = 1; });
  expect("cut short", [](std::vector<uint8_t>& t) { t.resize(8); });
  expect("do not fill", [](std::vector<uint8_t>& t) { t.resize(t.size() + 4); });
  expect("names a symbol", [](std::vector<uint8_t>& t) { t = {1, 0, 0, 0}; });
  expect("lone symbol", [](std::vector<uint8_t>& t) { t = {1, 0, 1, 0, 1, 0, 0, 0}; });
}

TEST(Lies, Repeats) {
  const auto status = [](uint32_t source) {
    EncodedSegment s = test::encode_segment(*make_cpu_backend(),
                                            {"s", ElementType::bytes, [] {
                                               std::vector<uint8_t> c = test::make_text(65536, 1);
                                               const auto block = c;
                                               for (int i = 0; i < 3; ++i)
                                                 c.insert(c.end(), block.begin(), block.end());
                                               c.resize(c.size() + 10, 'x');
                                               return c;
                                             }()});
    const size_t at = test::block_offset(s, 2);
    store_le<uint32_t>(s.data.data() + at, source);
    s.records[2].coded_hash = hash64({s.data.data() + at, 4});
    return test::decode_segment(*make_cpu_backend(), s).status[2];
  };
  EXPECT_EQ(status(0), BlockStatus::ok);
  EXPECT_EQ(status(1), BlockStatus::bad_block);  // a repeat itself
  EXPECT_EQ(status(2), BlockStatus::bad_block);  // itself
  EXPECT_EQ(status(3), BlockStatus::bad_block);
  EXPECT_EQ(status(UINT32_MAX), BlockStatus::bad_block);
}

TEST(Lies, Members) {
  const auto expect = [](const char* what, const std::vector<uint8_t>& archive) {
    const std::string error = error_of(archive);
    EXPECT_NE(error.find(what), std::string::npos) << "wanted: " << what << "; got: " << error;
  };
  EXPECT_EQ(error_of(forged_members({{0, 0644, 0, "a"}})), "");
  expect("'../a'", forged_members({{0, 0644, 0, "../a"}}));
  expect("is absolute", forged_members({{0, 0644, 0, "/a"}}));
  expect("holds a NUL", forged_members({{0, 0644, 0, std::string("a\0b", 3)}}));
  expect("permission", forged_members({{0, 010000, 0, "a"}}));
  expect("member kind 9", forged_members({{0, 0644, 9, "a"}}));
  expect("starts where it cannot", forged_members({{5, 0644, 0, "a"}}));
  expect("starts where it cannot",
         forged_members({{0, 0644, 0, "a"}, {50, 0644, 0, "b"}, {40, 0644, 0, "c"}}));
  expect("without a name", forged_members({{0, 0644, 0, ""}, {50, 0644, 0, "b"}}));
  expect("behind the end", forged_members({{0, 0644, 0, "a"}, {100'001, 0644, 0, "b"}}));
  expect("does not describe", forged_members({{0, 0644, 0, "a"}}, {{0, 100'000, {1, 2}}}));
  expect("does not describe", forged_members({{0, 0644, 0, "a"}}, {{0, 99'999, {}}}));
  Forge f;
  f.writer.segment(f.segment());
  expect("belongs to no member", f.finish({}, hash128(f.content)));
}

TEST(Lies, SectionsThatClaimSizesAreRefusedBeforeMemoryIsTaken) {
  for (const auto& [type, meta, data] :
       {std::tuple<int, uint64_t, uint64_t>{2, uint64_t{1} << 60, 0},
        {2, 88, uint64_t{1} << 60},
        {1, uint64_t{1} << 40, 0},
        {3, uint64_t{1} << 60, 0},
        {2, 88, 33},
        {1, 0, 0},
        {9, 8, 0},
        {4, 8, 0}}) {
    std::vector<uint8_t> archive = test::make_archive({{"a", {1}}});
    frame::SectionHeader h{};
    h.type = static_cast<frame::SectionType>(type);
    h.meta_bytes = meta;
    h.data_bytes = data;
    frame::store_section_header(archive.data() + 128, h);
    EXPECT_NE(error_of(archive), "");
    EXPECT_THROW(ArchiveReader(std::make_shared<test::MemorySource>(archive)), Error);
  }
}

TEST(Lies, SectionsOutOfOrderAreNoticed) {
  CompressOptions fast;
  fast.level = 1;
  const auto archive = test::make_archive({{"t", test::make_text(3 << 20, 1)}}, fast);
  ArchiveReader reader(std::make_shared<test::MemorySource>(archive));
  const auto& s = reader.segments();
  ASSERT_GE(s.size(), 3u);
  std::vector<uint8_t> swapped(archive.begin(),
                               archive.begin() + static_cast<ptrdiff_t>(s[0].archive_offset));
  const auto append = [&](size_t i) {
    const auto at = archive.begin() + static_cast<ptrdiff_t>(s[i].archive_offset);
    swapped.insert(swapped.end(), at, at + static_cast<ptrdiff_t>(s[i].section_bytes));
  };
  append(1);
  append(0);
  swapped.insert(swapped.end(), archive.begin() + static_cast<ptrdiff_t>(swapped.size()),
                 archive.end());
  EXPECT_NE(error_of(swapped).find("out of order"), std::string::npos) << error_of(swapped);
}
}  // namespace gramzip
