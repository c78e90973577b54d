// SPDX-License-Identifier: Apache-2.0
// Segments with a base, on the CUDA backend and the CPU backend: the same bytes, content and
// statuses.
#include <algorithm>

#include "gramzip/core/delta.h"
#include "gramzip/core/table_wire.h"
#include "host/base/checksum.h"
#include "host/frame/segment_meta.h"
#include "tests/parity/device.h"
#include "tests/registry/cases.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
using Bytes = std::vector<uint8_t>;
using test::Decoded;

constexpr ElementType kTypes[] = {ElementType::bytes,   ElementType::bf16, ElementType::f16,
                                  ElementType::f32,     ElementType::f64,  ElementType::f8_e4m3,
                                  ElementType::f8_e5m2, ElementType::i16,  ElementType::i32,
                                  ElementType::i64};

struct Update {
  std::string name;
  ElementType type;
  Bytes base, content;
};

// An update of n elements of which `changed` in 1024 change, by steps whose size is that of their
// run.
Update make_update(ElementType type, uint32_t n, uint32_t changed, uint64_t seed) {
  std::mt19937_64 g(seed);
  const uint32_t element = element_info(type).bytes;
  const delta::Arithmetic a = delta::arithmetic(type);
  Update u;
  u.name = std::string(element_info(type).name) + ", " + std::to_string(n) + " elements, " +
           std::to_string(changed) + " of 1024";
  u.type = type;
  u.base = is_float(type) ? test::make_weights(type, size_t{n} * element, 0.02, seed)
                          : test::make_random(size_t{n} * element, seed);
  u.content = u.base;
  for (uint32_t i = 0; i < n; ++i) {
    if (g() % 1024 >= changed) continue;
    const uint64_t x = load_element(u.base.data(), i, element);
    const uint32_t range = i / kRunElements % 4 + (is_float(type) ? a.exponent(x) % 8 / 2 : 0);
    uint64_t z = g() % (uint64_t{2} << range);
    if (g() % 500 == 0) z = g() & a.mask();
    store_element(u.content.data(), i, element, a.apply(x, z));
  }
  return u;
}

// Updates of all kinds that a segment takes: many and few changes, sizes around every boundary,
// blocks that are the base's, constant or random.
std::vector<Update> updates(ElementType type) {
  const uint32_t element = element_info(type).bytes, block = (1u << 16) / element;
  std::vector<Update> all;
  for (const uint32_t n : {1u, 7u, 8u, 9u, 255u, 256u, 257u, 300u, 4100u})
    for (const uint32_t changed : {900u, 100u}) all.push_back(make_update(type, n, changed, n));
  for (const uint32_t changed : {1024u, 200u, 20u, 2u, 0u})
    all.push_back(make_update(type, 2 * block + 77, changed, changed));
  all.push_back(make_update(type, 4 * block + 5, 8, 1));  // more than one block of changes
  Update mixed = make_update(type, 5 * block + 40, 700, 9);
  mixed.name += ", mixed";
  const auto at = [&](uint32_t b) { return mixed.content.begin() + ptrdiff_t{b} * (1 << 16); };
  std::copy_n(mixed.base.begin() + (1 << 16), 1 << 16, at(1));
  std::fill_n(at(2), 1 << 16, uint8_t{3});
  std::ranges::copy(test::make_random(1 << 16, 4), at(3));
  all.push_back(std::move(mixed));
  return all;
}

EncodedSegment encode(Backend& backend, const Update& u) {
  SegmentInput in{u.type, u.content};
  in.base = u.base;
  in.base_at = 4096;
  EncodedSegment out;
  backend.encode({&in, 1}, {&out, 1});
  return out;
}

Decoded decode(Backend& backend, const EncodedSegment& s, std::span<const uint8_t> base,
               uint32_t first, uint32_t blocks) {
  const frame::SegmentMeta meta =
      frame::load_segment_meta(frame::store_segment_meta(s), s.data.size(), "segment");
  const uint32_t at = s.header.block_begin(first);
  const uint32_t end = std::min(s.header.block_begin(first + blocks), s.header.decoded_bytes);
  Decoded d{Bytes(end - at), std::vector<BlockStatus>(blocks)};
  DecodeRequest r{meta.view(s.data), first, blocks, d.content, d.status};
  if (s.header.of_base) r.base = base.subspan(at, end - at);
  backend.decode({&r, 1});
  return d;
}
Decoded decode(Backend& backend, const EncodedSegment& s, const Bytes& base) {
  return decode(backend, s, base, 0, s.header.blocks);
}

