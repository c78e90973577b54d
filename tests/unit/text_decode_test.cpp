// SPDX-License-Identifier: Apache-2.0
// The text decoder against a slow one, on valid and on hostile streams.
#include <gtest/gtest.h>

#include <memory>

#include "host/base/cpu_features.h"
#include "host/cpu/text_decode.h"
#include "tests/unit/text_writer.h"

namespace gramzip {
namespace {
using test::Codes, test::Lanes, test::Random;

// Every set of loops that this machine runs.
std::vector<std::pair<const char*, const cpu::TextLoops*>> all_loops() {
  std::vector<std::pair<const char*, const cpu::TextLoops*>> all{{"baseline", &cpu::kTextBaseline}};
  return all;
}

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
    for (const auto& [name, loops] : all_loops()) {
      const Outcome o = decode(*loops, machine, coded, blocks);
      ASSERT_EQ(o.status, truth.status) << what << " " << name << " " << bits;
      ASSERT_TRUE(o.segment == truth.segment) << what << " " << name << " " << bits;
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
}  // namespace
}  // namespace gramzip
