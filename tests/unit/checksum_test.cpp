// SPDX-License-Identifier: Apache-2.0
// core/checksum, host/base/checksum and libxxhash agree.
#include <gtest/gtest.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "gramzip/core/checksum128.h"
#include "host/base/checksum.h"
#include "tests/registry/cases.h"

namespace gramzip {
TEST(Checksum, CoreTwinEqualsLibraryAtEveryLength) {
  const std::vector<uint8_t> bytes = test::make_random(300'000, 1);
  std::vector<size_t> lengths;
  for (size_t n = 0; n <= 3000; ++n) lengths.push_back(n);
  for (const size_t n : {65535, 65536, 65537, 262144, 299999}) lengths.push_back(n);
  for (const size_t n : lengths) {
    const uint64_t expected = XXH3_64bits(bytes.data(), n);
    ASSERT_EQ(xxh3::hash(bytes.data(), n), expected) << n;
    ASSERT_EQ(hash64({bytes.data(), n}), expected) << n;
  }
}

TEST(Checksum, Core128OfShortInputsEqualsLibrary) {
  for (const uint64_t seed : {1, 2, 3}) {
    const std::vector<uint8_t> bytes = test::make_random(xxh3::kLongInput, seed);
    for (uint32_t n = 0; n <= xxh3::kLongInput; ++n) {
      const XXH128_hash_t expected = XXH3_128bits(bytes.data(), n);
      const xxh3::Pair got = xxh3::hash128_short(bytes.data(), n);
      ASSERT_EQ(got.low, expected.low64) << n;
      ASSERT_EQ(got.high, expected.high64) << n;
    }
  }
}

TEST(Checksum, StreamEqualsWhole) {
  const std::vector<uint8_t> bytes = test::make_random(100'000, 2);
  Hasher128 h;
  for (size_t at = 0, n = 1; at < bytes.size(); at += n, n = n * 3 + 1)
    h.update(std::span(bytes).subspan(at, std::min(n, bytes.size() - at)));
  const XXH128_hash_t expected = XXH3_128bits(bytes.data(), bytes.size());
  EXPECT_EQ(h.digest(), (Hash128{expected.low64, expected.high64}));
  const Hasher128 copy = h;
  EXPECT_EQ(copy.digest(), h.digest());
  EXPECT_EQ(hash128({}).hex(), "99aa06d3014798d86001c324468d497f");  // xxh128sum of nothing
}
}  // namespace gramzip
