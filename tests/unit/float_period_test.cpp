// SPDX-License-Identifier: Apache-2.0
// Floats with a period: the writer finds it, and every type, period and size comes back.
#include "host/model/float_period.h"

#include <gtest/gtest.h>

#include "gramzip/core/run_classes.h"
#include "host/cpu/planes.h"
#include "tests/registry/cases.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
using Bytes = std::vector<uint8_t>;
constexpr ElementType kFloats[] = {ElementType::bf16, ElementType::f16,     ElementType::f32,
                                   ElementType::f64,  ElementType::f8_e4m3, ElementType::f8_e5m2};
constexpr size_t kElements = 40000;

EncodedSegment encode(ElementType type, const Bytes& content) {
  return test::encode_segment(*make_cpu_backend(), {"", type, content});
}
size_t coded_bytes(const EncodedSegment& s) { return s.tables.size() + s.data.size(); }
}  // namespace

// Or a multiple of theirs.
TEST(FloatPeriod, ColumnsHaveTheirs) {
  for (const ElementType type : kFloats)
    for (const uint32_t period : {16u, 64u, 96u, 256u}) {
      const Bytes content =
          test::make_columns(type, kElements * element_info(type).bytes, period, 1);
      const uint32_t found = model::choose_float_period(content, type);
      EXPECT_NE(found, 0u) << element_info(type).name << " " << period;
      EXPECT_EQ(found % period, 0u) << element_info(type).name << " " << period;
    }
}

TEST(FloatPeriod, ElementsAlikeSideBySideHaveNone) {
  for (const ElementType type : kFloats) {
    const uint32_t e = element_info(type).bytes;
    EXPECT_EQ(model::choose_float_period(test::make_weights(type, kElements * e, 0.05, 1), type),
              0);
    EXPECT_EQ(model::choose_float_period(test::make_scales(type, kElements * e, 2), type), 0);
    EXPECT_EQ(model::choose_float_period(Bytes(kElements * e, 7), type), 0);
    EXPECT_EQ(model::choose_float_period(test::make_random(kElements * e, 3), type), 0);
  }
}

// Neither a segment that is too short to tell, nor one of which only a part has a period.
TEST(FloatPeriod, IsTakenForWholeSegmentsAlone) {
  constexpr ElementType type = ElementType::bf16;
  const Bytes columns = test::make_columns(type, 2 * kElements, 64, 1);
  EXPECT_EQ(model::choose_float_period({columns.data(), 2 * 32767}, type), 0);
  EXPECT_EQ(model::choose_float_period({columns.data(), 2 * 32768}, type), 64);
  Bytes both = columns;
  const Bytes plain = test::make_weights(type, 2 * kElements, 0.05, 1);
  both.insert(both.end(), plain.begin(), plain.end());
  EXPECT_EQ(model::choose_float_period(both, type), 0);
}

TEST(FloatPeriod, SegmentsAreSmallerWithIt) {
  for (const ElementType type : kFloats) {
    const uint32_t e = element_info(type).bytes;
    const Bytes content = test::make_columns(type, kElements * e, 64, 5);
    const EncodedSegment s = encode(type, content);
    if (s.header.codec == Codec::exact_floats) continue;  // denormals of 8 bits, cut to zero
    EXPECT_EQ(s.header.period, 64) << element_info(type).name;
    Bytes planes(content.size());
    cpu::to_planes(content, e, 64, planes.data());
    const EncodedSegment in_planes = encode(type, planes);
    EXPECT_EQ(in_planes.header.period, 0);
    EXPECT_LE(coded_bytes(s), coded_bytes(in_planes) + coded_bytes(in_planes) / 100);
  }
}

TEST(FloatPeriod, PlanesAreThoseOfTheFormat) {
  for (const uint32_t e : {1u, 2u, 4u, 8u})
    for (const uint32_t period : {2u, 3u, 8u, 64u, 511u, 512u})
      for (const uint32_t n : {1u, 2u, 63u, 512u, 1024u, 5000u}) {
        const Bytes block = test::make_random(n * e, n);
        Bytes planes(block.size()), back(block.size());
        cpu::to_planes(block, e, period, planes.data());
        const Planes s = make_planes(n, period);
        for (uint32_t i = 0; i < n; ++i)
          ASSERT_EQ(load_element(planes.data(), i, e),
                    load_element(block.data(), plane_position(s, i), e))
              << e << " " << period << " " << n;
        cpu::from_planes(planes, e, period, back.data());
        ASSERT_EQ(back, block);
      }
}

// Whatever period a writer takes, in blocks shorter than it too.
TEST(FloatPeriod, EveryPeriodDecodes) {
  for (const ElementType type : kFloats) {
    const uint32_t e = element_info(type).bytes;
    for (const uint16_t period : {2, 7, 64, 511, 512})
      for (const size_t n : {size_t{300}, size_t{5003}}) {
        const Bytes content = test::make_weights(type, n * e, 0.05, n);
        Bytes planes(content.size());
        cpu::to_planes(content, e, period, planes.data());
        EncodedSegment s = encode(type, planes);
        if (s.header.codec != Codec::floats || s.records[0].mode != BlockMode::coded) continue;
        s.header.period = period;
        s.records[0].decoded_hash = hash64(content);
        const test::Decoded d = test::decode_segment(*make_cpu_backend(), s);
        ASSERT_EQ(d.status[0], BlockStatus::ok);
        ASSERT_EQ(d.content, content) << element_info(type).name << " " << period;
      }
  }
}
}  // namespace gramzip
