// SPDX-License-Identifier: Apache-2.0
// The kernels of quantized weights and the CPU's loops: the same coded bytes, and the same statuses
// and content of good and of damaged blocks.
#include <algorithm>
#include <random>

#include "gramzip/core/quant.h"
#include "gramzip/core/wire.h"
#include "host/base/checksum.h"
#include "host/model/quant_table.h"
#include "tests/parity/device.h"
#include "tests/registry/cases.h"
#include "tests/registry/quant_cases.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
using Bytes = std::vector<uint8_t>;
constexpr auto kHorner = static_cast<uint8_t>(quant::Coder::horner);
constexpr auto kTrellis = static_cast<uint8_t>(quant::Coder::trellis);

std::string with_seed(const std::string& name, int seed) {
  return std::string(name).append(", seed ").append(std::to_string(seed));
}

void expect_decoded(Backend& device, const EncodedSegment& s, const Bytes& content,
                    const std::string& name) {
  const test::Decoded d = test::decode_segment(device, s);
  for (size_t b = 0; b < d.status.size(); ++b)
    ASSERT_EQ(d.status[b], BlockStatus::ok) << name << ", block " << b;
  ASSERT_TRUE(d.content == content) << name;
}

// What both make of a segment; returns the CPU's status of its first block.
BlockStatus expect_alike(Backend& cpu, Backend& device, const EncodedSegment& s,
                         const std::string& name) {
  const test::Decoded a = test::decode_segment(cpu, s), b = test::decode_segment(device, s);
  EXPECT_EQ(a.status, b.status) << name;
  for (size_t i = 0; i < a.status.size(); ++i)
    if (a.status[i] == BlockStatus::ok || a.status[i] == BlockStatus::bad_decoded_hash)
      EXPECT_TRUE(std::equal(a.content.begin() + s.header.block_begin(i),
                             a.content.begin() + s.header.block_begin(i) + s.header.block_bytes(i),
                             b.content.begin() + s.header.block_begin(i)))
          << name << ", block " << i;
  return a.status[0];
}

// The first block with other coded bytes, hashed anew; the blocks behind it move.
void replace_block(EncodedSegment& s, const Bytes& coded) {
  BlockRecord& r = s.records[0];
  Bytes data = coded;
  data.resize(round_up(coded.size(), kBlockAlign), 0);
  data.insert(data.end(),
              s.data.begin() + static_cast<ptrdiff_t>(round_up(r.coded_bytes, kBlockAlign)),
              s.data.end());
  r.coded_bytes = static_cast<uint32_t>(coded.size());
  r.coded_hash = hash64(coded);
  s.data = data;
}
}  // namespace

TEST(QuantParity, EdgesDecodeAlike) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const std::vector<test::QuantCase> cases = test::edge_quantized();
  std::vector<EncodedSegment> coded;
  for (const test::QuantCase& c : cases) coded.push_back(test::encode_quantized(c));
  test::for_schedules(4, [&](int seed) {
    for (size_t i = 0; i < cases.size(); ++i)
      // Each schedule has some, the last one all.
      if (seed == 3 || cases[i].content.size() < size_t{1} << (13 + seed))
        expect_decoded(*device, coded[i], cases[i].content, with_seed(cases[i].name, seed));
  });
}

TEST(QuantParity, RandomOnesDecodeAlike) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  size_t horner = 0, classes = 0, phrases = 0, trellis = 0;
  test::for_schedules(3, [&](int seed) {
    for (uint64_t i = 0; i < 60; ++i) {
      const test::QuantCase c =
          test::random_quantized(1000 * static_cast<uint64_t>(seed) + i, 12'000);
      const EncodedSegment s = test::encode_quantized(c);
      if (s.records[0].mode == BlockMode::coded) {
        if (s.header.coder == kHorner) ++horner;
        if (s.header.coder == kTrellis) ++trellis;
        if (s.header.coder != kTrellis && s.header.tables > 1) ++classes;
        if (load_le<uint16_t>(s.tables.data() + 12) > 0) ++phrases;
      }
      expect_decoded(*device, s, c.content, with_seed(c.name, seed));
    }
  });
  EXPECT_GT(horner, 5u);
  EXPECT_GT(classes, 2u);
  EXPECT_GT(phrases, 5u);
  EXPECT_GT(trellis, 5u);
}