void expect_same(const EncodedSegment& a, const EncodedSegment& b, const std::string& name) {
  ASSERT_EQ(frame::store_segment_meta(a), frame::store_segment_meta(b)) << name;
  ASSERT_TRUE(a.data == b.data) << name;
}

// Both say the same of every block. A block that decodes to something is compared, right or wrong.
// Returns how many blocks are refused for their coded bytes.
uint32_t expect_same_verdict(Backend& cpu, Backend& device, EncodedSegment s, const Bytes& base,
                             const std::string& name) {
  Decoded a = decode(cpu, s, base), b = decode(device, s, base);
  EXPECT_EQ(a.status, b.status) << name;
  uint32_t refused = 0;
  for (uint32_t k = 0; k < s.header.blocks; ++k) {
    const auto part = [&](const Decoded& d) {
      return std::span(d.content).subspan(s.header.block_begin(k), s.header.block_bytes(k));
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

void rehash(EncodedSegment& s, uint32_t b) {
  s.records[b].coded_hash =
      hash64({s.data.data() + test::block_offset(s, b), s.records[b].coded_bytes});
}
}  // namespace

TEST(DeltaParity, Updates) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  uint32_t coded[11] = {}, of_base = 0;
  test::for_schedules(4, [&](int seed) {
    for (const ElementType type : kTypes)
      for (const Update& u : updates(type)) {
        if (seed > 0 && (u.content.size() + static_cast<size_t>(seed)) % 4 != 0) continue;
        const std::string name = u.name + ", seed " + std::to_string(seed);
        const EncodedSegment s = encode(*cpu, u);
        expect_same(s, encode(*device, u), name);
        const Decoded d = decode(*device, s, u.base);
        for (const BlockStatus status : d.status) ASSERT_EQ(status, BlockStatus::ok) << name;
        ASSERT_TRUE(d.content == u.content) << name;
        for (const BlockRecord& r : s.records) {
          coded[static_cast<size_t>(s.header.codec)] += r.mode == BlockMode::coded ? 1 : 0;
          of_base += r.mode == BlockMode::base ? 1 : 0;
        }
      }
  });
  EXPECT_GT(coded[static_cast<size_t>(Codec::delta)], 30u);
  EXPECT_GT(coded[static_cast<size_t>(Codec::sparse_delta)], 30u);
  EXPECT_GT(of_base, 10u);
}

TEST(DeltaParity, MoreTablesThanSharedMemoryKeeps) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  for (const ElementType type : {ElementType::bf16, ElementType::f32}) {
    const Update u = make_update(type, 50'000, 1000, 3);
    const EncodedSegment s = with_more_tables(encode(*cpu, u));
    ASSERT_EQ(s.header.codec, Codec::delta);
    ASSERT_TRUE(decode(*cpu, s, u.base).content == u.content);
    ASSERT_TRUE(decode(*device, s, u.base).content == u.content);
  }
}

// Parts of segments of all codecs in one call.
TEST(DeltaParity, RequestsOfManySegments) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  std::vector<Update> all;
  std::vector<EncodedSegment> segments;
  for (const uint32_t changed : {1000u, 10u, 900u, 30u})
    for (const ElementType type : {ElementType::bf16, ElementType::f64, ElementType::i16}) {
      all.push_back(make_update(type, (6u << 16) / element_info(type).bytes, changed, changed));
      segments.push_back(encode(*cpu, all.back()));
    }
  all.push_back(make_update(ElementType::bf16, 70'000, 500, 1));
  all.back().base.clear();
  segments.push_back(encode(*cpu, all.back()));
  segments.push_back(with_more_tables(segments[0]));
  all.push_back(all[0]);
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
      const uint32_t count = std::min(3u, h.blocks - first);
      uint32_t bytes = 0;
      for (uint32_t b = first; b < first + count; ++b) bytes += h.block_bytes(b);
      results[i].content.resize(bytes);
      results[i].status.resize(count);
      requests.push_back(
          {metas[i].view(segments[i].data), first, count, results[i].content, results[i].status});
      if (h.of_base)
        requests.back().base = std::span(all[i].base).subspan(h.block_begin(first), bytes);
    }
    device->decode(requests);
    for (size_t i = 0; i < segments.size(); ++i) {
      for (const BlockStatus s : results[i].status)
        ASSERT_EQ(s, BlockStatus::ok) << all[i].name << ", seed " << seed;
      ASSERT_TRUE(std::equal(
          results[i].content.begin(), results[i].content.end(),
          all[i].content.begin() + segments[i].header.block_begin(requests[i].first_block)))
          << all[i].name << ", seed " << seed;
    }
  });
}

