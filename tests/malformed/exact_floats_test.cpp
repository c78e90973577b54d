// SPDX-License-Identifier: Apache-2.0
// Segments of exact floats whose hashes are right and whose fields, tables or blocks lie.
#include <gtest/gtest.h>

#include <functional>

#include "gramzip/core/plan.h"
#include "host/base/checksum.h"
#include "host/base/error.h"
#include "tests/registry/cases.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
EncodedSegment honest(ElementType type = ElementType::f16, size_t elements = 900) {
  return test::encode_with_values(
      {"s", type, test::special_floats(type, elements * element_info(type).bytes, 1)},
      test::special_values(type, 3), 2,
      std::min(element_info(type).exponent_bits + 1u, kMaxExactSymbolBits));
}

std::string error_after(const std::function<void(EncodedSegment&)>& change) {
  EncodedSegment s = honest();
  change(s);
  try {
    test::decode_segment(*make_cpu_backend(), s);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

BlockStatus status_of(EncodedSegment s) {
  s.records[0].coded_hash = hash64({s.data.data(), s.records[0].coded_bytes});
  return test::decode_segment(*make_cpu_backend(), s).status[0];
}
}  // namespace

TEST(ExactLies, Fields) {
  const auto expect = [](const char* what, const std::function<void(EncodedSegment&)>& change) {
    const std::string error = error_after(change);
    EXPECT_NE(error.find(what), std::string::npos) << "wanted: " << what << "; got: " << error;
  };
  EXPECT_EQ(error_after([](EncodedSegment&) {}), "");
  expect("number of exact values", [](EncodedSegment& s) { s.header.exact_values = 0; });
  expect("number of exact values", [](EncodedSegment& s) { s.header.exact_values = 17; });
  expect("number of exact values", [](EncodedSegment& s) { s.header.codec = Codec::floats; });
  expect("symbol width", [](EncodedSegment& s) { s.header.symbol_bits = 4; });
  expect("symbol width", [](EncodedSegment& s) { s.header.symbol_bits = 12; });
  expect("code length limit", [](EncodedSegment& s) { s.header.code_limit = 11; });
  expect("contradict", [](EncodedSegment& s) { s.header.type = ElementType::bytes; });
  expect("reserved byte",
         [](EncodedSegment& s) { s.tables[6] = 1; });  // behind 3 values of 2 bytes
  expect("exact values are not in order", [](EncodedSegment& s) { s.tables[3] = 0xff; });
  expect("exact values are not in order",
         [](EncodedSegment& s) { std::copy_n(s.tables.begin(), 2, s.tables.begin() + 2); });
  expect("cut short", [](EncodedSegment& s) {
    s.tables.resize(4);
    s.header.table_bytes = 4;
  });
  expect("cut short", [](EncodedSegment& s) {
    s.tables.resize(s.tables.size() - 4);
    s.header.table_bytes -= 4;
  });
  // The alphabet has 64 + 3 symbols, the last of which has a code.
  expect("outside the alphabet", [](EncodedSegment& s) {
    const uint32_t first = load_le<uint16_t>(&s.tables[8]),
                   count = load_le<uint16_t>(&s.tables[10]);
    EXPECT_EQ(first + count, 67u);
    s.header.exact_values = 2;
    s.tables.erase(s.tables.begin() + 4, s.tables.begin() + 8);
    s.header.table_bytes -= 4;
  });
}

// Whatever is changed, some check sees it, but where an exact code becomes the plain code of the
// same value: only a writer must avoid that.
TEST(ExactLies, EveryBitOfABlock) {
  for (const ElementType type : {ElementType::f16, ElementType::f64}) {
    const EncodedSegment good = honest(type);
    int counts[5] = {};
    for (size_t bit = 0; bit < 8 * size_t{good.records[0].coded_bytes}; ++bit) {
      EncodedSegment s = good;
      s.data[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
      const BlockStatus status = status_of(s);
      ++counts[static_cast<uint32_t>(status)];
    }
    EXPECT_LE(counts[0], 1);
    EXPECT_GT(counts[2], 100);  // ids, lane header
    EXPECT_GT(counts[3], 100);
    EXPECT_GT(counts[4], 100);  // raw bits
  }
}

TEST(ExactLies, LanesTooShortAndTooLong) {
  for (const ElementType type : {ElementType::f16, ElementType::f32, ElementType::f64}) {
    EncodedSegment good = honest(type);
    const SegmentHeader& h = good.header;
    const BlockPlan plan = plan_block(h.decoded_bytes, h.split(), h.tables);
    const uint32_t coded = good.records[0].coded_bytes;
    // One row less: the last bits of every lane, raw ones among them, are cut. One more: of zeros.
    for (const int rows : {-1, 1}) {
      EncodedSegment s = good;
      LaneHead head = unpack_lane_head(load_le<uint32_t>(&s.data[plan.lanes_at]));
      head.rows = static_cast<uint32_t>(static_cast<int>(head.rows) + rows);
      store_le<uint32_t>(&s.data[plan.lanes_at], pack_lane_head(head));
      s.data.resize(coded);
      s.data.resize(static_cast<size_t>(static_cast<int>(coded) + 128 * rows), 0);
      s.records[0].coded_bytes = static_cast<uint32_t>(s.data.size());
      s.data.resize(round_up(s.data.size(), kBlockAlign), 0);
      EXPECT_EQ(status_of(s), BlockStatus::bad_stream) << rows;
    }
    EncodedSegment all = good;
    std::fill(all.data.begin() + plan.rows_at(kMaxExtraBits), all.data.begin() + coded, 0xff);
    EXPECT_EQ(status_of(all), BlockStatus::bad_stream);
    all.data[plan.ids_at] = 0xff;
    EXPECT_NE(status_of(all), BlockStatus::ok);
  }
}
}  // namespace gramzip
