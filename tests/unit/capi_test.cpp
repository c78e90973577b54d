// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "gramzip/gramzip.hpp"
#include "tests/registry/cases.h"

TEST(CApi, RoundTripAndErrors) {
  const std::vector<uint8_t> text = gramzip::test::make_text(500'000, 1);
  const auto archive = gramzip::compress(text);
  EXPECT_LE(archive.size(), gramzip_compress_bound(text.size()));
  EXPECT_EQ(gramzip::decompress(archive), text);

  std::vector<uint8_t> small(100);
  size_t size = small.size();
  EXPECT_EQ(gramzip_compress(text.data(), text.size(), small.data(), &size, nullptr),
            GRAMZIP_OUTPUT_TOO_SMALL);
  EXPECT_EQ(size, small.size());
  EXPECT_STRNE(gramzip_last_error(), "");
  EXPECT_EQ(gramzip_decompress(archive.data(), archive.size(), small.data(), &size, nullptr),
            GRAMZIP_OUTPUT_TOO_SMALL);
  EXPECT_EQ(gramzip_decompress(archive.data(), archive.size() - 1, small.data(), &size, nullptr),
            GRAMZIP_OUTPUT_TOO_SMALL);
  EXPECT_EQ(gramzip_decompress(text.data(), text.size(), small.data(), &size, nullptr),
            GRAMZIP_NOT_AN_ARCHIVE);
  EXPECT_EQ(gramzip_decompress(nullptr, 0, small.data(), &size, nullptr), GRAMZIP_INVALID_ARGUMENT);
  std::vector<uint8_t> out(text.size());
  size = out.size();
  EXPECT_EQ(gramzip_decompress(archive.data(), archive.size() - 1, out.data(), &size, nullptr),
            GRAMZIP_TRUNCATED);

  size = 50;
  ASSERT_EQ(
      gramzip_decompress_range(archive.data(), archive.size(), 300'000, out.data(), &size, nullptr),
      GRAMZIP_OK);
  EXPECT_EQ(std::memcmp(out.data(), text.data() + 300'000, 50), 0);
  gramzip_options o = GRAMZIP_OPTIONS_INIT;
  o.struct_size = 3;
  EXPECT_EQ(gramzip_compress(text.data(), text.size(), out.data(), &size, &o),
            GRAMZIP_INVALID_ARGUMENT);
  o = GRAMZIP_OPTIONS_INIT;
  o.max_output = 10;
  size = out.size();
  EXPECT_EQ(gramzip_decompress(archive.data(), archive.size(), out.data(), &size, &o),
            GRAMZIP_LIMIT);
}

// Blocks are decoded to the caller's memory: of concatenated archives, at any number of threads,
// and into more room than they need, which stays as it was.
TEST(CApi, ConcatenatedArchivesInPlace) {
  std::vector<uint8_t> content, archives;
  for (const size_t n : {5'000'000, 1, 0, 700'000, 2'200'000}) {
    const auto part =
        n % 3 == 0 ? gramzip::test::make_text(n, n) : gramzip::test::make_random(n, n);
    const auto archive = gramzip::compress(part);
    content.insert(content.end(), part.begin(), part.end());
    archives.insert(archives.end(), archive.begin(), archive.end());
  }
  for (const int threads : {1, 2, 7}) {
    std::vector<uint8_t> out(content.size() + 1000, 0xa5);
    size_t size = out.size();
    gramzip_options o = GRAMZIP_OPTIONS_INIT;
    o.threads = threads;
    ASSERT_EQ(gramzip_decompress(archives.data(), archives.size(), out.data(), &size, &o),
              GRAMZIP_OK);
    ASSERT_EQ(size, content.size());
    EXPECT_TRUE(std::equal(content.begin(), content.end(), out.begin()));
    EXPECT_EQ(std::count(out.begin() + static_cast<ptrdiff_t>(size), out.end(), 0xa5), 1000);
    size = content.size() - 1;
    EXPECT_EQ(gramzip_decompress(archives.data(), archives.size(), out.data(), &size, &o),
              GRAMZIP_OUTPUT_TOO_SMALL);
  }
}

TEST(CApi, EmptyInput) {
  const auto archive = gramzip::compress({});
  EXPECT_EQ(gramzip::decompress(archive).size(), 0u);
}

TEST(CApi, BoundHoldsForEveryEdgeFile) {
  for (const auto& f : gramzip::test::edge_files()) {
    std::vector<uint8_t> out(gramzip_compress_bound(f.content.size()));
    size_t size = out.size();
    ASSERT_EQ(gramzip_compress(f.content.data(), f.content.size(), out.data(), &size, nullptr),
              GRAMZIP_OK)
        << f.name;
  }
}

TEST(CApi, DeviceCudaFailsHardWithoutOne) {
  gramzip_options o = GRAMZIP_OPTIONS_INIT;
  o.device = GRAMZIP_DEVICE_CUDA;
  uint8_t out[4096];
  size_t size = sizeof out;
  const gramzip_status s = gramzip_compress("x", 1, out, &size, &o);
  EXPECT_TRUE(s == GRAMZIP_OK || s == GRAMZIP_DEVICE);
  if (s == GRAMZIP_DEVICE) EXPECT_STRNE(gramzip_last_error(), "");
}

TEST(CApi, StreamsStopWhenACallbackFails) {
  const auto read = [](void*, void*, size_t, size_t*) { return 1; };
  const auto write = [](void*, const void*, size_t) { return 0; };
  EXPECT_EQ(gramzip_compress_stream(read, nullptr, write, nullptr, nullptr), GRAMZIP_IO);
  EXPECT_EQ(gramzip_decompress_stream(read, nullptr, write, nullptr, nullptr), GRAMZIP_IO);
}
