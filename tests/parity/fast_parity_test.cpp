// SPDX-License-Identifier: Apache-2.0
// The kernels of fast floats and the CPU's loops: the same coded bytes, and the same statuses and
// content of good and of damaged blocks.
#include <algorithm>
#include <random>

#include "gramzip/core/fast.h"
#include "gramzip/core/wire.h"
#include "host/base/checksum.h"
#include "host/frame/segment_meta.h"
#include "tests/parity/device.h"
#include "tests/registry/cases.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
using Bytes = std::vector<uint8_t>;
constexpr ElementType kTypes[] = {ElementType::bf16, ElementType::f16, ElementType::f32,
                                  ElementType::f8_e4m3, ElementType::f8_e5m2};

using test::expect_same;

test::SegmentCase weights(ElementType type, size_t elements, uint64_t seed) {
  return {std::string(element_info(type).name).append(", ").append(std::to_string(elements)), type,
          test::make_weights(type, elements * element_info(type).bytes, 0.02, seed), 0, true};
}

// Exponents that no table codes: about one element of `every` gets one.
test::SegmentCase with_exceptions(ElementType type, size_t elements, uint64_t every,
                                  uint64_t seed) {
  test::SegmentCase c = weights(type, elements, seed);
  c.name.append(", one in ").append(std::to_string(every));
  const Split split = fast::make_header(type, 1).split();
  std::mt19937_64 g(seed);
  for (size_t i = 0; i < elements; ++i)
    if (g() % every == 0)
      store_element(
          c.content.data(), i, split.bytes,
          split.join(static_cast<uint32_t>(g()) & ((1u << split.symbol_bits) - 1), split.raw(g())));
  return c;
}

// As the block says, if it is coded.
uint32_t exceptions_of(const EncodedSegment& s, uint32_t block) {
  if (s.records[block].mode != BlockMode::coded) return 0;
  const BlockPlan plan = plan_block(s.header.block_bytes(block), s.header.split(), s.header.tables);
  return load_le<uint32_t>(s.data.data() + test::block_offset(s, block) + plan.lanes_at);
}
}  // namespace

TEST(FastParity, EveryTypeAndSizeIsEncodedAlike) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  test::for_schedules(4, [&](int seed) {
    const uint32_t block = 65536;
    for (const ElementType type : kTypes) {
      std::vector<size_t> sizes = {1,   3,   4,   5,   7,   8,   9,    127,  128,
                                   129, 130, 255, 256, 257, 383, 1000, 4093, 16 * 1024 + 3};
      if (seed == 1) sizes.insert(sizes.end(), {block - 1, block, block + 1});
      if (seed == 2) sizes.push_back(2 * block + 131);
      for (const size_t n : sizes) {
        const test::SegmentCase c = weights(type, n, n + static_cast<uint64_t>(seed));
        const EncodedSegment expected = test::encode_segment(*cpu, c);
        ASSERT_EQ(expected.header.codec, Codec::fast_floats);
        if (n >= 1000) ASSERT_EQ(expected.records[0].mode, BlockMode::coded) << c.name;
        if (n > 16 * 1024) ASSERT_GT(expected.header.tables, 1u) << c.name;
        expect_same(expected, test::encode_segment(*device, c), c.name);
      }
    }
  });
}

TEST(FastParity, ExceptionsAreListedAlike) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  size_t many = 0;
  test::for_schedules(4, [&](int seed) {
    for (const ElementType type : kTypes)
      for (const uint64_t every : {3, 10, 100, 1000})
        for (const size_t n : {999, 5000, 17'000}) {
          const test::SegmentCase c = with_exceptions(type, n, every, every + n);
          const EncodedSegment expected = test::encode_segment(*cpu, c);
          if (exceptions_of(expected, 0) > n / 20) ++many;
          expect_same(expected, test::encode_segment(*device, c),
                      std::string(c.name).append(", seed ").append(std::to_string(seed)));
        }
  });
  EXPECT_GT(many, 2u);
}