TEST(QuantParity, EncodedAlike) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  std::vector<test::QuantCase> cases = test::small_quantized();
  const quant::Levels l = test::uniform_levels(ElementType::bf16, 16);
  cases.push_back({"no levels", l, 0, test::make_weights(ElementType::bf16, 20'000, 0.02, 3)});
  for (test::QuantCase& c : test::edge_quantized())
    if (c.name.find("/blocks") != std::string::npos || c.name.find("/modes") != std::string::npos ||
        c.name.find("/none") != std::string::npos ||
        c.name.find("/constant") != std::string::npos || c.name.starts_with("BF16/trellis") ||
        c.name.starts_with("F64/trellis"))
      cases.push_back(std::move(c));
  test::for_schedules(2, [&](int seed) {
    for (const test::QuantCase& c : cases)
      if (seed == 0 || c.content.size() < size_t{1} << 16)
        test::expect_same(test::encode_quantized(*cpu, c), test::encode_quantized(*device, c),
                          with_seed(c.name, seed));
    for (uint64_t i = 0; i < 40; ++i) {
      const test::QuantCase c =
          test::random_quantized(777 + 1000 * static_cast<uint64_t>(seed) + i, 12'000);
      test::expect_same(test::encode_quantized(*cpu, c), test::encode_quantized(*device, c),
                        with_seed(c.name, seed));
    }
  });
}

TEST(QuantParity, BlocksDecodeByThemselves) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  quant::Levels l = test::uniform_levels(ElementType::f64, 9);
  test::add_scales(l, quant::ScaleType::f16, 100, true, 300'000, 2);
  const test::QuantCase c{"parts", l, 55, test::draw_levels(l, 55, 270'000, {1.5, 30}, 3)};
  for (const auto coder : {quant::CoderChoice::huffman, quant::CoderChoice::horner}) {
    test::QuantCase with = c;
    with.levels.coder = coder;
    const EncodedSegment s = test::encode_quantized(with);
    ASSERT_EQ(s.header.blocks, 3u);
    for (uint32_t b = 0; b < 3; ++b) {
      const test::Decoded d = test::decode_segment(*device, s, b, 1);
      ASSERT_EQ(d.status[0], BlockStatus::ok);
      ASSERT_TRUE(std::equal(d.content.begin(), d.content.end(),
                             c.content.begin() + s.header.block_begin(b)));
    }
  }
}

// Segments of each coder, with scales and without, and of other codecs, in one call.
TEST(QuantParity, ABatchIsTheSumOfItsSegments) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  std::vector<test::QuantCase> cases = test::small_quantized();
  for (uint64_t i = 0; i < 12; ++i) cases.push_back(test::random_quantized(50 + i, 9000));
  std::vector<SegmentInput> inputs;
  for (size_t i = 0; i < cases.size(); ++i) {
    inputs.push_back({cases[i].levels.type, cases[i].content});
    if (i % 5 == 4) continue;
    inputs[i].levels = &cases[i].levels;
    inputs[i].first_element = cases[i].first;
  }
  std::vector<EncodedSegment> coded(inputs.size());
  cpu->encode(inputs, coded);
  test::for_schedules(3, [&](int) {
    std::vector<EncodedSegment> together(inputs.size());
    device->encode(inputs, together);
    std::vector<frame::SegmentMeta> metas;
    for (size_t i = 0; i < coded.size(); ++i) {
      test::expect_same(coded[i], together[i], cases[i].name);
      metas.push_back(frame::load_segment_meta(frame::store_segment_meta(coded[i]),
                                               coded[i].data.size(), "segment"));
    }
    std::vector<Bytes> content(coded.size());
    std::vector<std::vector<BlockStatus>> status(coded.size());
    std::vector<DecodeRequest> requests;
    for (size_t i = 0; i < coded.size(); ++i) {
      content[i].resize(cases[i].content.size());
      status[i].resize(coded[i].header.blocks);
      requests.push_back(
          {metas[i].view(coded[i].data), 0, coded[i].header.blocks, content[i], status[i]});
    }
    device->decode(requests);
    for (size_t i = 0; i < coded.size(); ++i) {
      ASSERT_EQ(status[i][0], BlockStatus::ok) << cases[i].name;
      ASSERT_TRUE(content[i] == cases[i].content) << cases[i].name;
    }
  });
}

TEST(QuantParity, DamagedBlocksGetTheSameStatus) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  size_t seen[5] = {};
  std::vector<test::QuantCase> cases = test::small_quantized();
  for (uint64_t i = 0; i < 30; ++i) cases.push_back(test::random_quantized(300 + i, 5000));
  std::vector<EncodedSegment> coded;
  for (const test::QuantCase& c : cases) coded.push_back(test::encode_quantized(c));
  test::for_schedules(4, [&](int seed) {
    std::mt19937_64 g(static_cast<uint64_t>(seed) + 9);
    for (int i = 0; i < 250; ++i) {
      const size_t which = g() % cases.size();
      EncodedSegment s = coded[which];
      const uint32_t size = s.records[0].coded_bytes;
      if (s.records[0].mode != BlockMode::coded) continue;
      Bytes block(s.data.begin(), s.data.begin() + size);
      const auto flip = [&](size_t at) {
        block[at] = static_cast<uint8_t>(block[at] ^ (1u << (g() % 8)));
      };
      switch (g() % 7) {
        case 0:  // a bit anywhere
          flip(g() % size);
          break;
        case 1:  // class ids, lane header; exceptions
          flip(g() % std::min(size, 96u));
          break;
        case 2:  // the last words
          flip(size - 1 - g() % std::min(size, 64u));
          break;
        case 3:  // other sizes
          block.resize(g() % 2 == 0 ? g() % size : size + g() % 70, 0);
          break;
        case 4:  // many bits of the codes
          for (int k = 0; k < 20; ++k) flip(size / 4 + g() % (size - size / 4));
          break;
        case 5:  // all of it
          for (uint8_t& b : block) b = static_cast<uint8_t>(g());
          break;
        default:  // as it should be
          break;
      }
      replace_block(s, block);
      const BlockStatus status = expect_alike(*cpu, *device, s, with_seed(cases[which].name, seed));
      ++seen[static_cast<size_t>(status)];
    }
  });
  for (const BlockStatus s : {BlockStatus::ok, BlockStatus::bad_block, BlockStatus::bad_stream,
                              BlockStatus::bad_decoded_hash})
    EXPECT_GT(seen[static_cast<size_t>(s)], 5u) << block_status_text(s);
}

// Exceptions beyond the block, out of order, on a digit that is not 0; a word too large by one.
TEST(QuantParity, ExceptionsAndWordsAtTheirLimits) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  for (const uint32_t levels : {2u, 3u, 10u, 255u, 1000u, 4095u})
    for (const ElementType type : {ElementType::f8_e5m2, ElementType::f16, ElementType::f64}) {
      quant::Levels l = test::uniform_levels(type, levels);
      l.coder = quant::CoderChoice::horner;
      const uint32_t n = 1001, e = element_info(type).bytes;
      const test::QuantCase c{"limits", l, 0,
                              test::draw_levels(l, 0, n, {levels / 3.0, 1000}, levels)};
      const EncodedSegment good = test::encode_quantized(c);
      if (good.records[0].mode != BlockMode::coded) continue;
      const Bytes block(good.data.begin(), good.data.begin() + good.records[0].coded_bytes);
      const uint32_t exceptions = load_le<uint32_t>(block.data());
      const auto words_at =
          static_cast<uint32_t>(quant::plan_horner(n, e, levels, exceptions).words_at);
      const auto status = [&](auto change) {
        Bytes b = block;
        change(b.data());
        EncodedSegment s = good;
        replace_block(s, b);
        return expect_alike(*cpu, *device, s, std::to_string(levels));
      };
      EXPECT_EQ(status([](uint8_t*) {}), BlockStatus::ok);
      uint64_t power = 1;
      const uint32_t last = (n - 1) % quant::digits_per_word(levels) + 1;
      for (uint32_t d = 0; d < last; ++d) power *= levels;
      const size_t last_word = block.size() - 8;
      if (power != 0) {
        EXPECT_EQ(status([&](uint8_t* b) { store_le<uint64_t>(b + last_word, power); }),
                  BlockStatus::bad_stream);
        EXPECT_NE(status([&](uint8_t* b) { store_le<uint64_t>(b + last_word, power - 1); }),
                  BlockStatus::bad_block);
      }
      status([&](uint8_t* b) { store_le<uint64_t>(b + words_at, ~uint64_t{0}); });
      if (exceptions < 2) continue;
      EXPECT_EQ(status([&](uint8_t* b) { store_le<uint32_t>(b + 4 * exceptions, n); }),
                BlockStatus::bad_block);
      EXPECT_EQ(status([&](uint8_t* b) { std::swap_ranges(b + 4, b + 8, b + 8); }),
                BlockStatus::bad_block);
      EXPECT_NE(status([&](uint8_t* b) {
                  for (size_t i = words_at; i < block.size(); i += 8)
                    store_le<uint64_t>(b + i, load_le<uint64_t>(b + i) | 1u);
                }),
                BlockStatus::bad_block);
    }
}
}  // namespace gramzip
