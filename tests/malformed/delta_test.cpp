// SPDX-License-Identifier: Apache-2.0
// Segments of codecs delta and sparse_delta whose hashes are right and whose fields or streams lie.
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "gramzip/core/bitpack.h"
#include "gramzip/core/sparse_delta.h"
#include "host/base/checksum.h"
#include "host/base/error.h"
#include "host/frame/segment_meta.h"
#include "tests/registry/cases.h"
#include "tests/registry/delta_cases.h"

namespace gramzip {
namespace {
using Bytes = std::vector<uint8_t>;

std::string error_of(const EncodedSegment& s) {
  try {
    frame::load_segment_meta(frame::store_segment_meta(s), s.data.size(), "segment");
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::corrupt) << e.what();
    return e.what();
  }
  return "";
}

// A block whose bits are given, as a segment of bytes over a base of zeros: one group, gaps 0 to 3
// with codes of two bits, and changes of difference less 1 = 0 (code 0) or in the last bucket of
// bytes, 224 and 5 raw bits more (code 1).
constexpr uint32_t kElements = 64;
struct Forge {
  uint32_t lane_log2 = 5, least = 0, extra_bits = 0;
  std::vector<std::string> lanes;  // bits in order
  int unused = 0;                  // bits to set or bytes to add behind the last one
  Bytes content = Bytes(kElements);

