// SPDX-License-Identifier: Apache-2.0
// The CUDA backend and the CPU backend: the same bytes out of every content, the same content out
// of every archive, the same statuses out of damaged ones.
#include <algorithm>

#include "gramzip/core/plan.h"
#include "host/base/checksum.h"
#include "host/frame/segment_meta.h"
#include "tests/parity/device.h"
#include "tests/registry/cases.h"
#include "tests/registry/memory_io.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
using test::Decoded;

using test::expect_same;

// What both say of a segment: all agree or all refuse, at the same block for the same reason.
void expect_same_verdict(Backend& cpu, Backend& device, const EncodedSegment& s,
                         const std::string& name) {
  const Decoded a = test::decode_segment(cpu, s), b = test::decode_segment(device, s);
  ASSERT_EQ(a.status, b.status) << name;
  for (uint32_t k = 0; k < s.header.blocks; ++k) {
    if (a.status[k] != BlockStatus::ok) continue;
    const auto at = s.header.block_begin(k), n = s.header.block_bytes(k);
    ASSERT_TRUE(
        std::equal(a.content.begin() + at, a.content.begin() + at + n, b.content.begin() + at))
        << name;
  }
}
}  // namespace

TEST(Parity, EdgeSegments) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  test::for_schedules(5, [&](int seed) {
    for (const test::SegmentCase& c : test::edge_segments()) {
      if (seed > 0 && c.content.size() > 70'000 &&
          (c.content.size() + static_cast<size_t>(seed)) % 5 != 0)
        continue;
      const EncodedSegment expected = test::encode_segment(*cpu, c);
      expect_same(expected, test::encode_segment(*device, c),
                  c.name + ", seed " + std::to_string(seed));
      const Decoded d = test::decode_segment(*device, expected);
      for (const BlockStatus s : d.status) ASSERT_EQ(s, BlockStatus::ok) << c.name;
      ASSERT_EQ(d.content, c.content) << c.name;
    }
  });
}

TEST(Parity, RandomSegments) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  test::for_schedules(4, [&](int seed) {
    for (uint64_t i = 0; i < 60; ++i) {
      const test::SegmentCase c =
          test::random_segment(i * 16 + static_cast<uint64_t>(seed), i < 10 ? 200'000 : 4000);
      const EncodedSegment expected = test::encode_segment(*cpu, c);
      expect_same(expected, test::encode_segment(*device, c), c.name);
      ASSERT_EQ(test::decode_segment(*device, expected).content, c.content) << c.name;
    }
  });
}

TEST(Parity, ABatchIsTheSumOfItsSegments) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  std::vector<test::SegmentCase> cases;
  for (uint64_t i = 0; i < 9; ++i) cases.push_back(test::random_segment(1000 + i, 150'000));
  std::vector<SegmentInput> inputs;
  for (const auto& c : cases) {
    inputs.push_back({c.type, c.content});
    inputs.back().fast = c.fast;
  }
  std::vector<EncodedSegment> together(inputs.size());
  device->encode(inputs, together);
  for (size_t i = 0; i < cases.size(); ++i)
    expect_same(test::encode_segment(*cpu, cases[i]), together[i], cases[i].name);
}

TEST(Parity, SeveralTables) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  for (const ElementType type :
       {ElementType::bf16, ElementType::f32, ElementType::f64, ElementType::f8_e5m2})
    for (const uint32_t tables : {2u, 8u, 9u, 32u}) {
      const test::SegmentCase c{"classes", type, test::make_weights(type, 60000, 0.02, tables)};
      const EncodedSegment s = test::encode_with_classes(c, tables);
      ASSERT_EQ(test::decode_segment(*device, s).content, c.content) << tables;
      expect_same_verdict(*cpu, *device, s, "classes");
    }
}

// Widths that this release reads but does not write.
TEST(Parity, OtherSymbolWidths) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  const std::pair<ElementType, std::vector<uint32_t>> widths[] = {
      {ElementType::bf16, {9, 12}}, {ElementType::f16, {5, 11}},    {ElementType::f32, {9, 12}},
      {ElementType::f64, {12}},     {ElementType::f8_e4m3, {4, 6}}, {ElementType::f8_e5m2, {5, 6}}};
  for (const auto& [type, bits] : widths)
    for (const uint32_t symbol_bits : bits)
      for (const uint32_t tables : {1u, 3u}) {
        const test::SegmentCase c{"widths", type, test::make_weights(type, 40008, 0.02, tables)};
        const EncodedSegment s = test::encode_with_classes(c, tables, symbol_bits);
        const std::string name =
            std::string(element_info(type).name) + ", " + std::to_string(symbol_bits) + " bits";
        ASSERT_EQ(test::decode_segment(*cpu, s).content, c.content) << name;
        ASSERT_EQ(test::decode_segment(*device, s).content, c.content) << name;
      }
}

