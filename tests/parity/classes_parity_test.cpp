// SPDX-License-Identifier: Apache-2.0
// Floats and planes, whose runs have classes: the CUDA backend's segments are the CPU's, and either
// decodes them to the same content and the same statuses.
#include <algorithm>
#include <set>

#include "gramzip/core/plan.h"
#include "gramzip/core/run_classes.h"
#include "host/base/checksum.h"
#include "host/frame/segment_meta.h"
#include "tests/parity/device.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
using Bytes = std::vector<uint8_t>;
using test::Decoded;
#if GRAMZIP_PARITY_EMULATED && GRAMZIP_PARITY_CHECKED
constexpr int kScale = 8;  // the checked build is ten times slower
#else
constexpr int kScale = 1;
#endif

struct Case {
  std::string name;
  ElementType type;
  Bytes content;
  uint16_t period = 0;

  SegmentInput input() const {
    SegmentInput in{type, content};
    in.period = period;
    return in;
  }
};

EncodedSegment encode(Backend& backend, const Case& c) {
  const SegmentInput in = c.input();
  EncodedSegment out;
  backend.encode({&in, 1}, {&out, 1});
  return out;
}

using test::expect_same;

void expect_content(Backend& backend, const EncodedSegment& s, const Case& c) {
  const Decoded d = test::decode_segment(backend, s);
  for (const BlockStatus status : d.status) ASSERT_EQ(status, BlockStatus::ok) << c.name;
  ASSERT_TRUE(d.content == c.content) << c.name;
}

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& p : parts) out.insert(out.end(), p.begin(), p.end());
  return out;
}

// Stretches of `stretch` bytes whose deviations are `scales` different powers of 2.
Bytes scaled_weights(ElementType type, size_t bytes, size_t stretch, uint32_t scales,
                     uint64_t seed) {
  Bytes out;
  for (uint64_t i = 0; out.size() < bytes; ++i) {
    const double sigma = 1.0 / static_cast<double>(1u << ((i * 7 + seed) % scales));
    const Bytes part = test::make_weights(type, stretch, sigma, seed * 1000 + i);
    out.insert(out.end(), part.begin(), part.end());
  }
  out.resize(bytes);
  return out;
}

// Zeros, infinities, NaNs of every payload, denormals among ordinary values.
Bytes special_floats(ElementType type, size_t bytes, uint64_t seed) {
  Bytes out = test::make_weights(type, bytes, 1.0, seed);
  const ElementInfo e = element_info(type);
  const uint32_t mantissa = 8u * e.bytes - 1 - e.exponent_bits;
  const uint64_t inf = ((uint64_t{1} << e.exponent_bits) - 1) << mantissa;
  std::mt19937_64 g(seed);
  for (size_t i = 0; i < out.size() / e.bytes; ++i) {
    const uint64_t payload = g() & ((uint64_t{1} << mantissa) - 1);
    const uint64_t sign = (g() & 1) << (8 * e.bytes - 1);
    if (const uint64_t kind = g() % 6; kind < 3)
      store_element(out.data(), i, e.bytes,
                    sign | (kind == 0   ? inf | payload
                            : kind == 1 ? payload
                                        : 0));
  }
  return out;
}

// Elements whose lowest `zeros` bits are zero.
Bytes narrow_floats(ElementType type, size_t bytes, uint32_t zeros, uint64_t seed) {
  Bytes out = scaled_weights(type, bytes, 2048, 5, seed);
  const uint32_t element = element_info(type).bytes;
  for (size_t i = 0; i < out.size() / element; ++i)
    store_element(out.data(), i, element, load_element(out.data(), i, element) >> zeros << zeros);
  return out;
}

// Weights of which three in four are one of `values` values, zeros and denormals among them, some
// more often than others.
Bytes repeated_values(ElementType type, size_t bytes, uint32_t values, uint64_t seed) {
  Bytes out = test::make_weights(type, bytes, 0.5, seed);
  const uint32_t element = element_info(type).bytes;
  const Bytes pool = test::make_weights(type, size_t{values} * element, 3.0, seed + 1);
  std::mt19937_64 g(seed);
  for (size_t i = 0; i < out.size() / element; ++i)
    if (g() % 4 > 0) {
      const uint64_t which = std::min(g() % values, g() % values);
      store_element(out.data(), i, element,
                    which < 2 ? which : load_element(pool.data(), which, element));
    }
  return out;
}

