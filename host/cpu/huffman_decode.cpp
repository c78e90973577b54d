// SPDX-License-Identifier: Apache-2.0
// The structure of a coded block: parts, padding, class ids, lanes. The loops over codes are in
// huffman_decode_loops.inl.
#include "host/cpu/huffman_decode.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "gramzip/core/wire.h"
#include "host/base/cpu_features.h"

namespace gramzip::cpu {
namespace {
const DecodeLoops& loops() {
#if defined(GRAMZIP_HAVE_AVX2)
  static const DecodeLoops& chosen = cpu_features().avx2_bmi2 ? kDecodeAvx2 : kDecodeBaseline;
  return chosen;
#else
  return kDecodeBaseline;
#endif
}

// What a lane of n symbols may read from its start on, whatever its bits are: codes and a window.
size_t lane_slack(uint32_t n) { return size_t{n} * kMaxSymbolBits / 8 + 16; }
}  // namespace

BlockStatus BlockDecoder::decode(std::span<const uint8_t> coded, const Split& split,
                                 const DecodeTables& tables, uint32_t table_count,
                                 std::span<uint8_t> out) {
  const BlockPlan plan = plan_block(static_cast<uint32_t>(out.size()), split, table_count);
  const uint8_t* block = coded.data();
  if (coded.size() < plan.lanes_at + kBlockAlign) return BlockStatus::bad_block;

  const uint64_t raw_bits = uint64_t{plan.n} * split.raw_bits;
  if (!rest_is_zero(block, 0, raw_bits, plan.ids_at)) return BlockStatus::bad_block;
  const uint32_t id_bits = class_id_bits(table_count);
  const auto runs = static_cast<uint32_t>(ceil_div(plan.n, kRunElements));
  if (!rest_is_zero(block, plan.ids_at, uint64_t{runs} * id_bits, plan.lanes_at))
    return BlockStatus::bad_block;
  class_ids_.assign(runs, 0);
  for (uint32_t r = 0; r < runs; ++r) {
    class_ids_[r] =
        static_cast<uint8_t>(load_bits(block + plan.ids_at, uint64_t{r} * id_bits, id_bits));
    if (class_ids_[r] >= table_count || tables.codes_nothing[class_ids_[r]])
      return BlockStatus::bad_block;
  }

  const LaneHead head = unpack_lane_head(load_le<uint32_t>(block + plan.lanes_at));
  if (head.extra_bits > kMaxExtraBits) return BlockStatus::bad_block;
  const uint64_t rows_at = plan.rows_at(head.extra_bits);
  if (rows_at + uint64_t{head.rows} * kLanes * 4 > coded.size()) return BlockStatus::bad_block;
  const uint32_t header_end = plan.lanes_at + 4 + 4 * head.extra_bits;
  if (!all_zero(block + header_end, rows_at - header_end)) return BlockStatus::bad_block;

  std::array<uint32_t, kLanes> words{};
  uint32_t least = UINT32_MAX, most = 0;
  uint64_t total = 0;
  for (uint32_t l = 0; l < kLanes; ++l) {
    const uint32_t extra = lane_extra(block + plan.lanes_at, head.extra_bits, l);
    least = std::min(least, extra);
    most = std::max(most, extra);
    words[l] = head.rows + extra;
    total += words[l];
  }
  if (!extras_fit(head.extra_bits, least, most)) return BlockStatus::bad_block;
  if (rows_at + 4 * total != coded.size()) return BlockStatus::bad_block;

  // De-interleave. Behind each lane lie zeros: a look-up may reach 8 bytes past the last word.
  // Lanes are an odd number of cache lines apart, so that they do not share sets of the cache.
  const size_t stride = ((size_t{head.rows + most} * 4 + 16 + 63) / 64 | 1) * 64;
  const size_t room = stride * kLanes + lane_slack(lane_count(plan.n, 0, split.interleaved));
  if (lane_bytes_.size() < room) lane_bytes_.resize(room);
  uint8_t* lanes = lane_bytes_.data();
  loops().rows_to_lanes(block + rows_at, head.rows, lanes, stride);
  const uint8_t* row = block + rows_at + size_t{head.rows} * kLanes * 4;
  for (uint32_t l = 0; l < kLanes; ++l) {
    const size_t tail = size_t{words[l] - head.rows} * 4;
    uint8_t* at = lanes + l * stride + size_t{4} * head.rows;
    std::memcpy(at, row, tail);
    std::memset(at + tail, 0, 16);
    row += tail;
  }

  const LaneSet set{lanes, stride, words.data()};
  if (!split.interleaved) return loops().bytes(set, tables, plan.n, out.data());
  return loops().floats(set, tables, split, table_count > 1 ? class_ids_.data() : nullptr, plan.n,
                        block, floats_, out.data());
}
}  // namespace gramzip::cpu