// Parts of segments of all types in one call, among them more tables than shared memory keeps, and
// repeats whose source is not asked for.
TEST(Parity, RequestsOfManySegments) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  std::vector<test::SegmentCase> cases;
  std::vector<EncodedSegment> segments;
  for (uint64_t i = 0; i < 10; ++i) {
    cases.push_back(test::random_segment(500 + i, 200'000));
    segments.push_back(test::encode_segment(*cpu, cases.back()));
  }
  for (const uint32_t tables : {2u, 9u, 32u}) {
    cases.push_back(
        {"classes", ElementType::f32, test::make_weights(ElementType::f32, 50000, 0.02, tables)});
    segments.push_back(test::encode_with_classes(cases.back(), tables));
  }
  const std::vector<uint8_t> block = test::make_text(65536, 7);
  std::vector<uint8_t> repeats = block;
  for (int i = 0; i < 3; ++i) repeats.insert(repeats.end(), block.begin(), block.end());
  cases.push_back({"repeats", ElementType::bytes, repeats});
  segments.push_back(test::encode_segment(*cpu, cases.back()));

  test::for_schedules(3, [&](int seed) {
    std::vector<frame::SegmentMeta> metas;
    std::vector<Decoded> results(segments.size());
    std::vector<DecodeRequest> requests;
    for (const EncodedSegment& s : segments)
      metas.push_back(
          frame::load_segment_meta(frame::store_segment_meta(s), s.data.size(), "segment"));
    for (size_t i = 0; i < segments.size(); ++i) {
      const SegmentHeader& h = segments[i].header;
      const uint32_t first = (static_cast<uint32_t>(i) + static_cast<uint32_t>(seed)) % h.blocks;
      const uint32_t count = std::min(2u, h.blocks - first);
      size_t bytes = 0;
      for (uint32_t b = first; b < first + count; ++b) bytes += h.block_bytes(b);
      results[i].content.resize(bytes);
      results[i].status.resize(count);
      requests.push_back(
          {metas[i].view(segments[i].data), first, count, results[i].content, results[i].status});
    }
    device->decode(requests);
    for (size_t i = 0; i < segments.size(); ++i) {
      for (const BlockStatus s : results[i].status)
        ASSERT_EQ(s, BlockStatus::ok) << cases[i].name << ", seed " << seed;
      const auto begin =
          cases[i].content.begin() + segments[i].header.block_begin(requests[i].first_block);
      ASSERT_TRUE(std::equal(results[i].content.begin(), results[i].content.end(), begin))
          << cases[i].name << ", seed " << seed;
    }
  });
}

TEST(Parity, PartsOfASegment) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  for (const test::SegmentCase& c : test::edge_segments()) {
    const EncodedSegment s = test::encode_segment(*cpu, c);
    if (s.header.blocks < 5) continue;
    for (const uint32_t first : {0u, 2u, s.header.blocks - 1}) {
      const uint32_t count = std::min(2u, s.header.blocks - first);
      const Decoded d = test::decode_segment(*device, s, first, count);
      ASSERT_TRUE(std::equal(d.content.begin(), d.content.end(),
                             c.content.begin() + s.header.block_begin(first)))
          << c.name;
    }
  }
}