// Records of `period` bytes: a counter, small numbers, noise, a constant, slowly moving bytes.
Bytes make_records(size_t bytes, uint32_t period, uint64_t seed) {
  std::mt19937_64 g(seed);
  Bytes out(bytes);
  for (size_t i = 0; i < bytes; ++i) {
    const size_t record = i / period, field = i % period;
    switch (field % 5) {
      case 0:
        out[i] = static_cast<uint8_t>(record >> (field % 3));
        break;
      case 1:
        out[i] = static_cast<uint8_t>(__builtin_ctzll(g() | 64));
        break;
      case 2:
        out[i] = static_cast<uint8_t>(g());
        break;
      case 3:
        out[i] = static_cast<uint8_t>(field);
        break;
      default:
        out[i] = static_cast<uint8_t>(100 + record / 200 + g() % 3);
    }
  }
  return out;
}

constexpr ElementType kFloats[] = {ElementType::bf16, ElementType::f16,     ElementType::f32,
                                   ElementType::f64,  ElementType::f8_e4m3, ElementType::f8_e5m2};
constexpr ElementType kIntegers[] = {ElementType::i16, ElementType::i32, ElementType::i64};
constexpr uint16_t kPeriods[] = {2, 3, 18, 34, 144, 210, 512};

// Blocks of all modes: the first repeats, noise, one element over and over, and a ragged end.
Bytes all_modes(const Bytes& once, size_t block, uint32_t element, uint64_t seed) {
  Bytes constant(block);
  for (size_t i = 0; i < block; ++i) constant[i] = static_cast<uint8_t>(40 + i % element);
  return join({once, test::make_random(block, seed), constant, once,
               Bytes(once.begin(), once.begin() + 840)});
}

