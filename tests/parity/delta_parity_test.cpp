// SPDX-License-Identifier: Apache-2.0
// Segments with a base, on the CUDA backend and the CPU backend: the same bytes, content and
// statuses.
#include <algorithm>

#include "gramzip/core/sparse_delta.h"
#include "gramzip/core/table_wire.h"
#include "host/base/checksum.h"
#include "host/frame/segment_meta.h"
#include "tests/parity/device.h"
#include "tests/registry/cases.h"
#include "tests/registry/delta_cases.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
using Bytes = std::vector<uint8_t>;
using test::DecodedDelta;
using test::DeltaCase;

using test::expect_same;

// Both say the same of every block asked for, and a block that decodes to something, right or
// wrong, is the same. Returns how many blocks are refused for their coded bytes.
uint32_t expect_same_verdict(Backend& cpu, Backend& device, const EncodedSegment& s,
                             const Bytes& base, uint32_t first, uint32_t blocks,
                             const std::string& name) {
  const DecodedDelta a = test::decode_delta(cpu, s, base, first, blocks),
                     b = test::decode_delta(device, s, base, first, blocks);
  EXPECT_EQ(a.status, b.status) << name;
  uint32_t refused = 0;
  for (uint32_t k = 0; k < blocks; ++k) {
    const auto part = [&](const DecodedDelta& d) {
      return std::span(d.content).subspan(
          s.header.block_begin(first + k) - s.header.block_begin(first),
          s.header.block_bytes(first + k));
    };
    if (a.status[k] == BlockStatus::ok || a.status[k] == BlockStatus::bad_decoded_hash)
      EXPECT_TRUE(std::ranges::equal(part(a), part(b))) << name;
    else
      ++refused;
  }
  return refused;
}

// The same coding with 32 tables: some tables several times.
EncodedSegment with_more_tables(const EncodedSegment& s) {
  constexpr uint32_t kFirst = 100, kSymbols = 1u << delta::kSymbolBits;
  const frame::SegmentMeta meta =
      frame::load_segment_meta(frame::store_segment_meta(s), s.data.size(), "segment");
  EncodedSegment more = s;
  more.header.tables = kMaxTables;
  more.tables.assign(delta::context_bytes(kMaxTables), 0);
  store_le<uint16_t>(more.tables.data(), meta.contexts[0]);
  for (uint32_t t = 0; t < kMaxTables; ++t) {
    if (t > 0)
      store_le<uint16_t>(more.tables.data() + 2 * t, static_cast<uint16_t>(kFirst + t - 1));
    const CodeTable& table = meta.tables[delta::table_of(meta.contexts.data() + 1, s.header.tables,
                                                         t == 0 ? kFirst - 1 : kFirst + t - 1)];
    Bytes lengths(kSymbols, 0);
    std::ranges::copy(table.lengths, lengths.begin() + table.first);
    const auto used = static_cast<uint32_t>(kSymbols - std::ranges::count(lengths, 0));
    Bytes wire(table_wire_bytes(kSymbols));
    wire.resize(store_table(lengths.data(), kSymbols, table.count == 1 ? 1 : used, table.first,
                            wire.data()));
    more.tables.insert(more.tables.end(), wire.begin(), wire.end());
  }
  more.header.table_bytes = static_cast<uint32_t>(more.tables.size());
  more.header.run_log2 = 8;
  return more;
}

// All elements change, by steps whose size is that of their run and of the base's value; a few by
// any.
DeltaCase all_changed(ElementType type, uint32_t n, uint64_t seed) {
  const uint32_t element = element_info(type).bytes;
  const delta::Arithmetic a = delta::arithmetic(type);
  std::mt19937_64 g(seed);
  DeltaCase c{std::string(element_info(type).name) + ", " + std::to_string(n) + " changes",
              type,
              is_float(type) ? test::make_weights(type, size_t{n} * element, 0.02, seed)
                             : test::make_random(size_t{n} * element, seed),
              {}};
  c.content.resize(c.base.size());
  for (uint32_t i = 0; i < n; ++i) {
    const uint64_t x = load_element(c.base.data(), i, element);
    const uint32_t bits = 1 + i / kRunElements % 3 + 7 - (a.exponent(x) | 8) % 8;
    uint64_t z = 1 + g() % (uint64_t{1} << std::min(bits, a.bits - 4));
    if (g() % 400 == 0) z = g() & a.mask();
    store_element(c.content.data(), i, element, a.apply(x, z));
  }
  return c;
}