// A table of one exponent has codes of zero bits: blocks of exceptions alone, without a word.
TEST(FastParity, BlocksWithoutWords) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  for (const ElementType type : kTypes)
    for (const uint32_t n : {700u, 30'001u}) {
      const Split split = fast::make_header(type, 1).split();
      Bytes content(size_t{n} * split.bytes);
      std::mt19937_64 g(n);
      for (uint32_t i = 0; i < n; ++i)
        store_element(content.data(), i, split.bytes,
                      split.join(i == 300 || i == n - 1 ? 5 : 3, split.raw(g())));
      const test::SegmentCase c{"one exponent", type, content, 0, true};
      const EncodedSegment expected = test::encode_segment(*cpu, c);
      ASSERT_EQ(expected.records[0].mode, BlockMode::coded);
      if (n > 1000) ASSERT_EQ(exceptions_of(expected, 0), 2u);
      expect_same(expected, test::encode_segment(*device, c), element_info(type).name);
    }
}

// Two exponents, so codes of one bit: the words of the lanes that have the second one are not zero.
TEST(FastParity, ABlockThatIsNoSmallerIsRaw) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  constexpr uint32_t n = 124;  // 128 bytes of raw plane, 4 and a word a lane of 248 bytes
  for (const uint32_t lanes : {28u, 29u}) {
    const Split split = fast::make_header(ElementType::bf16, 1).split();
    Bytes content(2 * n);
    std::mt19937_64 g(lanes);
    for (uint32_t i = 0; i < n; ++i)
      store_element(
          content.data(), i, 2,
          split.join(i % fast::kGroup == 0 && i / fast::kGroup < lanes ? 4 : 3, split.raw(g())));
    const test::SegmentCase c{"lanes", ElementType::bf16, content, 0, true};
    const EncodedSegment expected = test::encode_segment(*cpu, c);
    ASSERT_EQ(expected.records[0].mode, lanes == 28 ? BlockMode::coded : BlockMode::raw);
    expect_same(expected, test::encode_segment(*device, c), std::to_string(lanes));
  }
}

TEST(FastParity, BlocksOfEveryMode) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  test::for_schedules(2, [&](int) {
    for (const ElementType type : {ElementType::bf16, ElementType::f8_e4m3}) {
      const size_t block = size_t{65536} * element_info(type).bytes;
      const Bytes some = test::make_weights(type, block, 0.02, 1);
      Bytes content = test::make_random(block, 2);  // raw
      content.insert(content.end(), some.begin(), some.end());
      content.resize(3 * block, 0x3c);  // constant
      content.insert(content.end(), some.begin(), some.end());
      const Bytes last = test::make_weights(type, 3000, 0.5, 3);
      content.insert(content.end(), last.begin(), last.end());
      const test::SegmentCase c{"modes", type, content, 0, true};
      const EncodedSegment expected = test::encode_segment(*cpu, c);
      const BlockMode modes[] = {BlockMode::raw, BlockMode::coded, BlockMode::constant,
                                 BlockMode::repeat, BlockMode::coded};
      ASSERT_EQ(expected.records.size(), std::size(modes));
      for (size_t b = 0; b < std::size(modes); ++b)
        ASSERT_EQ(expected.records[b].mode, modes[b]) << b;
      expect_same(expected, test::encode_segment(*device, c), element_info(type).name);
      const test::SegmentCase nothing{"nothing coded", type, test::make_random(700, 4), 0, true};
      expect_same(test::encode_segment(*cpu, nothing), test::encode_segment(*device, nothing),
                  nothing.name);
    }
  });
}

