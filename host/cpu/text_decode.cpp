// SPDX-License-Identifier: Apache-2.0
// Blocks and lanes of n-gram text, and which loops run. The loops are in text_decode_loops.inl.
#include "host/cpu/text_decode.h"

#include <algorithm>
#include <cstring>

#include "gramzip/core/lanes.h"
#include "host/base/cpu_features.h"

namespace gramzip::cpu {
namespace {
// Blocks whose lanes are read together, so that few run side by side only at the end.
constexpr size_t kBlocksTogether = 4;
}  // namespace

std::span<const TextLoops* const> text_loops() {
  static const std::vector<const TextLoops*> all = [] {
    std::vector<const TextLoops*> a{&kTextBaseline};
#if defined(GRAMZIP_HAVE_AVX2)
    if (cpu_features().avx2_bmi2) a.push_back(&kTextAvx2);
#endif
#if defined(GRAMZIP_HAVE_AVX512)
    if (cpu_features().avx512) a.push_back(&kTextAvx512);
#endif
    return a;
  }();
  return all;
}

TextDecoder::TextDecoder() : TextDecoder(*text_loops().back()) {}

void TextDecoder::read(std::span<const TextBlock> blocks, const model::DecodeMachine& machine) {
  layouts_.resize(blocks.size());
  layout_status_.assign(blocks.size(), BlockStatus::bad_block);
  size_t lane_bytes = 0, records = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (!parse_lanes(blocks[i].coded, 0, layouts_[i])) continue;
    layout_status_[i] = BlockStatus::ok;
    lane_bytes += layouts_[i].stride * kLanes;
    records += blocks[i].bytes + size_t{kLanes} * kRecordSlack;
  }
  if (lane_bytes_.size() < lane_bytes) lane_bytes_.resize(lane_bytes);
  if (records_.size() < records) records_.resize(records);
  lanes_.clear();
  uint8_t* bytes_at = lane_bytes_.data();
  uint32_t* records_at = records_.data();
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (layout_status_[i] != BlockStatus::ok) continue;
    const LaneSet set = spread_lanes(layouts_[i], loops_.rows_to_lanes, bytes_at);
    bytes_at += set.stride * kLanes;
    for (uint32_t l = 0; l < kLanes; ++l) {
      const uint32_t bytes = lane_count(blocks[i].bytes, l, false);
      lanes_.push_back({set.base + l * set.stride, set.words[l], bytes, records_at});
      records_at += bytes + kRecordSlack;
    }
  }
  loops_.read(lanes_, machine);
}

BlockStatus TextDecoder::expand(size_t i, const model::DecodeMachine& machine,
                                std::span<uint8_t> segment, size_t block_begin) const {
  if (layout_status_[i] != BlockStatus::ok) return layout_status_[i];
  const auto before = std::count(
      layout_status_.begin(), layout_status_.begin() + static_cast<ptrdiff_t>(i), BlockStatus::ok);
  const TextLane* const lanes = lanes_.data() + static_cast<size_t>(before) * kLanes;
  uint8_t* out = segment.data() + block_begin;
  for (uint32_t l = 0; l < kLanes; ++l) {
    if (!loops_.expand(lanes[l], machine.pool.data(), segment.data(), out))
      return BlockStatus::bad_stream;
    out += lanes[l].bytes;
  }
  return BlockStatus::ok;
}

void TextDecoder::decode_segment(std::span<const TextBlock> blocks,
                                 const model::DecodeMachine& machine, std::span<uint8_t> segment,
                                 std::span<BlockStatus> status, const Finish& finish) {
  std::vector<TextBlock> together;
  size_t begin = 0, next = 0, expanded = 0;
  for (size_t b = 0; b < blocks.size(); ++b) {
    const TextBlock& block = blocks[b];
    if (b == next) {
      together.clear();
      for (; next < blocks.size() && together.size() < kBlocksTogether; ++next)
        if (blocks[next].to_read) together.push_back(blocks[next]);
      read(together, machine);
      expanded = 0;
    }
    BlockStatus s = BlockStatus::ok;
    if (block.to_read) s = expand(expanded++, machine, segment.first(begin + block.bytes), begin);
    const auto out = segment.subspan(begin, block.bytes);
    status[b] = finish(static_cast<uint32_t>(b), s, out);
    if (status[b] != BlockStatus::ok) std::memset(out.data(), 0, out.size());
    begin += block.bytes;
  }
}

BlockStatus TextDecoder::decode(std::span<const uint8_t> coded, const model::DecodeMachine& machine,
                                std::span<uint8_t> segment, size_t block_begin) {
  const TextBlock block{coded, static_cast<uint32_t>(segment.size() - block_begin)};
  read({&block, 1}, machine);
  return expand(0, machine, segment, block_begin);
}
}  // namespace gramzip::cpu