  static Forge of(uint32_t lane_log2, std::vector<std::string> lanes) {
    Forge f;
    f.lane_log2 = lane_log2;
    lanes.resize(size_t{1} << lane_log2);
    f.least = UINT32_MAX;
    uint32_t most = 0;
    for (const std::string& l : lanes) {
      f.least = std::min(f.least, static_cast<uint32_t>(l.size()));
      most = std::max(most, static_cast<uint32_t>(l.size()));
    }
    f.extra_bits = ceil_log2(most - f.least + 1);
    f.lanes = std::move(lanes);
    return f;
  }
  EncodedSegment segment() const {
    std::string bits;
    const auto field = [&bits](uint64_t v, uint32_t n) {
      for (uint32_t i = 0; i < n; ++i) bits += (v >> i & 1) != 0 ? '1' : '0';
    };
    field(delta::pack_sparse_head({least, extra_bits, lane_log2}), 32);
    for (const std::string& l : lanes) field(l.size() - least, extra_bits);
    for (const std::string& l : lanes) bits += l;
    EncodedSegment s;
    s.header = make_delta_header(Codec::sparse_delta, ElementType::bytes, kElements, 0);
    s.tables = {0, 0, 1, 0, 0, 0, 4, 0, 0x22, 0x22, 0, 0, 0, 0, 28, 0};
    s.tables.resize(s.tables.size() + 16);
    s.tables[16] = 1;            // symbol 0
    s.tables[16 + 13] = 1 << 4;  // symbol 27
    s.tables.resize(16 + 16);
    s.header.tables = 2;
    s.header.table_bytes = static_cast<uint32_t>(s.tables.size());
    s.data.resize((bits.size() + 7) / 8);
    for (size_t i = 0; i < bits.size(); ++i)
      if (bits[i] == '1') or_bits(s.data.data(), i, 1, 1);
    if (unused == 1) s.data.back() |= 0x80;
    if (unused == 2) s.data.push_back(0);
    if (unused == 3) s.data.pop_back();
    BlockRecord r{BlockMode::coded, static_cast<uint32_t>(s.data.size()), hash64(s.data),
                  hash64(content)};
    s.data.resize(round_up(s.data.size(), kBlockAlign));
    s.records = {r};
    return s;
  }
  BlockStatus status() const {
    const EncodedSegment s = segment();
    const test::DecodedDelta d = test::decode_delta(*make_cpu_backend(), s, Bytes(kElements));
    if (d.status[0] == BlockStatus::ok) EXPECT_EQ(d.content, content);
    return d.status[0];
  }
};

TEST(SparseLies, TheForgeItselfIsHonest) {
  Forge f = Forge::of(1, {"000"
                          "110",
                          "10"
                          "1"
                          "10000"});  // two pieces of 32 places
  f.content[0] = f.content[4] = 255;  // down by 1
  f.content[32 + 2] = 113;            // difference 225 + 1, up by 113
  EXPECT_EQ(f.status(), BlockStatus::ok);
  EXPECT_EQ(Forge::of(5, {}).status(), BlockStatus::ok) << "no change at all";
}

TEST(SparseLies, Streams) {
  EXPECT_EQ(Forge::of(5, {"110"}).status(), BlockStatus::bad_stream)
      << "beyond the two places of the lane";
  EXPECT_EQ(Forge::of(5, {"", "000000000"}).status(), BlockStatus::bad_stream)
      << "behind the last place";
  EXPECT_EQ(Forge::of(5, {"001"
                          "11111"})
                .status(),
            BlockStatus::bad_stream)
      << "a change that changes nothing";
  EXPECT_EQ(Forge::of(5, {"00"}).status(), BlockStatus::bad_stream) << "a gap without its change";
  EXPECT_EQ(Forge::of(5, {"0"}).status(), BlockStatus::bad_stream) << "half a gap";
  EXPECT_EQ(Forge::of(0, {"0001"
                          "1"})
                .status(),
            BlockStatus::bad_stream)
      << "a gap cut short by the block's end";
  EXPECT_EQ(Forge::of(0, {"0001"
                          "1111"})
                .status(),
            BlockStatus::bad_stream)
      << "raw bits cut short by the end";
  Forge f = Forge::of(5, {"000"});
  EXPECT_EQ(f.status(), BlockStatus::bad_decoded_hash);
}

TEST(SparseLies, Heads) {
  const auto status = [](const std::function<void(Forge&)>& change) {
    Forge f = Forge::of(5, {"000", "000000"});
    f.content[0] = f.content[2] = f.content[3] = 255;
    EXPECT_EQ(f.status(), BlockStatus::ok);
    change(f);
    return f.status();
  };
  EXPECT_EQ(status([](Forge& f) { f.lane_log2 = 6; }), BlockStatus::bad_block);
  EXPECT_EQ(status([](Forge& f) { f.lane_log2 = 7; }), BlockStatus::bad_block);
  EXPECT_EQ(status([](Forge& f) { f.extra_bits = 31; }), BlockStatus::bad_block);
  EXPECT_EQ(status([](Forge& f) { f.extra_bits = 4; }), BlockStatus::bad_block)
      << "more than the largest needs";
  EXPECT_EQ(status([](Forge& f) { f.least = 0xffffff; }), BlockStatus::bad_block);
  EXPECT_EQ(status([](Forge& f) { f.unused = 1; }), BlockStatus::bad_block);
  EXPECT_EQ(status([](Forge& f) { f.unused = 2; }), BlockStatus::bad_block);
  EXPECT_EQ(status([](Forge& f) { f.unused = 3; }), BlockStatus::bad_block);
  Forge least = Forge::of(1, {"000", "000"});  // the least of all lanes is 3, not 2
  EncodedSegment s = least.segment();
  for (const size_t size : {size_t{0}, size_t{3}, size_t{4}}) {
    s.records[0].coded_bytes = static_cast<uint32_t>(size);
    s.records[0].coded_hash = hash64({s.data.data(), size});
    EncodedSegment cut = s;
    if (size == 0) cut.data.clear();
    EXPECT_EQ(test::decode_delta(*make_cpu_backend(), cut, Bytes(kElements)).status[0],
              BlockStatus::bad_block);
  }
}

TEST(DeltaLies, Fields) {
  const auto cases = test::edge_deltas();
  const auto of = [&](const char* name, Codec codec) {
    for (const test::DeltaCase& c : cases)
      if (c.name == name) return test::encode_delta_as(codec, c);
    std::abort();
  };
  const auto expect = [](const char* what, EncodedSegment s,
                         const std::function<void(EncodedSegment&)>& change) {
    EXPECT_EQ(error_of(s), "");
    change(s);
    const std::string error = error_of(s);
    EXPECT_NE(error.find(what), std::string::npos) << "wanted: " << what << "; got: " << error;
  };
  const EncodedSegment dense = of("BF16/steps", Codec::delta),
                       sparse = of("BF16/steps-sparse", Codec::sparse_delta);
  ASSERT_GT(dense.header.tables, 2);
  ASSERT_GT(sparse.header.tables, 2);
  const auto word = [](uint32_t i, uint16_t v) {
    return [i, v](EncodedSegment& s) { store_le<uint16_t>(s.tables.data() + 2 * i, v); };
  };
  expect("classes", dense, word(0, 0));
  expect("classes", dense, word(0, 17));
  expect("bounds", dense, word(1, 0));
  expect("bounds", dense, word(2, 1));
  expect("bounds", sparse, word(0, 1));
  expect("bounds", sparse, word(2, 0));
  expect("rate", sparse, word(1, 0));
  expect("both tables", sparse, [](EncodedSegment& s) { s.header.tables -= 1; });
  expect("run length", sparse, [](EncodedSegment& s) { s.header.run_log2 = 8; });
  expect("base", sparse, [](EncodedSegment& s) { s.header.of_base = false; });
  expect("symbol width", dense, [](EncodedSegment& s) { s.header.symbol_bits = 9; });
  expect("code length limit", dense, [](EncodedSegment& s) { s.header.code_limit = 11; });
  expect("repeat", dense, [](EncodedSegment& s) { s.records[1].mode = BlockMode::repeat; });
  expect("cut short", dense, [](EncodedSegment& s) {
    s.tables.resize(2);
    s.header.table_bytes = 2;
  });
  // Tables: empty ones, gap tables of one symbol, symbols that no value of the type has.
  const auto tables = [](std::initializer_list<uint8_t> bytes) {
    return [bytes = Bytes(bytes)](EncodedSegment& s) {
      s.tables = bytes;
      s.header.table_bytes = static_cast<uint32_t>(bytes.size());
    };
  };
  const EncodedSegment forged = Forge::of(5, {"000"}).segment();
  expect("too few", forged, tables({0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0}));
  expect("too few", forged, tables({0, 0, 1, 0, 0, 0, 2, 0, 0x11, 0, 0, 0, 0, 0, 0, 0}));
  expect("impossible ones", forged,
         tables({0, 0, 1, 0, 67, 0, 2, 0, 0x11, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0}));
  expect("impossible ones", forged,
         tables({0, 0, 1, 0, 0, 0, 2, 0, 0x11, 0, 0, 0, 28, 0, 1, 0, 0, 0, 0, 0}));
}

TEST(DeltaLies, ClassIdsBelongToClasses) {
  for (const test::DeltaCase& c : test::edge_deltas()) {
    EncodedSegment s = test::encode_delta_as(Codec::delta, c);
    const uint32_t classes = s.tables.empty() ? 1 : load_le<uint16_t>(s.tables.data());
    if (classes == 1 || (classes & (classes - 1)) == 0) continue;
    for (BlockRecord& r : s.records) {
      if (r.mode != BlockMode::coded) continue;
      s.data[0] = 0xff;
      r.coded_hash = hash64({s.data.data(), r.coded_bytes});
      EXPECT_EQ(test::decode_delta(*make_cpu_backend(), s, c.base).status[0],
                BlockStatus::bad_block)
          << c.name;
      return;
    }
  }
  GTEST_SKIP() << "no case has classes that are no power of 2";
}

// Any bit of a block may be wrong, and its hash right: the decoder ends, and says so.
TEST(DeltaLies, EveryFlipIsNoticed) {
  const auto backend = make_cpu_backend();
  std::mt19937_64 g(1);
  for (const test::DeltaCase& c : test::edge_deltas()) {
    if (c.content.size() > 70'000) continue;
    for (const Codec codec : {Codec::delta, Codec::sparse_delta}) {
      EncodedSegment s = test::encode_delta_as(codec, c);
      BlockRecord& r = s.records[0];
      if (r.mode != BlockMode::coded) continue;
      for (int round = 0; round < 24; ++round) {
        // The first bytes hold class ids, head and lengths.
        const size_t bit = g() % (8 * (round < 12 ? std::min(r.coded_bytes, 48u) : r.coded_bytes));
        s.data[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
        r.coded_hash = hash64({s.data.data(), r.coded_bytes});
        const test::DecodedDelta d = test::decode_delta(*backend, s, c.base);
        // Another class may have the same tables.
        if (d.status[0] == BlockStatus::ok && codec == Codec::delta)
          EXPECT_EQ(d.content, c.content);
        else
          EXPECT_GE(d.status[0], BlockStatus::bad_block) << c.name << ", bit " << bit;
        s.data[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
      }
    }
  }
}

// Nothing but noise behind a right hash.
TEST(DeltaLies, NoiseIsNoticed) {
  const auto backend = make_cpu_backend();
  std::mt19937_64 g(2);
  for (const test::DeltaCase& c : test::edge_deltas()) {
    if (c.content.size() > 70'000) continue;
    for (const Codec codec : {Codec::delta, Codec::sparse_delta}) {
      EncodedSegment s = test::encode_delta_as(codec, c);
      BlockRecord& r = s.records[0];
      if (r.mode != BlockMode::coded) continue;
      for (int round = 0; round < 8; ++round) {
        // Behind a lane layout that fits, so that the lanes are reached.
        const uint32_t from = static_cast<uint32_t>(g() % r.coded_bytes);
        for (uint32_t i = from; i < r.coded_bytes; ++i) s.data[i] = static_cast<uint8_t>(g());
        r.coded_hash = hash64({s.data.data(), r.coded_bytes});
        EXPECT_NE(test::decode_delta(*backend, s, c.base).status[0], BlockStatus::ok) << c.name;
      }
    }
  }
}
}  // namespace
}  // namespace gramzip
