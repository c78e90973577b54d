// SPDX-License-Identifier: Apache-2.0
// The structure of a coded block: parts, padding, class ids, lanes. The loops over codes are in
// huffman_decode_loops.inl.
#include "host/cpu/huffman_decode.h"

#include "gramzip/core/wire.h"
#include "host/base/cpu_features.h"
#include "host/cpu/class_ids.h"
#include "host/cpu/planes.h"

namespace gramzip::cpu {
namespace {
// What a lane of n symbols may read from its start on, whatever its bits are: codes and a window.
size_t lane_slack(uint32_t n) { return size_t{n} * kMaxSymbolBits / 8 + 16; }
}  // namespace

std::span<const DecodeLoops* const> decode_loops() {
  static const std::vector<const DecodeLoops*> all = [] {
    std::vector<const DecodeLoops*> a{&kDecodeBaseline};
#if defined(GRAMZIP_HAVE_AVX2)
    if (cpu_features().avx2_bmi2) a.push_back(&kDecodeAvx2);
#endif
#if defined(GRAMZIP_HAVE_VBMI)
    if (cpu_features().avx512_vbmi) a.push_back(&kDecodeAvx512);
#endif
    return a;
  }();
  return all;
}

BlockStatus BlockDecoder::decode(std::span<const uint8_t> coded, const Split& split,
                                 const DecodeTables& tables, uint32_t table_count, uint32_t period,
                                 std::span<uint8_t> out) {
  const BlockPlan plan = plan_block(static_cast<uint32_t>(out.size()), split, table_count);
  const uint8_t* block = coded.data();
  if (coded.size() < plan.lanes_at + kBlockAlign) return BlockStatus::bad_block;

  const uint64_t raw_bits = uint64_t{plan.n} * split.raw_bits;
  if (!rest_is_zero(block, 0, raw_bits, plan.ids_at)) return BlockStatus::bad_block;
  if (!read_class_ids(block, plan, table_count, tables, class_ids_)) return BlockStatus::bad_block;

  LaneLayout layout;
  if (!parse_lanes(coded, plan.lanes_at, layout)) return BlockStatus::bad_block;
  // Behind each lane lie zeros: a look-up may reach 8 bytes past the last word.
  const size_t room = layout.stride * kLanes + lane_slack(lane_count(plan.n, 0, split.interleaved));
  if (lane_bytes_.size() < room) lane_bytes_.resize(room);
  const LaneSet set = spread_lanes(layout, loops_.rows_to_lanes, lane_bytes_.data());
  if (!split.interleaved) return loops_.bytes(set, tables, plan.n, out.data());
  const uint8_t* const ids = table_count > 1 ? class_ids_.data() : nullptr;
  if (period == 0)
    return loops_.floats(set, tables, split, ids, plan.n, block, symbols_, out.data());
  if (planes_.size() < out.size()) planes_.resize(out.size());
  const BlockStatus status =
      loops_.floats(set, tables, split, ids, plan.n, block, symbols_, planes_.data());
  if (status == BlockStatus::ok)
    from_planes({planes_.data(), out.size()}, split.bytes, period, out.data());
  return status;
}
}  // namespace gramzip::cpu