// Fast floats of all types, some with a base that they have nothing in common with, and other
// codecs among them.
TEST(FastParity, ABatchIsTheSumOfItsSegments) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  std::vector<test::SegmentCase> cases;
  for (uint64_t i = 0; i < 3; ++i)
    for (const ElementType type : kTypes) {
      cases.push_back(with_exceptions(type, i == 1 ? 20'000 : 900 + 77 * i, 50, i));
      cases.back().fast = cases.size() % 4 != 0;
    }
  cases.push_back(
      {"f64", ElementType::f64, test::make_weights(ElementType::f64, 8000, 1, 1), 0, true});
  std::vector<SegmentInput> inputs;
  std::vector<Bytes> bases(cases.size());
  for (size_t i = 0; i < cases.size(); ++i) {
    inputs.push_back({cases[i].type, cases[i].content});
    inputs[i].fast = cases[i].fast;
    if (i % 3 != 1) continue;
    bases[i] = test::make_random(cases[i].content.size(), i);
    inputs[i].base = bases[i];
  }
  test::for_schedules(3, [&](int) {
    std::vector<EncodedSegment> expected(inputs.size()), together(inputs.size());
    cpu->encode(inputs, expected);
    device->encode(inputs, together);
    size_t fast = 0, fast_without_base = 0;
    for (size_t i = 0; i < cases.size(); ++i) {
      expect_same(expected[i], together[i], cases[i].name);
      if (expected[i].header.codec != Codec::fast_floats) continue;
      ++fast;
      if (!bases[i].empty()) ++fast_without_base;
    }
    EXPECT_GT(fast, 8u);
    EXPECT_GT(fast_without_base, 1u);
  });
}

TEST(FastParity, DamagedBlocksGetTheSameStatus) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  size_t seen[5] = {};
  test::for_schedules(4, [&](int seed) {
    std::mt19937_64 g(static_cast<uint64_t>(seed) + 9);
    for (int i = 0; i < 150; ++i) {
      const ElementType type = kTypes[g() % 5];
      // Every fifth has classes.
      const size_t bytes =
          (i % 5 == 0 ? 17'000 + g() % 2000 : 600 + g() % 3000) * element_info(type).bytes;
      EncodedSegment s = test::encode_segment(
          *cpu,
          {"fast", type, test::make_weights(type, bytes, i % 2 == 0 ? 0.02 : 0.5, g()), 0, true});
      BlockRecord& r = s.records[0];
      const uint32_t at =
          plan_block(s.header.block_bytes(0), s.header.split(), s.header.tables).lanes_at;
      if (r.mode != BlockMode::coded) continue;
      switch (g() % 6) {
        case 0:  // a bit anywhere
          s.data[g() % r.coded_bytes] ^= static_cast<uint8_t>(1u << (g() % 8));
          break;
        case 1:  // number of exceptions, exceptions, first words
          s.data[at + g() % std::min(r.coded_bytes - at, 64u)] ^=
              static_cast<uint8_t>(1u << (g() % 8));
          break;
        case 2:  // the last words
          s.data[r.coded_bytes - 1 - g() % 64] ^= static_cast<uint8_t>(1u << (g() % 8));
          break;
        case 3:  // fewer words
          r.coded_bytes -=
              std::min<uint32_t>(static_cast<uint32_t>(g() % 5 * 16 + g() % 5), r.coded_bytes - at);
          break;
        case 4:  // padding before the exceptions
          s.data[at - 1 - g() % 32] |= 0x80;
          break;
        default:  // as it should be
          break;
      }
      s.data.resize(round_up(r.coded_bytes, kBlockAlign));
      std::fill(s.data.begin() + r.coded_bytes, s.data.end(), uint8_t{0});
      r.coded_hash = hash64({s.data.data(), r.coded_bytes});
      const test::Decoded a = test::decode_segment(*cpu, s), b = test::decode_segment(*device, s);
      ASSERT_EQ(a.status, b.status) << i << ", seed " << seed;
      ++seen[static_cast<size_t>(a.status[0])];
      if (a.status[0] == BlockStatus::ok || a.status[0] == BlockStatus::bad_decoded_hash)
        ASSERT_TRUE(a.content == b.content) << i << ", seed " << seed;
    }
  });
  for (const BlockStatus s : {BlockStatus::ok, BlockStatus::bad_block, BlockStatus::bad_stream})
    EXPECT_GT(seen[static_cast<size_t>(s)], 5u) << block_status_text(s);
}
}  // namespace gramzip