// Damage behind a right hash: every structural check, on both sides.
TEST(Parity, DamagedBlocksGetTheSameStatus) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  size_t bad = 0, cases = 0;
  test::for_schedules(4, [&](int seed) {
    std::mt19937_64 g(static_cast<uint64_t>(seed) + 5);
    for (int i = 0; i < 300; ++i) {
      EncodedSegment s;
      if (i % 4 == 0) {
        const ElementType type = i % 8 == 0 ? ElementType::bf16 : ElementType::f32;
        s = test::encode_with_classes({"c", type, test::make_weights(type, 9000, 0.02, g())},
                                      1 + static_cast<uint32_t>(g() % 12));
      } else {
        s = test::encode_segment(*cpu, test::random_segment(g(), i % 10 == 1 ? 150'000 : 3000));
      }
      const auto b = static_cast<uint32_t>(g() % s.header.blocks);
      BlockRecord& r = s.records[b];
      if (r.coded_bytes == 0) continue;
      const size_t at = test::block_offset(s, b);
      const auto any = [&] { return static_cast<size_t>(g() % r.coded_bytes); };
      switch (g() % 6) {
        case 0:
          s.data[at + any()] ^= static_cast<uint8_t>(1u << (g() % 8));
          break;  // anywhere
        case 1:
          s.data[at + std::min<size_t>(any(), g() % 40)] = static_cast<uint8_t>(g());
          break;  // near the front
        case 2:
          for (int k = 0; k < 20; ++k) s.data[at + any()] = static_cast<uint8_t>(g());
          break;
        case 3:
          std::fill_n(s.data.begin() + static_cast<ptrdiff_t>(at), r.coded_bytes,
                      static_cast<uint8_t>(g()));
          break;
        case 4: {  // the lane header of a coded block
          if (r.mode != BlockMode::coded) break;
          const BlockPlan plan =
              plan_block(s.header.block_bytes(b), s.header.split(), s.header.tables);
          s.data[at + plan.lanes_at + g() % 32] ^= static_cast<uint8_t>(1u << (g() % 8));
          break;
        }
        default:
          s.data[at + r.coded_bytes - 1 - g() % std::min<uint32_t>(r.coded_bytes, 64)] ^=
              0x80;  // last words
      }
      r.coded_hash = hash64({s.data.data() + at, r.coded_bytes});
      expect_same_verdict(*cpu, *device, s,
                          "damage " + std::to_string(i) + ", seed " + std::to_string(seed));
      ++cases;
      bad += test::decode_segment(*cpu, s).status[b] != BlockStatus::ok ? 1 : 0;
    }
  });
  EXPECT_GT(bad, cases / 2);
}

// Sizes in records that do not fit, hashes that are wrong.
TEST(Parity, LyingRecordsGetTheSameStatus) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  std::vector<uint8_t> content = test::make_text(65536, 1);
  const auto block = content;
  for (int i = 0; i < 3; ++i) content.insert(content.end(), block.begin(), block.end());
  content.resize(content.size() + 65536, 'x');
  const auto random = test::make_random(70'000, 1);
  content.insert(content.end(), random.begin(), random.end());
  const EncodedSegment good = test::encode_segment(*cpu, {"s", ElementType::bytes, content});
  for (uint32_t b = 0; b < good.header.blocks; ++b)
    for (int lie = 0; lie < 6; ++lie) {
      EncodedSegment s = good;
      BlockRecord& r = s.records[b];
      const size_t at = test::block_offset(s, b);
      switch (lie) {
        case 0:
          r.decoded_hash ^= 1;
          break;
        case 1:
          r.coded_hash ^= 1;
          break;
        case 2:
          if (r.mode != BlockMode::coded) r.mode = BlockMode::repeat;
          break;
        case 3:
          if (r.mode != BlockMode::coded) r.mode = BlockMode::constant;
          break;
        case 4:
          if (r.mode == BlockMode::repeat) s.data[at] = static_cast<uint8_t>(b);
          break;
        default:
          if (r.coded_bytes % 32 != 1) r.coded_bytes -= 1;  // stays in its place
      }
      if (lie > 1) r.coded_hash = hash64({s.data.data() + at, r.coded_bytes});
      expect_same_verdict(*cpu, *device, s,
                          "block " + std::to_string(b) + ", lie " + std::to_string(lie));
    }
}

TEST(Parity, ArchivesAreTheSameBytes) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  for (const test::FileCase& f : test::small_files()) {
    const auto expected = test::make_archive({{f.name, f.content}});
    test::for_schedules(4, [&](int) {
      CompressOptions o;
      o.backend = device.get();
      ASSERT_TRUE(test::make_archive({{f.name, f.content}}, o) == expected) << f.name;
      DecompressOptions d;
      d.backend = device.get();
      ASSERT_EQ(test::open_archive(expected, d).files[0].content, f.content) << f.name;
    });
  }
}

#if GRAMZIP_PARITY_EMULATED
// The n-th allocation or launch fails: an error of its own code, no memory lost, and the next call
// on the same backend works.
void expect_recovery(int simt::Options::*fault, ErrorCode code, int calls) {
  const auto cpu = make_cpu_backend();
  const test::SegmentCase c{"weights", ElementType::bf16,
                            test::make_weights(ElementType::bf16, 30'000, 0.02, 3)};
  const EncodedSegment expected = test::encode_segment(*cpu, c);
  const size_t before = simt::live_allocations();
  int failures = 0;
  for (int n = 1; n < calls; ++n) {
    const auto backend = test::device_backend();
    for (const bool encode : {true, false}) {
      simt::options().*fault = n;
      try {
        if (encode)
          test::encode_segment(*backend, c);
        else
          test::decode_segment(*backend, expected);
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), code) << e.what();
        ++failures;
      }
      simt::options().*fault = 0;
      expect_same(expected, test::encode_segment(*backend, c), c.name);
      EXPECT_EQ(test::decode_segment(*backend, expected).content, c.content);
    }
  }
  EXPECT_GT(failures, calls / 2);
  EXPECT_EQ(simt::live_allocations(), before);
}
TEST(Parity, FailedAllocationsAreErrorsAndTheNextCallWorks) {
  expect_recovery(&simt::Options::fail_alloc_at, ErrorCode::no_memory, 16);
}
TEST(Parity, FailedLaunchesAreErrorsAndTheNextCallWorks) {
  expect_recovery(&simt::Options::fail_launch_at, ErrorCode::device, 9);
}
#endif
}  // namespace gramzip
