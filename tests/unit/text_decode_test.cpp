// SPDX-License-Identifier: Apache-2.0
// The text decoder against a slow one, on valid and on hostile streams.
#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "host/cpu/text_decode.h"
#include "tests/unit/text_writer.h"

namespace gramzip {
namespace {
using test::Codes, test::Lanes, test::Random;

struct Block {
  Lanes lanes;
  uint32_t bytes;
};
struct Outcome {
  std::vector<uint8_t> segment;
  std::vector<BlockStatus> status;
};

Outcome slow_decode(const model::NgramModel& m, const Codes& codes,
                    const std::vector<Block>& blocks) {
  Outcome o;
  for (const Block& b : blocks) {
    const size_t end = o.segment.size() + b.bytes;
    const size_t begin = o.segment.size();
    o.status.push_back(test::read_block(m, codes, b.lanes, b.bytes, o.segment));
    if (o.status.back() != BlockStatus::ok) o.segment.resize(begin);
    o.segment.resize(end);
  }
  return o;
}

// Through memory of exactly the sizes at hand, so that a sanitizer sees what lies beyond.
Outcome decode(const cpu::TextLoops& loops, const model::DecodeMachine& machine,
               const std::vector<std::vector<uint8_t>>& coded, const std::vector<Block>& blocks) {
  std::vector<cpu::TextBlock> in;
  size_t bytes = 0;
  for (size_t b = 0; b < blocks.size(); ++b) {
    in.push_back({coded[b], blocks[b].bytes});
    bytes += blocks[b].bytes;
  }
  Outcome o;
  o.segment.assign(bytes, 0xa5);
  o.status.resize(blocks.size());
  cpu::TextDecoder decoder(loops);
  decoder.decode_segment(in, machine, o.segment, o.status,
                         [](uint32_t, BlockStatus s, std::span<uint8_t>) { return s; });
  return o;
}

std::vector<std::vector<uint8_t>> code_blocks(const std::vector<Block>& blocks) {
  std::vector<std::vector<uint8_t>> coded;
  for (const Block& b : blocks) coded.push_back(test::make_block(b.lanes));
  return coded;
}

void expect_same(const model::NgramModel& m, const Codes& codes, const std::vector<Block>& blocks,
                 const std::string& what) {
  const Outcome truth = slow_decode(m, codes, blocks);
  const auto coded = code_blocks(blocks);
  for (const uint32_t bits : {8u, 9u, 10u, 11u}) {
    const auto machine = model::make_machine(m, bits);
    for (const cpu::TextLoops* loops : cpu::text_loops()) {
      const Outcome o = decode(*loops, machine, coded, blocks);
      ASSERT_EQ(o.status, truth.status) << what << " " << loops->name << " " << bits;
      ASSERT_TRUE(o.segment == truth.segment) << what << " " << loops->name << " " << bits;
    }
  }
}

TEST(TextDecode, Valid) {
  for (uint64_t seed = 0; seed < 150; ++seed) {
    Random random(seed);
    const auto m = test::random_model(random, static_cast<uint32_t>(1 + random() % 40),
                                      static_cast<uint32_t>(1 + random() % 8));
    const Codes codes(m);
    std::vector<Block> blocks;
    std::vector<uint8_t> segment;
    const size_t count = 1 + random() % 7;
    for (size_t b = 0; b < count; ++b) {
      const auto bytes = static_cast<uint32_t>(1 + random() % (uint64_t{1} << (random() % 16)));
      blocks.push_back({test::random_block(random, m, codes, segment, bytes), bytes});
    }
    expect_same(m, codes, blocks, "seed " + std::to_string(seed));
    const auto o =
        decode(cpu::kTextBaseline, model::make_machine(m, 9), code_blocks(blocks), blocks);
    for (const BlockStatus s : o.status) ASSERT_EQ(s, BlockStatus::ok) << seed;
    ASSERT_TRUE(o.segment == segment) << seed;
  }
}

// Words and bits of a block changed at random, small blocks and many of them.
void corrupt(Random& random, Lanes& lanes) {
  auto& lane = lanes[random() % 32];
  const auto any_word = [&]() -> uint32_t& { return lane[random() % lane.size()]; };
  switch (random() % 8) {
    case 0:
      lane.push_back(0);
      break;
    case 1:
      lane.push_back(static_cast<uint32_t>(random()));
      break;
    case 2:
      if (!lane.empty()) lane.pop_back();
      break;
    case 3:
      if (!lane.empty()) lane.resize(random() % lane.size());
      break;
    case 4:
      if (!lane.empty()) lane.back() |= 1u << (random() % 32);
      break;
    case 5:
      lane.assign(random() % 400, 0);
      for (auto& w : lane) w = static_cast<uint32_t>(random());
      break;
    case 6:
      std::swap(lane, lanes[random() % 32]);
      break;
    default:
      if (!lane.empty()) any_word() ^= 1u << (random() % 32);
  }
}

TEST(TextDecode, CorruptStreams) {
  size_t cases = 0, refused = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(1000 + seed);
    const auto m = test::random_model(random, static_cast<uint32_t>(1 + random() % 40),
                                      static_cast<uint32_t>(1 + random() % 8));
    const Codes codes(m);
    const auto machine = model::make_machine(m, static_cast<uint32_t>(8 + seed % 4));
    std::vector<uint8_t> segment;
    std::vector<Block> valid;
    for (int b = 0; b < 2; ++b) {
      const auto bytes = static_cast<uint32_t>(1 + random() % (uint64_t{1} << (6 + random() % 8)));
      valid.push_back({test::random_block(random, m, codes, segment, bytes), bytes});
    }
    for (int i = 0; i < 100; ++i, ++cases) {
      std::vector<Block> blocks = valid;
      for (uint64_t n = 1 + random() % 2; n > 0; --n) corrupt(random, blocks[random() % 2].lanes);
      const Outcome truth = slow_decode(m, codes, blocks);
      for (const BlockStatus s : truth.status) refused += s != BlockStatus::ok;
      const auto coded = code_blocks(blocks);
      for (const cpu::TextLoops* loops : cpu::text_loops()) {
        const Outcome o = decode(*loops, machine, coded, blocks);
        ASSERT_EQ(o.status, truth.status) << seed << " " << i << " " << loops->name;
        ASSERT_TRUE(o.segment == truth.segment) << seed << " " << i << " " << loops->name;
      }
    }
  }
  EXPECT_EQ(cases, 20000u);
  EXPECT_GT(refused, cases / 2);
  EXPECT_LT(refused, 2 * cases);
}

// Any byte of a block changed, cut or added, the lane header included: all loops agree.
TEST(TextDecode, CorruptBytes) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Random random(5000 + seed);
    const auto m = test::random_model(random, 20, 3);
    const Codes codes(m);
    const auto machine = model::make_machine(m, 9);
    std::vector<uint8_t> segment;
    const auto bytes = static_cast<uint32_t>(1 + random() % 6000);
    const std::vector<Block> blocks{{test::random_block(random, m, codes, segment, bytes), bytes}};
    const auto valid = test::make_block(blocks[0].lanes);
    for (int i = 0; i < 100; ++i) {
      auto coded = valid;
      const size_t reach = random() % 2 == 0 ? 64 : coded.size();
      switch (random() % 4) {
        case 0:
          coded.resize(random() % coded.size());
          break;
        case 1:
          coded.resize(coded.size() + 1 + random() % 300, static_cast<uint8_t>(random()));
          break;
        default:
          coded[random() % std::min(reach, coded.size())] ^=
              static_cast<uint8_t>(1 << random() % 8);
      }
      const Outcome first = decode(cpu::kTextBaseline, machine, {coded}, blocks);
      for (const cpu::TextLoops* loops : cpu::text_loops()) {
        const Outcome o = decode(*loops, machine, {coded}, blocks);
        ASSERT_EQ(o.status, first.status) << seed << " " << i << " " << loops->name;
        ASSERT_TRUE(o.segment == first.segment) << seed << " " << i << " " << loops->name;
        std::vector<uint8_t> alone(bytes);
        cpu::TextDecoder decoder(*loops);
        ASSERT_EQ(decoder.decode(coded, machine, alone, 0), first.status[0]);
        if (first.status[0] == BlockStatus::ok) {
          ASSERT_TRUE(alone == first.segment);
        }
      }
    }
  }
}