void rehash(EncodedSegment& s, uint32_t b) {
  s.records[b].coded_hash =
      hash64({s.data.data() + test::block_offset(s, b), s.records[b].coded_bytes});
}
}  // namespace

// Edge and random updates by the codec that the backend chooses and by either one.
TEST(DeltaParity, Updates) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  uint32_t modes[11][5] = {}, choices[11] = {};
  const auto check = [&](const DeltaCase& c, int seed) {
    const std::string name = c.name + ", seed " + std::to_string(seed);
    const EncodedSegment chosen = test::encode_delta(*cpu, c);
    const EncodedSegment by_device = test::encode_delta(*device, c);
    ASSERT_EQ(chosen.header.codec, by_device.header.codec) << name;
    if (chosen.header.of_base) expect_same(chosen, by_device, name);
    ++choices[static_cast<size_t>(chosen.header.codec)];
    for (const Codec codec : {Codec::delta, Codec::sparse_delta}) {
      const EncodedSegment s = test::encode_delta_as(codec, c);
      const DecodedDelta d = test::decode_delta(*device, s, c.base);
      for (const BlockStatus status : d.status) ASSERT_EQ(status, BlockStatus::ok) << name;
      ASSERT_TRUE(d.content == c.content) << name;
      for (const BlockRecord& r : s.records)
        ++modes[static_cast<size_t>(codec)][static_cast<size_t>(r.mode)];
    }
  };
  test::for_schedules(5, [&](int seed) {
    const auto cases = test::edge_deltas();
    for (size_t i = 0; i < cases.size(); ++i) {
      const size_t every = cases[i].content.size() > 20'000 ? 5 : 2;
      if ((i + static_cast<size_t>(seed)) % every == 0) check(cases[i], seed);
    }
    for (uint64_t i = 0; i < 20; ++i)
      check(test::random_delta(i * 8 + static_cast<uint64_t>(seed), i < 4 ? 300'000 : 5000), seed);
  });
  EXPECT_GT(choices[static_cast<size_t>(Codec::delta)], 5u);
  EXPECT_GT(choices[static_cast<size_t>(Codec::sparse_delta)], 5u);
  for (const Codec codec : {Codec::delta, Codec::sparse_delta})
    for (const BlockMode mode :
         {BlockMode::raw, BlockMode::constant, BlockMode::coded, BlockMode::base})
      EXPECT_GT(modes[static_cast<size_t>(codec)][static_cast<size_t>(mode)], 2u)
          << static_cast<int>(codec) << ", mode " << static_cast<int>(mode);
}

// Codec delta, encoded on the device: all types, sizes around every boundary, blocks of all modes.
TEST(DeltaParity, EveryElementChanges) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  uint32_t modes[5] = {}, classes = 0, types = 0;
  test::for_schedules(4, [&](int seed) {
    for (const ElementType type :
         {ElementType::bytes, ElementType::bf16, ElementType::f16, ElementType::f32,
          ElementType::f64, ElementType::f8_e4m3, ElementType::f8_e5m2, ElementType::i16,
          ElementType::i32, ElementType::i64}) {
      const uint32_t block = (1u << 16) / element_info(type).bytes;
      bool chosen = false;
      for (const uint32_t n : {300u, 1023u, 1024u, 4097u, 9000u, block - 1, block, block + 1,
                               block + 263, 5 * block + 77}) {
        if ((n + static_cast<uint32_t>(type) + static_cast<uint32_t>(seed)) % 4 != 0 && n > 1024)
          continue;
        DeltaCase c = all_changed(type, n, n + static_cast<uint32_t>(seed));
        if (n > 5 * block) {  // a block that is the base's, a constant one, a random one
          const auto at = [&](uint32_t b) { return c.content.begin() + (ptrdiff_t{b} << 16); };
          std::copy_n(c.base.begin() + (1 << 16), 1 << 16, at(1));
          std::fill_n(at(2), 1 << 16, uint8_t{3});
          std::ranges::copy(test::make_random(1 << 16, 4), at(3));
        }
        const std::string name = c.name + ", seed " + std::to_string(seed);
        const EncodedSegment s = test::encode_delta(*cpu, c);
        if (s.header.codec != Codec::delta) continue;
        expect_same(s, test::encode_delta(*device, c), name);
        ASSERT_TRUE(test::decode_delta(*device, s, c.base).content == c.content) << name;
        for (const BlockRecord& r : s.records) ++modes[static_cast<size_t>(r.mode)];
        classes += s.header.tables > 0 && load_le<uint16_t>(s.tables.data()) > 1 ? 1 : 0;
        chosen = true;
      }
      types += chosen ? 1 : 0;
    }
  });
  EXPECT_GE(types, 16u);
  EXPECT_GT(modes[static_cast<size_t>(BlockMode::coded)], 25u);
  EXPECT_GT(modes[static_cast<size_t>(BlockMode::base)], 2u);
  EXPECT_GT(modes[static_cast<size_t>(BlockMode::constant)], 2u);
  EXPECT_GT(modes[static_cast<size_t>(BlockMode::raw)], 2u);
  EXPECT_GT(classes, 5u);
}