// Damage behind a right hash, in every part of a block.
TEST(DeltaParity, DamagedBlocksGetTheSameStatus) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  std::vector<Update> all;
  std::vector<EncodedSegment> segments;
  for (const ElementType type : kTypes)
    for (const uint32_t changed : {1000u, 40u}) {
      all.push_back(make_update(type, changed == 40 ? 9'000 : 3'000, changed, changed));
      segments.push_back(encode(*cpu, all.back()));
      if (!segments.back().header.of_base) {
        segments.pop_back();
        all.pop_back();
      }
    }
  ASSERT_GT(segments.size(), 14u);
  uint32_t refused[2] = {}, cases[2] = {};
  test::for_schedules(4, [&](int seed) {
    std::mt19937_64 g(static_cast<uint64_t>(seed) + 5);
    for (uint32_t i = 0; i < 400; ++i) {
      const size_t which = i % segments.size();
      EncodedSegment s = segments[which];
      BlockRecord& r = s.records[0];
      const bool sparse = s.header.codec == Codec::sparse_delta;
      if (r.mode != BlockMode::coded) continue;
      const auto any = [&] { return static_cast<size_t>(g() % r.coded_bytes); };
      const auto flip = [&](size_t at) {
        s.data[std::min<size_t>(at, r.coded_bytes - 1)] ^= static_cast<uint8_t>(1u << (g() % 8));
      };
      switch (g() % 7) {
        case 0:
          flip(any());
          break;
        case 1:  // class ids, lane header, head, extras
          flip(g() % 140);
          break;
        case 2:
          flip(g() % 8);
          break;
        case 3:
          for (int k = 0; k < 20; ++k) s.data[any()] = static_cast<uint8_t>(g());
          break;
        case 4:
          std::fill_n(s.data.begin(), r.coded_bytes, static_cast<uint8_t>(g()));
          break;
        case 5:  // an end that is another
          r.coded_bytes -= static_cast<uint32_t>(g() % std::min(r.coded_bytes, 31u));
          while (round_up(r.coded_bytes, kBlockAlign) != s.data.size()) ++r.coded_bytes;
          break;
        default:  // last words
          flip(r.coded_bytes - 1 - g() % std::min<uint32_t>(r.coded_bytes, 64));
      }
      rehash(s, 0);
      refused[sparse] += expect_same_verdict(
          *cpu, *device, s, all[which].base,
          all[which].name + ", damage " + std::to_string(i) + ", seed " + std::to_string(seed));
      ++cases[sparse];
    }
  });
  EXPECT_GT(refused[0], cases[0] / 2);
  EXPECT_GT(refused[1], cases[1] / 3);
}

TEST(DeltaParity, LyingRecordsGetTheSameStatus) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  for (const uint32_t changed : {700u, 5u}) {
    Update u = make_update(ElementType::f32, 4 * 65'536 + 9, changed, 8);
    std::copy_n(u.base.begin(), 1 << 18, u.content.begin());          // the base's
    std::fill_n(u.content.begin() + (1 << 18), 1 << 18, uint8_t{7});  // constant
    std::ranges::copy(test::make_random(1 << 18, 2), u.content.begin() + (1 << 19));
    const EncodedSegment good = encode(*cpu, u);
    ASSERT_TRUE(good.header.of_base);
    for (uint32_t b = 0; b < good.header.blocks; ++b)
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
        bool any_coded = false;  // or the segment is refused as a whole
        for (const BlockRecord& x : s.records) any_coded |= x.mode == BlockMode::coded;
        if (!any_coded || (good.header.tables == 0)) continue;
        expect_same_verdict(
            *cpu, *device, s, u.base,
            u.name + ", block " + std::to_string(b) + ", lie " + std::to_string(lie));
      }
  }
}

TEST(DeltaParity, WrongBases) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  for (const ElementType type : kTypes)
    for (const uint32_t changed : {900u, 60u, 0u}) {
      const Update u = make_update(type, 40'000, changed, 2);
      const EncodedSegment s = encode(*cpu, u);
      if (!s.header.of_base) continue;
      Bytes one = u.base, random = test::make_random(u.base.size(), 5);
      one[one.size() / 2] ^= 0x40;
      for (const Bytes& base : {one, random, Bytes(u.base.size())}) {
        expect_same_verdict(*cpu, *device, s, base, u.name);
        const Decoded d = decode(*device, s, base);
        EXPECT_TRUE(std::ranges::any_of(d.status, [](BlockStatus x) {
          return x == BlockStatus::bad_decoded_hash || x == BlockStatus::bad_stream;
        })) << u.name;
      }
    }
}
}  // namespace gramzip