// A model in which every symbol and distance has a code, and cases made by hand in lane 3.
class Hostile : public ::testing::Test {
 protected:
  void SetUp() override {
    for (uint64_t seed = 0;; ++seed) {
      Random random(seed);
      m_ = test::random_model(random, 30, 2);
      for (auto& lengths : m_.distance_lengths)
        for (uint32_t b = 1; b < lengths.size(); ++b) lengths[b] = b <= 15 ? 5 : 6;
      codes_ = std::make_unique<Codes>(m_);
      bool all = true;
      for (uint32_t s = 0; s < m_.symbols(); ++s) all = all && codes_->global.of.count(s) != 0;
      if (all) return;
    }
  }
  // make: writes lane 3 of a block of 32 lanes of 64 bytes; the others are bytes.
  template <class Make>
  void check(BlockStatus expected, const char* what, Make make) {
    Lanes lanes;
    std::vector<uint8_t> segment;
    for (uint32_t l = 0; l < 32; ++l) {
      test::LaneWriter w(m_, *codes_, segment);
      if (l == 3) make(w);
      while (w.size < 64) w.literal('a' + l % 8);
      if (l == 3 && after_) after_(w.bits);
      segment.resize(size_t{l + 1} * 64);
      lanes.push_back(w.bits.words);
    }
    const std::vector<Block> blocks{{lanes, 2048}, {lanes, 2048}};
    const Outcome truth = slow_decode(m_, *codes_, blocks);
    ASSERT_EQ(truth.status[0], expected) << what;
    for (const cpu::TextLoops* loops : cpu::text_loops()) {
      const Outcome o = decode(*loops, model::make_machine(m_, 9), code_blocks(blocks), blocks);
      ASSERT_EQ(o.status, truth.status) << what << " " << loops->name;
      ASSERT_TRUE(o.segment == truth.segment) << what << " " << loops->name;
    }
  }
  model::NgramModel m_;
  std::unique_ptr<Codes> codes_;
  std::function<void(test::BitString&)> after_;
};