// Codec sparse_delta, encoded on the device: all types, sizes around every boundary, from one
// change to enough for all lanes, blocks of several modes.
TEST(DeltaParity, FewElementsChange) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  uint32_t modes[5] = {}, groups = 0, lanes[delta::kMaxLaneLog2 + 1] = {}, types = 0;
  test::for_schedules(4, [&](int seed) {
    for (const ElementType type :
         {ElementType::bytes, ElementType::bf16, ElementType::f16, ElementType::f32,
          ElementType::f64, ElementType::f8_e4m3, ElementType::f8_e5m2, ElementType::i16,
          ElementType::i32, ElementType::i64}) {
      const uint32_t element = element_info(type).bytes, block = (1u << 18) / element;
      bool chosen = false;
      for (const uint32_t n :
           {300u, 1024u, 9001u, 30'000u, block - 1, block, block + 1, 3 * block + 77}) {
        if ((n + static_cast<uint32_t>(type) + static_cast<uint32_t>(seed)) % 5 != 0 && n > 1024)
          continue;
        // Steps by exponent and run in one of `every` elements; the others stay.
        DeltaCase c = all_changed(type, n, n + static_cast<uint32_t>(seed));
        std::mt19937_64 g(n);
        const uint32_t every = n < 2000 ? 60 : 20 + static_cast<uint32_t>(g() % 200);
        for (uint32_t i = 0; i < n; ++i)
          if (g() % every != 0)
            store_element(c.content.data(), i, element, load_element(c.base.data(), i, element));
        if (n > 3 * block) {  // a block that is the base's, a constant one
          const auto at = [&](uint32_t b) { return c.content.begin() + (ptrdiff_t{b} << 18); };
          std::copy_n(c.base.begin(), 1 << 18, at(0));
          if ((n + static_cast<uint32_t>(seed)) % 2 == 0) std::fill_n(at(1), 1 << 18, uint8_t{3});
        }
        const std::string name = c.name + ", few, seed " + std::to_string(seed);
        const EncodedSegment s = test::encode_delta(*cpu, c);
        if (s.header.codec != Codec::sparse_delta) continue;
        expect_same(s, test::encode_delta(*device, c), name);
        ASSERT_TRUE(test::decode_delta(*device, s, c.base).content == c.content) << name;
        for (uint32_t b = 0; b < s.header.blocks; ++b) {
          ++modes[static_cast<size_t>(s.records[b].mode)];
          if (s.records[b].mode == BlockMode::coded)
            ++lanes[delta::unpack_sparse_head(
                        load_le<uint32_t>(s.data.data() + test::block_offset(s, b)))
                        .lane_log2];
        }
        groups += s.header.tables > 2 ? 1 : 0;
        chosen = true;
      }
      types += chosen ? 1 : 0;
    }
  });
  EXPECT_GE(types, 20u);
  EXPECT_GT(groups, 1u);
  EXPECT_GT(modes[static_cast<size_t>(BlockMode::coded)], 40u);
  EXPECT_GT(modes[static_cast<size_t>(BlockMode::constant)], 0u);
  EXPECT_GT(modes[static_cast<size_t>(BlockMode::base)], 2u);
  for (const uint32_t log2 : {0u, 3u, 5u}) EXPECT_GT(lanes[log2], 0u) << log2;
}

