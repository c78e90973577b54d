// SPDX-License-Identifier: Apache-2.0
// N-gram text on the CUDA backend and the CPU backend: the same content out of every segment,
// the same statuses and the same bytes out of damaged ones.
#include <algorithm>
#include <numeric>

#include "host/base/error.h"
#include "tests/parity/device.h"
#include "tests/registry/text_segments.h"

namespace gramzip {
namespace {
using test::Decoded;
using test::TextSegment;

#if GRAMZIP_PARITY_EMULATED && GRAMZIP_PARITY_CHECKED
constexpr int kScale = 10;  // the checked build is ten times slower
#else
constexpr int kScale = 1;
#endif

std::string named(const char* what, uint64_t i, int seed) {
  return std::string(what) + " " + std::to_string(i) + ", seed " + std::to_string(seed);
}

// All agree or all refuse; what is refused is zero on both sides.
void expect_same_verdict(Backend& cpu, Backend& device, const TextSegment& s,
                         const std::string& name) {
  const Decoded a = test::decode_text(cpu, s), b = test::decode_text(device, s);
  ASSERT_EQ(a.status, b.status) << name;
  ASSERT_TRUE(a.content == b.content) << name;
}

void expect_content(const Decoded& d, const TextSegment& s, const std::string& name) {
  for (const BlockStatus status : d.status) ASSERT_EQ(status, BlockStatus::ok) << name;
  ASSERT_TRUE(std::equal(d.content.begin(), d.content.end(), s.content.begin())) << name;
}

// Sizes around every boundary of lanes and blocks; every 50th one of real size.
TextSegment any_segment(uint64_t seed) {
  std::mt19937_64 g(seed);
  const auto model = test::random_model(g() % 24);
  const auto block_log2 = static_cast<uint32_t>(9 + g() % 5);
  size_t bytes = 1 + g() % 6000;
  if (g() % 4 == 0) bytes = std::max<size_t>(1, (1u << block_log2) * (1 + g() % 3) + g() % 3 - 1);
  if (g() % 8 == 0) bytes = 1 + g() % 40;
  return test::random_text_segment(model, g(), bytes, block_log2);
}
}  // namespace

TEST(TextParity, RandomSegments) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  test::for_schedules(4, [&](int seed) {
    for (uint64_t i = 0; i < 300 / kScale; ++i) {
      const TextSegment s = any_segment(i * 8 + static_cast<uint64_t>(seed));
      const std::string name = named("segment", i, seed);
      expect_content(test::decode_text(*cpu, s), s, "cpu, " + name);
      expect_content(test::decode_text(*device, s), s, name);
    }
  });
}

// Blocks of the size that the format has, and matches of all lengths.
TEST(TextParity, WholeBlocks) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  test::for_schedules(3, [&](int seed) {
    const auto s = test::random_text_segment(test::random_model(40 + static_cast<uint64_t>(seed)),
                                             static_cast<uint64_t>(seed), 600'001 / kScale, 18);
    expect_content(test::decode_text(*cpu, s), s, "cpu");
    expect_content(test::decode_text(*device, s), s, named("whole", 0, seed));
  });
}

// Copies of copies, as deep as a third of the segment.
TEST(TextParity, DeepChains) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  test::for_schedules(3, [&](int seed) {
    for (uint64_t i = 0; i < 6; ++i) {
      const auto s = test::random_text_segment(test::random_model(i), i, 20'000, 12, {8, true});
      expect_content(test::decode_text(*cpu, s), s, "cpu");
      expect_content(test::decode_text(*device, s), s, named("deep", i, seed));
    }
  });
}

TEST(TextParity, ABatchOfSegmentsAndModels) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  std::vector<TextSegment> segments;
  for (uint64_t i = 0; i < 14; ++i)  // more models than stay on the device
    segments.push_back(test::random_text_segment(test::random_model(i), i, 1 + 700 * i, 10));
  test::for_schedules(3, [&](int seed) {
    const std::vector<Decoded> results = test::decode_texts(*device, segments);
    for (size_t i = 0; i < segments.size(); ++i)
      expect_content(results[i], segments[i], named("batch", i, seed));
  });
}

TEST(TextParity, TheFirstBlocksOfASegment) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const TextSegment s = test::random_text_segment(test::random_model(3), 3, 9000, 10);
  for (uint32_t blocks = 1; blocks <= s.coded.header.blocks; ++blocks)
    expect_content(test::decode_text(*device, s, blocks), s, named("first", blocks, 0));
}