TEST_F(Hostile, Distances) {
  using W = test::LaneWriter;
  check(BlockStatus::ok, "the segment's first byte", [](W& w) { w.match(0, 4, 192); });
  check(BlockStatus::bad_stream, "before the segment", [](W& w) { w.match(0, 4, 193); });
  check(BlockStatus::bad_stream, "far before the segment", [](W& w) { w.match(0, 4, 500); });
  for (uint32_t kind = 1; kind <= 4; ++kind)
    check(BlockStatus::bad_stream, "empty repeat", [&](W& w) { w.match(kind, 4, 0); });
  for (uint32_t kind = 1; kind <= 4; ++kind)
    check(kind <= 2 ? BlockStatus::ok : BlockStatus::bad_stream, "two distances", [&](W& w) {
      w.match(0, 4, 5);
      w.match(0, 4, 9);
      w.match(kind, 4, 0);
    });
  for (uint32_t d = 1; d < 40; ++d)
    check(BlockStatus::ok, "overlap", [&](W& w) { w.match(0, 60, d); });
}

TEST_F(Hostile, Ends) {
  using W = test::LaneWriter;
  check(BlockStatus::ok, "match to the end", [](W& w) { w.match(0, 64, 7); });
  check(BlockStatus::bad_stream, "match past the end", [](W& w) { w.match(0, 65, 7); });
  check(BlockStatus::bad_stream, "long match past the end", [](W& w) { w.match(0, 8000, 7); });
  const auto bytes = [&](uint32_t n) {
    return [n](W& w) {
      for (uint32_t i = 0; i < n; ++i) w.literal('q');
    };
  };
  check(BlockStatus::ok, "bytes to the end", bytes(64));
  check(BlockStatus::bad_stream, "a byte past the end", bytes(65));
  check(BlockStatus::bad_stream, "many bytes past the end", bytes(3000));
  for (uint32_t i = 0; i < m_.strings.size(); ++i) {
    const auto length = static_cast<uint32_t>(m_.strings[i].size());
    for (const uint32_t over : {0u, 1u})
      check(over ? BlockStatus::bad_stream : BlockStatus::ok, "string at the end", [&](W& w) {
        for (uint32_t k = 0; k < 64 - length + over; ++k) w.literal('q');
        w.literal(256 + i);
      });
  }
}

