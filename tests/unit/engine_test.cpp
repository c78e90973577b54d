// SPDX-License-Identifier: Apache-2.0
// Whole archives: round trip, the same bytes at any thread count, limits, order of errors.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/registry/cases.h"
#include "tests/registry/memory_io.h"

namespace gramzip {
using test::CollectMembers;
using test::make_archive;
using test::NamedFile;
using test::open_archive;

namespace {
CompressOptions with_threads(int threads) {
  CompressOptions o;
  o.threads = threads;
  return o;
}
ErrorCode code_of(const std::vector<uint8_t>& archive, std::string* what = nullptr) {
  try {
    open_archive(archive);
  } catch (const Error& e) {
    if (what != nullptr) *what = e.what();
    return e.code();
  }
  return ErrorCode::ok;
}
}  // namespace

TEST(Engine, RoundTripAndSameBytesAtEveryThreadCount) {
  for (const test::FileCase& f : test::edge_files()) {
    ArchiveSummary summary;
    const auto archive = make_archive({{f.name, f.content}}, with_threads(1), &summary);
    for (const int threads : {2, 7})
      ASSERT_EQ(make_archive({{f.name, f.content}}, with_threads(threads)), archive) << f.name;
    for (const int threads : {1, 2, 7}) {
      DecompressOptions o;
      o.threads = threads;
      const CollectMembers out = open_archive(archive, o);
      ASSERT_EQ(out.files.size(), 1u);
      ASSERT_EQ(out.ended, 1u);
      ASSERT_EQ(out.files[0].content, f.content) << f.name;
      ASSERT_EQ(out.files[0].name, f.name);
      ASSERT_EQ(out.members[0].hash, hash128(f.content));
    }
    EXPECT_EQ(summary.content_bytes, f.content.size());
    EXPECT_EQ(summary.archive_bytes, archive.size());
    EXPECT_EQ(summary.hash, hash128(f.content));
    EXPECT_EQ(archive.size() % 128, 0u);
  }
}

TEST(Engine, ManyMembersShareSegmentsAndKeepTheirHashes) {
  std::vector<NamedFile> files;
  std::vector<uint8_t> all;
  for (int i = 0; i < 300; ++i) {
    files.push_back({"d/file" + std::to_string(i),
                     test::make_text(static_cast<size_t>(i * i) % 9000, static_cast<uint64_t>(i)),
                     i % 2 ? 0755u : 0600u});
    all.insert(all.end(), files.back().content.begin(), files.back().content.end());
  }
  files.push_back({"w.safetensors", test::edge_files()[7].content});
  all.insert(all.end(), files.back().content.begin(), files.back().content.end());
  files.push_back({"after.txt", test::make_text(2'000'000, 5)});
  all.insert(all.end(), files.back().content.begin(), files.back().content.end());
  ArchiveSummary summary;
  const auto archive = make_archive(files, with_threads(2), &summary);
  EXPECT_EQ(summary.members, 302u);
  EXPECT_EQ(summary.hash, hash128(all));
  const CollectMembers out = open_archive(archive);
  ASSERT_EQ(out.files.size(), files.size());
  for (size_t i = 0; i < files.size(); ++i) {
    ASSERT_EQ(out.files[i].name, files[i].name);
    ASSERT_EQ(out.files[i].mode, files[i].mode);
    ASSERT_EQ(out.files[i].content, files[i].content);
    ASSERT_EQ(out.members[i].hash, hash128(files[i].content));
  }
  EXPECT_EQ(out.members[300].kind, MemberKind::safetensors);
  // 300 small texts and the first MiB of the last go with few segments.
  EXPECT_LT(summary.segments, 20u);
}

TEST(Engine, EmptyMembersAnywhere) {
  const std::vector<NamedFile> files = {{"a", {}}, {"b", {1, 2, 3}}, {"c", {}},
                                        {"d", {}}, {"e", {4}},       {"f", {}}};
  const CollectMembers out = open_archive(make_archive(files));
  ASSERT_EQ(out.files.size(), 6u);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(out.files[i].content, files[i].content);
  EXPECT_EQ(out.ended, 6u);
  EXPECT_EQ(open_archive(make_archive({})).files.size(), 0u);
}

TEST(Engine, ConcatenatedArchivesAreOneContent) {
  auto archive = make_archive({{"a", test::make_text(100'000, 1)}});
  const auto second = make_archive({{"b", test::make_random(70'000, 2)}});
  archive.insert(archive.end(), second.begin(), second.end());
  const CollectMembers out = open_archive(archive);
  ASSERT_EQ(out.files.size(), 2u);
  EXPECT_EQ(out.files[0].content, test::make_text(100'000, 1));
  EXPECT_EQ(out.files[1].content, test::make_random(70'000, 2));
  archive.push_back(0);
  EXPECT_EQ(code_of(archive), ErrorCode::corrupt);
}

TEST(Engine, RandomContentGrowsByAtMostATenthOfAPercent) {
  for (const size_t n : {0u, 1u, 1000u, 65536u, 1'000'000u, 5'000'000u}) {
    const auto archive = make_archive({{"r", test::make_random(n, n)}});
    EXPECT_LE(archive.size(), n + n / 1000 + 4096) << n;
  }
}

TEST(Engine, TextIsCodedWithinAPercentOfItsEntropy) {
  // Characters by Zipf's law, as in prose; Huffman itself is 0.4 % over the entropy of such a law.
  std::mt19937_64 g(9);
  std::vector<uint8_t> text(4'000'000);
  for (uint8_t& b : text)
    b = static_cast<uint8_t>(' ' +
                             3 * (std::pow(31.0, static_cast<double>(g() >> 11) * 0x1p-53) - 1));
  double counts[256] = {}, bits = 0;
  for (const uint8_t b : text) ++counts[b];
  for (const double c : counts)
    if (c > 0) bits -= c * std::log2(c / static_cast<double>(text.size()));
  EXPECT_LE(static_cast<double>(make_archive({{"t", text}}).size()), bits / 8 * 1.01);
}

TEST(Engine, TheFirstErrorInTheArchiveWinsAtAnyThreadCount) {
  auto archive = make_archive({{"t", test::make_text(8 << 20, 3)}});
  archive[archive.size() / 3] ^= 1;
  archive[archive.size() / 2] ^= 1;
  std::string first;
  for (const int threads : {1, 2, 7}) {
    DecompressOptions o;
    o.threads = threads;
    try {
      open_archive(archive, o);
      FAIL();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::corrupt);
      if (first.empty()) first = e.what();
      EXPECT_EQ(first, e.what());
    }
  }
  EXPECT_NE(first.find("block"), std::string::npos) << first;
}

TEST(Engine, LimitsAndNamesAreEnforced) {
  const auto archive = make_archive({{"t", test::make_text(3'000'000, 3)}});
  DecompressOptions o;
  o.max_output = 2'999'999;
  EXPECT_THROW(open_archive(archive, o), Error);
  o.max_output = 3'000'000;
  EXPECT_EQ(open_archive(archive, o).files[0].content.size(), 3'000'000u);
  for (const char* name : {"/etc/passwd", "../x", "a/../b", "a//b", "a/", ".", "a/./b"})
    EXPECT_THROW(make_archive({{name, {1}}}), Error) << name;
  EXPECT_THROW(make_archive({{std::string("a\0b", 3), {1}}}), Error);
  EXPECT_THROW(make_archive({{std::string(4097, 'a'), {1}}}), Error);
  EXPECT_THROW(make_archive({{"", {1}}, {"b", {1}}}), Error);
  EXPECT_THROW(make_archive({{"a", {1}}, {"", {1}}}), Error);
  EXPECT_EQ(open_archive(make_archive({{"", {1}}})).files[0].name, "");
}

TEST(Engine, UnknownVersionsAndFeaturesAreRefusedByName) {
  auto archive = make_archive({{"t", {1, 2, 3}}});
  std::string what;
  auto changed = archive;
  changed[8] = 2;
  EXPECT_EQ(code_of(changed, &what), ErrorCode::unsupported);
  EXPECT_NE(what.find("version 2"), std::string::npos) << what;
  for (const auto& [bit, name] : {std::pair{1, "delta"}, {4, "feature 4"}, {7, "feature 7"}}) {
    changed = archive;
    changed[12] = static_cast<uint8_t>(1 << bit);
    const uint64_t h = hash64({changed.data(), 120});
    store_le<uint64_t>(changed.data() + 120, h);
    EXPECT_EQ(code_of(changed, &what), ErrorCode::unsupported);
    EXPECT_NE(what.find(name), std::string::npos) << what;
  }
  // Features 0, 2 and 3 are known: models and references may be there, here none is.
  changed = archive;
  changed[12] = 13;
  store_le<uint64_t>(changed.data() + 120, hash64({changed.data(), 120}));
  EXPECT_EQ(code_of(changed), ErrorCode::ok);
  EXPECT_EQ(code_of({}), ErrorCode::not_an_archive);
  EXPECT_EQ(code_of(test::make_text(5000, 1)), ErrorCode::not_an_archive);
}

TEST(Engine, WeightsModeWantsASafetensorsFile) {
  CompressOptions o;
  o.mode = ContentMode::weights;
  EXPECT_THROW(make_archive({{"t", test::make_text(1000, 1)}}, o), Error);
  std::string warned;
  o.mode = ContentMode::automatic;
  o.warn = [&](const std::string& w) { warned = w; };
  auto bad = test::edge_files()[6].content;
  bad[9] = '!';
  const CollectMembers out = open_archive(make_archive({{"t", bad}}, o));
  EXPECT_EQ(out.files[0].content, bad);
  EXPECT_EQ(out.members[0].kind, MemberKind::plain);
  EXPECT_FALSE(warned.empty());
}
}  // namespace gramzip