std::vector<Case> float_cases() {
  std::vector<Case> cases;
  for (const ElementType type : kFloats) {
    const ElementInfo e = element_info(type);
    const size_t block = size_t{1} << e.block_log2;
    const std::string name = e.name;
    for (const size_t n : {1, 7, 8, 9, 255, 256, 257, 2047, 5001})
      cases.push_back(
          {name + "/" + std::to_string(n), type, scaled_weights(type, n * e.bytes, 512, 9, n)});
    cases.push_back({name + "/scales", type, scaled_weights(type, 2 * block + 3 * 8, 4096, 12, 3)});
    cases.push_back({name + "/specials", type, special_floats(type, block + 8 * 61, 4)});
    for (const uint32_t values : {1u, 5u, 16u, 40u})
      for (const size_t n : {size_t{300}, size_t{9001}, block / e.bytes + 777})
        cases.push_back(
            {name + "/values", type, repeated_values(type, n * e.bytes, values, values + n)});
    for (const uint32_t zeros : {1u, 2u, 8u, 13u, 16u, 29u, 40u})
      if (zeros + 2 + e.exponent_bits <= 8u * e.bytes)
        for (const size_t n : {size_t{3}, size_t{260}, size_t{9005}})
          cases.push_back({name + "/zeros", type, narrow_floats(type, n * e.bytes, zeros, n)});
    cases.push_back({name + "/columns", type, test::make_columns(type, 33'005 * e.bytes, 96, 8)});
    cases.push_back({name + "/columns and modes", type,
                     join({test::make_columns(type, block, 64, 9),
                           test::make_columns(type, 40 * e.bytes, 64, 9)})});
    cases.push_back({name + "/random", type, test::make_random(block / 2, 5)});
    cases.push_back({name + "/modes", type,
                     all_modes(scaled_weights(type, block, 2048, 6, 6), block, e.bytes, 7)});
    cases.push_back({name + "/constant", type, Bytes(block + 64, 0)});
  }
  return cases;
}

std::vector<Case> plane_cases() {
  std::vector<Case> cases;
  for (const ElementType type : kIntegers) {
    const ElementInfo e = element_info(type);
    const size_t block = size_t{1} << e.block_log2;
    const std::string name = e.name;
    for (const size_t n : {1, 2, 31, 33, 255, 257, 4099})
      cases.push_back(
          {name + "/" + std::to_string(n), type, make_records(n * e.bytes, e.bytes, n)});
    cases.push_back({name + "/numbers", type, make_records(2 * block + 5 * 8, e.bytes, 11)});
    cases.push_back({name + "/random", type, test::make_random(block + 8, 12)});
    cases.push_back({name + "/text", type, test::make_text(60'000, 13)});
    cases.push_back(
        {name + "/modes", type, all_modes(make_records(block, e.bytes, 14), block, e.bytes, 15)});
    cases.push_back({name + "/constant", type, Bytes(block + 64, 1)});
  }
  for (const uint16_t period : kPeriods) {
    const std::string name = "records of " + std::to_string(period) + "/";
    for (const size_t n : {size_t{1}, period - size_t{1}, size_t{period}, period + size_t{1},
                           size_t{999}, size_t{65536}, size_t{150'001}})
      cases.push_back({name + std::to_string(n), ElementType::bytes,
                       make_records(n, period, n + period), period});
    cases.push_back({name + "modes", ElementType::bytes,
                     all_modes(make_records(65536, period, 16), 65536, 1, 17), period});
    cases.push_back({name + "text", ElementType::bytes, test::make_text(70'000, 18), period});
  }
  cases.push_back({"records too long", ElementType::bytes, make_records(9000, 513, 1), 513});
  return cases;
}

// What this release's splits and tables can be, all reached by some case.
struct Reached {
  bool many_tables = false, one_table = false, planes = false, bytes_after_all = false, raw = false;
  std::set<ElementType> exact, zeros, periods;
  void see(const Case& c, const EncodedSegment& s) {
    many_tables |= s.header.tables > 8;
    one_table |= s.header.tables == 1;
    if (s.header.codec == Codec::exact_floats) exact.insert(c.type);
    if (s.header.codec == Codec::floats && s.header.period > 0 && s.header.tables > 1)
      periods.insert(c.type);
    if (s.header.zero_bits > 0 && s.header.tables > 0) zeros.insert(c.type);
    planes |= s.header.codec == Codec::planes && s.header.tables > 1;
    bytes_after_all |=
        s.header.codec == Codec::bytes && element_info(c.type).codec == Codec::planes;
    raw |= s.header.codec == Codec::floats && s.header.tables == 0;
  }
};
}  // namespace

TEST(ClassesParity, SegmentsAreTheSameBytes) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  std::vector<Case> cases = float_cases();
  const std::vector<Case> planes = plane_cases();
  cases.insert(cases.end(), planes.begin(), planes.end());
  Reached reached;
  std::vector<EncodedSegment> expected;
  for (const Case& c : cases) {
    expected.push_back(encode(*cpu, c));
    reached.see(c, expected.back());
  }
  EXPECT_TRUE(reached.many_tables && reached.one_table && reached.planes &&
              reached.bytes_after_all && reached.raw);
  EXPECT_GE(reached.exact.size(), 4u);
  EXPECT_GE(reached.zeros.size(), 4u);
  EXPECT_GE(reached.periods.size(), 4u);
  test::for_schedules(3, [&](int seed) {
    for (size_t i = 0; i < cases.size(); ++i) {
      if (seed > 0 && cases[i].content.size() > 30'000 &&
          (i + static_cast<size_t>(seed)) % (4 * kScale) != 0)
        continue;
      expect_same(expected[i], encode(*device, cases[i]), cases[i].name);
      expect_content(*device, expected[i], cases[i]);
      if (seed == 0) expect_content(*cpu, expected[i], cases[i]);
    }
  });
}

// Every width of symbols that is written, and more counts than shared memory has bins for.
TEST(ClassesParity, LargeSegments) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  std::vector<Case> cases;
  std::set<std::pair<uint32_t, uint32_t>> splits;  // element, S
  for (const ElementType type :
       {ElementType::bf16, ElementType::f16, ElementType::f32, ElementType::f64})
    for (const uint32_t scales : {4u, 30u})
      for (const size_t bytes : {size_t{100'000}, size_t{3} << 19})
        cases.push_back({element_info(type).name + std::to_string(scales), type,
                         scaled_weights(type, bytes / kScale & ~size_t{7},
                                        2048 * element_info(type).bytes, scales, bytes)});
  bool beyond_shared = false;
  for (const Case& c : cases) {
    const EncodedSegment s = encode(*cpu, c);
    splits.emplace(element_info(c.type).bytes, s.header.symbol_bits);
    beyond_shared |= s.header.tables << s.header.symbol_bits > 1u << 14;
    expect_same(s, encode(*device, c), c.name);
    expect_content(*device, s, c);
  }
  if (kScale > 1) return;
  EXPECT_TRUE(beyond_shared);
  for (const auto& [element, bits] : {std::pair{2u, 8u}, {2u, 9u}, {2u, 10u}, {4u, 10u}, {8u, 12u}})
    EXPECT_TRUE(splits.contains({element, bits})) << element << " bytes, S " << bits;
}

TEST(ClassesParity, ABatchIsTheSumOfItsSegments) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  std::vector<Case> cases;
  for (const ElementType type : kFloats)
    cases.push_back({element_info(type).name, type, scaled_weights(type, 40'008, 2048, 5, 1)});
  for (const ElementType type : {ElementType::bf16, ElementType::f8_e5m2})
    cases.push_back({"columns", type, test::make_columns(type, 70'008, 64, 8)});
  for (const ElementType type : kIntegers) {
    cases.push_back({element_info(type).name, type, make_records(40'008, 8, 2)});
    cases.push_back({element_info(type).name, type, test::make_text(30'000, 3)});
  }
  for (const uint16_t period : kPeriods)
    cases.push_back({"records", ElementType::bytes, make_records(30'011, period, 4), period});
  cases.push_back({"bytes", ElementType::bytes, test::make_text(30'001, 5)});
  cases.push_back({"text", ElementType::text, test::make_text(30'001, 6)});
  std::shuffle(cases.begin(), cases.end(), std::mt19937_64(7));
  std::vector<SegmentInput> inputs;
  for (const Case& c : cases) inputs.push_back(c.input());
  test::for_schedules(2, [&](int) {
    std::vector<EncodedSegment> together(inputs.size());
    device->encode(inputs, together);
    for (size_t i = 0; i < cases.size(); ++i)
      expect_same(encode(*cpu, cases[i]), together[i], cases[i].name);
  });
}

TEST(ClassesParity, DamagedBlocksGetTheSameStatus) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  std::vector<Case> cases;
  for (const ElementType type : kFloats)
    cases.push_back({element_info(type).name, type, scaled_weights(type, 20'008, 2048, 5, 1)});
  for (const ElementType type : kIntegers)
    cases.push_back(
        {element_info(type).name, type, make_records(20'008, element_info(type).bytes, 2)});
  for (const ElementType type : {ElementType::bf16, ElementType::f8_e5m2})
    cases.push_back({"columns", type, test::make_columns(type, 70'008, 64, 8)});
  for (const uint16_t period : {18, 210})
    cases.push_back({"records", ElementType::bytes, make_records(20'011, period, 4), period});
  std::vector<EncodedSegment> good;
  for (const Case& c : cases) good.push_back(encode(*cpu, c));
  size_t statuses[8] = {};
  test::for_schedules(3, [&](int seed) {
    std::mt19937_64 g(static_cast<uint64_t>(seed) + 1);
    for (int i = 0; i < 200 / kScale; ++i) {
      const size_t which = g() % cases.size();
      EncodedSegment s = good[which];
      BlockRecord& r = s.records[0];
      const BlockPlan plan = plan_block(s.header.block_bytes(0), s.header.split(), s.header.tables);
      const uint32_t parts[] = {0, plan.ids_at, plan.lanes_at, r.coded_bytes};
      const uint32_t part = static_cast<uint32_t>(g() % 3);
      if (parts[part + 1] == parts[part]) continue;
      const uint32_t at =
          parts[part] + static_cast<uint32_t>(g() % (parts[part + 1] - parts[part]));
      s.data[at] ^= static_cast<uint8_t>(1u << (g() % 8));
      if (g() % 8 > 0) r.coded_hash = hash64({s.data.data(), r.coded_bytes});
      const Decoded a = test::decode_segment(*cpu, s), b = test::decode_segment(*device, s);
      ASSERT_EQ(a.status, b.status) << cases[which].name << ", byte " << at;
      ++statuses[static_cast<size_t>(a.status[0])];
    }
  });
  for (const BlockStatus status : {BlockStatus::bad_coded_hash, BlockStatus::bad_block,
                                   BlockStatus::bad_stream, BlockStatus::bad_decoded_hash})
    EXPECT_GT(statuses[static_cast<size_t>(status)], 0u);
}

TEST(ClassesParity, PartsOfASegment) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  const Case cases[] = {
      {"I32", ElementType::i32, all_modes(make_records(1 << 17, 4, 1), 1 << 17, 4, 2)},
      {"BF16", ElementType::bf16,
       all_modes(scaled_weights(ElementType::bf16, 1 << 17, 4096, 12, 3), 1 << 17, 2, 4)}};
  for (const Case& c : cases) {
    const EncodedSegment s = encode(*cpu, c);
    for (uint32_t first = 0; first < s.header.blocks; ++first)
      for (uint32_t count = 1; count <= std::min(2u, s.header.blocks - first); ++count) {
        const Decoded d = test::decode_segment(*device, s, first, count);
        for (const BlockStatus status : d.status) ASSERT_EQ(status, BlockStatus::ok) << c.name;
        ASSERT_TRUE(std::equal(d.content.begin(), d.content.end(),
                               c.content.begin() + s.header.block_begin(first)))
            << c.name << ", block " << first;
      }
  }
}

TEST(ClassesParity, PlaneElementIsTheInverseOfPlanePosition) {
  for (const uint32_t period : {2u, 3u, 18u, 210u, 512u})
    for (const uint32_t n : {1u, 2u, 17u, 209u, 210u, 211u, 4099u}) {
      const Planes s = make_planes(n, period);
      for (uint32_t i = 0; i < n; ++i) ASSERT_EQ(plane_element(s, plane_position(s, i)), i);
    }
}
}  // namespace gramzip