// Damage behind a right hash of coded bytes: streams, lane headers, modes and repeats, alone and
// several at a time.
TEST(TextParity, DamagedSegmentsGetTheSameStatusAndBytes) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  size_t cases = 0, bad[5] = {};
  test::for_schedules(4, [&](int seed) {
    std::mt19937_64 g(static_cast<uint64_t>(seed) + 77);
    for (uint64_t i = 0; i < 700 / kScale; ++i) {
      TextSegment s = any_segment(g());
      for (uint64_t hits = 1 + g() % 3; hits > 0; --hits) {
        const auto b = static_cast<uint32_t>(g() % s.coded.header.blocks);
        BlockRecord& r = s.coded.records[b];
        if (r.coded_bytes == 0) continue;
        uint8_t* block = s.coded.data.data() + test::block_offset(s.coded, b);
        const auto any = [&] { return static_cast<size_t>(g() % r.coded_bytes); };
        switch (g() % 8) {
          case 0:
          case 1:
            block[any()] ^= static_cast<uint8_t>(1u << (g() % 8));
            break;
          case 2:
            block[std::min<size_t>(any(), g() % 40)] = static_cast<uint8_t>(g());
            break;
          case 3:
            for (int k = 0; k < 20; ++k) block[any()] = static_cast<uint8_t>(g());
            break;
          case 4:
            block[r.coded_bytes - 1 - g() % std::min<uint32_t>(r.coded_bytes, 64)] ^= 0x80;
            break;
          case 5:
            r.decoded_hash ^= 1;
            break;
          case 6:
            r.coded_hash ^= 1;
            continue;
          default:
            if (r.mode != BlockMode::coded)
              r.mode = static_cast<BlockMode>(g() % 4);
            else if (r.coded_bytes % 32 != 1)
              r.coded_bytes -= 1;  // stays in its place
        }
        test::refresh_coded_hash(s, b);
      }
      const std::string name = named("damage", i, seed);
      expect_same_verdict(*cpu, *device, s, name);
      ++cases;
      const Decoded d = test::decode_text(*cpu, s);
      const auto first = std::find_if(d.status.begin(), d.status.end(),
                                      [](BlockStatus b) { return b != BlockStatus::ok; });
      if (first != d.status.end()) ++bad[static_cast<size_t>(*first)];
    }
  });
  EXPECT_GT(std::accumulate(bad, bad + 5, size_t{0}), cases / 2);
  for (size_t status = 1; status < 5; ++status) EXPECT_GT(bad[status], 0u) << status;
}

// Every block's decoded hash wrong, one after the other and all together: what is behind copies
// zeros, and must be judged after it has.
TEST(TextParity, WrongDecodedHashesReachTheBlocksBehind) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  size_t wrong = 0, refused = 0;
  test::for_schedules(3, [&](int seed) {
    for (uint64_t i = 0; i<8; i += kScale> 1 ? 3 : 1) {
      const TextSegment good = test::random_text_segment(test::random_model(i), i, 6000, 9, {5});
      for (uint32_t b = 0; b <= good.coded.header.blocks; ++b) {
        TextSegment s = good;
        for (uint32_t k = 0; k < s.coded.header.blocks; ++k)
          if (k == b || b == s.coded.header.blocks) s.coded.records[k].decoded_hash ^= 2;
        expect_same_verdict(*cpu, *device, s, named("hash of block", b, seed));
        if (b == good.coded.header.blocks) continue;
        const Decoded d = test::decode_text(*cpu, s);
        ++wrong;
        for (const BlockStatus status : d.status) refused += status != BlockStatus::ok ? 1 : 0;
      }
    }
  });
  EXPECT_GT(2 * refused, 3 * wrong);  // the damage spreads
}

#if GRAMZIP_PARITY_EMULATED
// The n-th allocation or launch fails: an error, no memory lost, and the next call works.
TEST(TextParity, FailuresAreErrorsAndTheNextCallWorks) {
  const TextSegment s = test::random_text_segment(test::random_model(5), 5, 3000, 9);
  const size_t before = simt::live_allocations();
  int failures = 0;
  for (int simt::Options::*fault : {&simt::Options::fail_alloc_at, &simt::Options::fail_launch_at})
    for (int n = 1; n < 24; ++n) {
      const auto backend = test::device_backend();
      simt::options().*fault = n;
      try {
        test::decode_text(*backend, s);
      } catch (const Error&) {
        ++failures;
      }
      simt::options().*fault = 0;
      expect_content(test::decode_text(*backend, s), s,
                     named("failure", static_cast<uint64_t>(n), 0));
    }
  EXPECT_GT(failures, 20);
  EXPECT_EQ(simt::live_allocations(), before);
}
#endif
}  // namespace gramzip