TEST(DeltaParity, ABatchIsTheSumOfItsSegments) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  std::vector<DeltaCase> cases;
  for (uint64_t seed = 0; cases.size() < 12; ++seed) {
    cases.push_back(test::random_delta(seed, 200'000));
    if (!is_float(cases.back().type)) cases.pop_back();
  }
  std::vector<SegmentInput> inputs;
  for (size_t i = 0; i < cases.size(); ++i) {
    inputs.push_back({cases[i].type, cases[i].content});
    if (i % 4 == 0) continue;
    inputs.back().base = cases[i].base;
    inputs.back().base_at = i;
  }
  std::vector<EncodedSegment> together(inputs.size());
  device->encode(inputs, together);
  for (size_t i = 0; i < inputs.size(); ++i) {
    EncodedSegment alone;
    cpu->encode({&inputs[i], 1}, {&alone, 1});
    expect_same(alone, together[i], cases[i].name);
  }
}

TEST(DeltaParity, MoreTablesThanSharedMemoryKeeps) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  for (const DeltaCase& c : test::edge_deltas()) {
    if (c.name != "BF16/steps" && c.name != "F32/steps") continue;
    const EncodedSegment s = with_more_tables(test::encode_delta_as(Codec::delta, c));
    ASSERT_TRUE(test::decode_delta(*cpu, s, c.base).content == c.content) << c.name;
    ASSERT_TRUE(test::decode_delta(*device, s, c.base).content == c.content) << c.name;
  }
}

// Parts of segments of all codecs in one call.
TEST(DeltaParity, RequestsOfManySegments) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  std::vector<DeltaCase> cases;
  std::vector<EncodedSegment> segments;
  for (DeltaCase& c : test::edge_deltas()) {
    if (!c.name.ends_with("/steps") && !c.name.ends_with("/modes")) continue;
    for (const Codec codec : {Codec::delta, Codec::sparse_delta}) {
      segments.push_back(test::encode_delta_as(codec, c));
      cases.push_back(c);
    }
    if (c.name == "F32/steps") {
      segments.push_back(with_more_tables(segments[segments.size() - 2]));
      cases.push_back(c);
      segments.push_back(test::encode_segment(*cpu, {c.name, c.type, c.content}));
      cases.push_back(c);
    }
  }
  test::for_schedules(3, [&](int seed) {
    std::vector<frame::SegmentMeta> metas;
    std::vector<DecodedDelta> results(segments.size());
    std::vector<DecodeRequest> requests;
    for (const EncodedSegment& s : segments)
      metas.push_back(
          frame::load_segment_meta(frame::store_segment_meta(s), s.data.size(), "segment"));
    for (size_t i = 0; i < segments.size(); ++i) {
      const SegmentHeader& h = segments[i].header;
      const uint32_t first = (static_cast<uint32_t>(i) + static_cast<uint32_t>(seed)) % h.blocks;
      const uint32_t count = std::min(2u, h.blocks - first);
      uint32_t bytes = 0;
      for (uint32_t b = first; b < first + count; ++b) bytes += h.block_bytes(b);
      results[i].content.resize(bytes);
      results[i].status.resize(count);
      requests.push_back(
          {metas[i].view(segments[i].data), first, count, results[i].content, results[i].status});
      if (h.of_base)
        requests.back().base = std::span(cases[i].base).subspan(h.block_begin(first), bytes);
    }
    device->decode(requests);
    for (size_t i = 0; i < segments.size(); ++i) {
      for (const BlockStatus s : results[i].status)
        ASSERT_EQ(s, BlockStatus::ok) << cases[i].name << ", seed " << seed;
      ASSERT_TRUE(std::equal(
          results[i].content.begin(), results[i].content.end(),
          cases[i].content.begin() + segments[i].header.block_begin(requests[i].first_block)))
          << cases[i].name << ", seed " << seed;
    }
  });
}