TEST_F(Hostile, Words) {
  const auto nothing = [](test::LaneWriter&) {};
  const auto refused = [&](const char* what, std::function<void(test::BitString&)> after) {
    after_ = std::move(after);
    check(BlockStatus::bad_stream, what, nothing);
  };
  refused("one word too many", [](test::BitString& b) { b.words.push_back(0); });
  refused("one word too few", [](test::BitString& b) { b.words.pop_back(); });
  refused("no words", [](test::BitString& b) { b.words.clear(); });
  refused("many words", [](test::BitString& b) { b.words.resize(2000, 0xffffffff); });
  refused("many zeros", [](test::BitString& b) { b.words.resize(20000, 0); });
  // Every bit behind the last code.
  for (uint32_t bit = 0; bit < 31; ++bit)
    refused("set bits behind", [&](test::BitString& b) {
      const uint32_t at = b.size + bit;
      if (at % 32 == 0 || at / 32 + 1 != b.words.size())
        b.words.pop_back();  // no such bit: an error all the same
      else
        b.words.back() |= 1u << (at % 32);
    });
}

TEST(TextDecode, BadBlocksBecomeZeros) {
  Random random(7);
  const auto m = test::random_model(random, 30, 3);
  const Codes codes(m);
  std::vector<uint8_t> segment;
  std::vector<Block> blocks;
  for (int b = 0; b < 9; ++b)
    blocks.push_back({test::random_block(random, m, codes, segment, 3000), 3000});
  blocks[1].lanes[5].push_back(0);
  blocks[6].lanes[31].push_back(0);
  expect_same(m, codes, blocks, "bad blocks");
}

// Every step takes a bit or more, and tables lie within the machine.
TEST(Machine, EveryStepTakesBits) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    const auto m = test::random_model(random, static_cast<uint32_t>(1 + random() % 200),
                                      static_cast<uint32_t>(1 + random() % 100));
    for (const uint32_t bits : {8u, 9u, 10u, 11u}) {
      const auto machine = model::make_machine(m, bits);
      ASSERT_LE(machine.entries.size(), model::machine_entries(m, bits));
      ASSERT_EQ(machine.entries.size() % 16, 0u);
      uint32_t longest = 0;
      for (const text::Entry e : machine.entries) {
        ASSERT_GE(text::entry_total(e), 1u);
        ASSERT_LE(text::entry_raw(e), text::entry_total(e) - 1);
        longest = std::max(longest, text::entry_total(e));
        const text::TableRef next = text::entry_next(e);
        ASSERT_LE(text::table_first(next) + (1u << text::table_bits(next)), machine.entries.size());
        ASSERT_EQ(text::entry_emits(e) == 0, text::entry_value(e) == 0);
        if (text::entry_emits(e) == 0) continue;
        const uint32_t r = text::entry_value(e), length = text::record_string_length(r);
        if (text::entry_raw(e) == 0 && (r & text::kRecordMatch) == 0 && length > 0) {
          ASSERT_LE(text::record_string_offset(r) + length + model::kPoolSlack,
                    machine.pool.size());
        }
      }
      ASSERT_LE(longest, 33u);
    }
  }
}
}  // namespace
}  // namespace gramzip
