// SPDX-License-Identifier: Apache-2.0
// Exact floats on the device: the same content and the same statuses as on the CPU.
#include <algorithm>

#include "gramzip/core/plan.h"
#include "host/base/checksum.h"
#include "tests/parity/device.h"
#include "tests/registry/cases.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
constexpr ElementType kFloats[] = {ElementType::bf16, ElementType::f16,     ElementType::f32,
                                   ElementType::f64,  ElementType::f8_e4m3, ElementType::f8_e5m2};

test::SegmentCase specials(ElementType type, size_t elements, uint64_t seed) {
  return {"exact", type, test::special_floats(type, elements * element_info(type).bytes, seed)};
}
}  // namespace

TEST(ExactParity, EveryTypeWidthAndNumberOfTables) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  test::for_schedules(2, [&](int seed) {
    for (const ElementType type : kFloats) {
      const ElementInfo e = element_info(type);
      const uint32_t most = std::min(kMaxExactSymbolBits, 8u * e.bytes - 1);
      for (const uint32_t s : {uint32_t{e.exponent_bits}, (e.exponent_bits + most) / 2, most})
        for (const uint32_t tables : {1u, 8u, 9u, 32u}) {
          const test::SegmentCase c = specials(type, tables == 8 ? 2048 : 2050 + tables,
                                               tables + static_cast<uint64_t>(seed));
          const EncodedSegment coded = test::encode_with_values(
              c, test::special_values(type, 1 + tables % 16), tables, s, tables == 9 ? 2 : 16);
          const test::Decoded d = test::decode_segment(*device, coded);
          ASSERT_EQ(d.status[0], BlockStatus::ok) << e.name << " S=" << s << " T=" << tables;
          ASSERT_EQ(d.content, c.content) << e.name << " S=" << s << " T=" << tables;
        }
    }
  });
}

TEST(ExactParity, WhatTheEncoderWrites) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  int exact = 0;
  for (const test::SegmentCase& c : test::edge_segments()) {
    if (c.name.find("special") == std::string::npos) continue;
    const EncodedSegment coded = test::encode_segment(*cpu, c);
    exact += coded.header.codec == Codec::exact_floats ? 1 : 0;
    ASSERT_EQ(test::decode_segment(*device, coded).content, c.content) << c.name;
  }
  EXPECT_GT(exact, 6);
}

// Damage behind a right hash.
TEST(ExactParity, DamagedBlocksGetTheSameStatus) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  int statuses[5] = {};
  test::for_schedules(3, [&](int seed) {
    std::mt19937_64 g(static_cast<uint64_t>(seed) + 50);
    for (int i = 0; i < 150; ++i) {
      const ElementType type = kFloats[g() % 4];
      EncodedSegment s = test::encode_with_values(
          specials(type, 1500 + g() % 600, g()), test::special_values(type, 1 + g() % 16),
          1 + static_cast<uint32_t>(g() % 10),
          std::min(element_info(type).exponent_bits + 2u, kMaxExactSymbolBits));
      BlockRecord& r = s.records[0];
      const SegmentHeader& h = s.header;
      const BlockPlan plan = plan_block(h.decoded_bytes, h.split(), h.tables);
      switch (g() % 5) {
        case 0:
          s.data[g() % r.coded_bytes] ^= static_cast<uint8_t>(1u << (g() % 8));
          break;
        case 1:
          for (int k = 0; k < 20; ++k) s.data[g() % r.coded_bytes] = static_cast<uint8_t>(g());
          break;
        case 2:
          s.data[g() % (plan.lanes_at + 32)] ^= static_cast<uint8_t>(1u << (g() % 8));
          break;
        case 3:  // everything behind the lane header
          std::fill(s.data.begin() + plan.rows_at(0) + 32, s.data.begin() + r.coded_bytes,
                    static_cast<uint8_t>(g()));
          break;
        default:
          s.data[r.coded_bytes - 1 - g() % 64] ^= 0x80;
      }
      r.coded_hash = hash64({s.data.data(), r.coded_bytes});
      const BlockStatus a = test::decode_segment(*cpu, s).status[0];
      ASSERT_EQ(a, test::decode_segment(*device, s).status[0])
          << "damage " << i << ", seed " << seed;
      ++statuses[static_cast<uint32_t>(a)];
    }
  });
  EXPECT_GT(statuses[2], 10);
  EXPECT_GT(statuses[3], 10);
  EXPECT_GT(statuses[4], 10);
}
}  // namespace gramzip