// Damage behind a right hash, in every part of a block.
TEST(DeltaParity, DamagedBlocksGetTheSameStatus) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  std::vector<DeltaCase> cases;
  std::vector<EncodedSegment> segments;
  for (const DeltaCase& c : test::edge_deltas())
    for (const Codec codec : {Codec::delta, Codec::sparse_delta}) {
      if (c.content.size() < 500 || c.content.size() > 40'000) continue;
      EncodedSegment s = test::encode_delta_as(codec, c);
      if (s.records[0].mode != BlockMode::coded) continue;
      segments.push_back(std::move(s));
      cases.push_back(c);
    }
  ASSERT_GT(segments.size(), 40u);
  uint32_t refused[2] = {}, damaged[2] = {};
  test::for_schedules(4, [&](int seed) {
    std::mt19937_64 g(static_cast<uint64_t>(seed) + 5);
    for (uint32_t i = 0; i < 400; ++i) {
      const size_t which = i % segments.size();
      EncodedSegment s = segments[which];
      BlockRecord& r = s.records[0];
      const bool sparse = s.header.codec == Codec::sparse_delta;
      const auto any = [&] { return static_cast<size_t>(g() % r.coded_bytes); };
      const auto flip = [&](size_t at) {
        s.data[std::min<size_t>(at, r.coded_bytes - 1)] ^= static_cast<uint8_t>(1u << (g() % 8));
      };
      switch (g() % 7) {
        case 0:
          flip(any());
          break;
        case 1:  // class ids, lane header, extras
          flip(g() % 140);
          break;
        case 2:  // head
          flip(g() % 4);
          break;
        case 3:
          for (int k = 0; k < 20; ++k) s.data[any()] = static_cast<uint8_t>(g());
          break;
        case 4:
          std::fill_n(s.data.begin(), r.coded_bytes, static_cast<uint8_t>(g()));
          break;
        case 5:  // another end
          r.coded_bytes = static_cast<uint32_t>(s.data.size() - g() % 32);
          break;
        default:  // last words
          flip(r.coded_bytes - 1 - g() % std::min<uint32_t>(r.coded_bytes, 64));
      }
      rehash(s, 0);
      refused[sparse] += expect_same_verdict(
          *cpu, *device, s, cases[which].base, 0, 1,
          cases[which].name + ", damage " + std::to_string(i) + ", seed " + std::to_string(seed));
      ++damaged[sparse];
    }
  });
  EXPECT_GT(refused[0], damaged[0] / 2);
  EXPECT_GT(refused[1], damaged[1] / 2);
}

TEST(DeltaParity, LyingRecordsGetTheSameStatus) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  std::vector<DeltaCase> steps, modes;
  for (const DeltaCase& c : test::edge_deltas()) {
    if (c.name.ends_with("/steps-sparse")) steps.push_back(c);
    if (c.name.ends_with("/modes")) modes.push_back(c);
  }
  for (size_t i = 2; i < modes.size(); i += 3)
    for (const Codec codec : {Codec::delta, Codec::sparse_delta}) {
      DeltaCase c = modes[i];  // blocks of the base, constant and raw ones, and changes
      c.base.insert(c.base.end(), steps[i].base.begin(), steps[i].base.end());
      c.content.insert(c.content.end(), steps[i].content.begin(), steps[i].content.end());
      const EncodedSegment good = test::encode_delta_as(codec, c);
      ASSERT_GT(good.header.tables, 0) << c.name;
      for (uint32_t b = 0; b < good.header.blocks; b += 1 + b / 4)
        for (int lie = 0; lie < 6; ++lie) {
          EncodedSegment s = good;
          BlockRecord& r = s.records[b];
          switch (lie) {
            case 0:
              r.decoded_hash ^= 1;
              break;
            case 1:
              r.coded_hash ^= 1;
              break;
            case 2:
              r.mode = BlockMode::base;
              break;
            case 3:
              r.mode = BlockMode::constant;
              break;
            case 4:
              r.mode = BlockMode::coded;
              break;
            default:
              if (r.coded_bytes % 32 != 1 && r.coded_bytes > 0) --r.coded_bytes;
          }
          if (lie > 1) rehash(s, b);
          // Without a coded block the segment is refused as a whole.
          if (std::ranges::none_of(s.records,
                                   [](const BlockRecord& x) { return x.mode == BlockMode::coded; }))
            continue;
          expect_same_verdict(
              *cpu, *device, s, c.base, b, 1,
              c.name + ", block " + std::to_string(b) + ", lie " + std::to_string(lie));
        }
    }
}

TEST(DeltaParity, WrongBases) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  uint32_t by_status[5] = {};
  for (const DeltaCase& c : test::edge_deltas())
    for (const Codec codec : {Codec::delta, Codec::sparse_delta}) {
      if (c.content.size() < 200 || c.content.size() > 20'000) continue;
      const EncodedSegment s = test::encode_delta_as(codec, c);
      Bytes one = c.base;
      one[one.size() / 2] ^= 0x40;
      for (const Bytes& base : {one, test::make_random(c.base.size(), 5), Bytes(c.base.size())}) {
        expect_same_verdict(*cpu, *device, s, base, 0, s.header.blocks, c.name);
        for (const BlockStatus b : test::decode_delta(*device, s, base).status)
          ++by_status[static_cast<size_t>(b)];
      }
    }
  EXPECT_GT(by_status[static_cast<size_t>(BlockStatus::bad_stream)], 20u);
  EXPECT_GT(by_status[static_cast<size_t>(BlockStatus::bad_decoded_hash)], 20u);
}
}  // namespace gramzip
