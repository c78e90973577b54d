// SPDX-License-Identifier: Apache-2.0
// The layout of a coded block of exact floats. The loops over elements are in
// exact_floats_loops.inl.
#include "host/cpu/exact_floats.h"

#include "gramzip/core/bitpack.h"
#include "host/base/cpu_features.h"
#include "host/cpu/class_ids.h"

namespace gramzip::cpu {
namespace {
const ExactLoops& loops() {
#if defined(GRAMZIP_HAVE_AVX2)
  static const ExactLoops& chosen = cpu_features().avx2_bmi2 ? kExactAvx2 : kExactBaseline;
  return chosen;
#else
  return kExactBaseline;
#endif
}

}  // namespace

ExactTables make_exact_tables(const SegmentView& s) {
  ExactTables t{make_decode_tables(s.tables, s.header.codec), {}};
  const Split split = s.header.split();
  t.bases.resize(s.header.alphabet());
  for (uint32_t i = 0; i < t.bases.size(); ++i) t.bases[i] = exact_base(split, s.exact.data(), i);
  return t;
}

BlockStatus ExactDecoder::decode(std::span<const uint8_t> coded, const SegmentHeader& h,
                                 const ExactTables& tables, std::span<uint8_t> out) {
  const Split split = h.split();
  const BlockPlan plan = plan_block(static_cast<uint32_t>(out.size()), split, h.tables);
  if (coded.size() < plan.lanes_at + kBlockAlign) return BlockStatus::bad_block;
  if (!read_class_ids(coded.data(), plan, h.tables, tables.codes, class_ids_))
    return BlockStatus::bad_block;
  LaneLayout layout;
  if (!parse_lanes(coded, plan.lanes_at, layout)) return BlockStatus::bad_block;
  const size_t room =
      layout.stride * kLanes + loops().lane_room(lane_count(plan.n, 0, true), split);
  if (lane_bytes_.size() < room) lane_bytes_.resize(room);
  const LaneSet set = spread_lanes(layout, loops().rows_to_lanes, lane_bytes_.data());
  return loops().decode(set, {split, tables.codes.single.data(), tables.bases.data(),
                              h.tables > 1 ? class_ids_.data() : nullptr, plan.n, out.data()});
}

uint32_t ExactEncoder::encode(std::span<const uint8_t> content, const Split& split,
                              const uint16_t* symbols, const EncodeTables& tables,
                              std::span<const uint8_t> class_ids, uint8_t* out) {
  const auto size = static_cast<uint32_t>(content.size());
  const auto table_count = static_cast<uint32_t>(tables.single.size() / tables.symbols);
  const BlockPlan plan = plan_block(size, split, table_count);
  // An odd number of cache lines apart, so that the lanes do not share sets of the cache.
  const size_t room = loops().lane_room(lane_count(plan.n, 0, true), split);
  const size_t stride = ((room + 63) / 64 | 1) * 64;
  if (lane_bytes_.size() < stride * kLanes) lane_bytes_.resize(stride * kLanes);
  LaneWords words{};
  loops().encode(
      {split, content.data(), symbols, &tables, class_ids.empty() ? nullptr : class_ids.data(),
       plan.n, lane_bytes_.data(), stride},
      words.data());
  const LanePlan lane_plan = plan_lanes(words);
  const uint32_t coded = coded_block_bytes(plan, lane_plan);
  if (coded >= size) return 0;
  write_class_ids(class_ids, plan, table_count, out);
  write_lanes({lane_bytes_.data(), stride, words.data()}, lane_plan.head, loops().lanes_to_rows,
              out + plan.lanes_at);
  return coded;
}
}  // namespace gramzip::cpu
