// SPDX-License-Identifier: Apache-2.0
// The structure of a block of codec delta. The loops over elements are in delta_loops.inl.
#include "host/cpu/delta.h"

#include <cstring>

#include "host/base/cpu_features.h"

namespace gramzip::cpu {
namespace {
uint32_t sums_of(ElementType type) {
  return delta::arithmetic(type).exponents() + delta::kMaxClasses;
}

// Bits of raw behind a code, at most; more than any symbol of a checked table has.
uint32_t most_raw(ElementType type) { return delta::arithmetic(type).bits - 3; }

// What a lane of a block may read or write from its start on.
size_t lane_room(ElementType type, uint32_t n) {
  return size_t{lane_count(n, 0, true)} * (delta::kCodeLimit + most_raw(type)) / 8 + 24;
}
}  // namespace

const DeltaLoops& delta_loops() {
#if defined(GRAMZIP_HAVE_AVX2)
  static const DeltaLoops& chosen = cpu_features().avx2_bmi2 ? kDeltaAvx2 : kDeltaBaseline;
  return chosen;
#else
  return kDeltaBaseline;
#endif
}

DeltaDecodeTables::DeltaDecodeTables(std::span<const CodeTable> wire,
                                     std::span<const uint16_t> contexts, ElementType type)
    : tables(make_decode_tables(wire, Codec::delta)), classes(contexts.empty() ? 1 : contexts[0]) {
  const auto count = static_cast<uint32_t>(wire.size());
  if (count == 0) return;
  by_sum.resize(sums_of(type));
  for (uint32_t s = 0; s < by_sum.size(); ++s)
    by_sum[s] = tables.single.data() +
                (size_t{delta::table_of(contexts.data() + 1, count, s)} << tables.bits);
}

DeltaEncodeTables::DeltaEncodeTables(std::span<const CodeBook> books,
                                     std::span<const uint16_t> bounds, uint32_t class_count,
                                     ElementType type)
    : classes(class_count) {
  constexpr uint32_t kSymbols = 1u << delta::kSymbolBits;
  if (books.empty()) return;  // no block is to be coded
  for (const CodeBook& book : books)
    for (uint32_t s = 0; s < kSymbols; ++s) {
      const uint32_t raw = delta::raw_bits(s);
      codes.push_back({static_cast<uint16_t>(huffman::code_bits(book.codes[s])),
                       static_cast<uint8_t>(huffman::code_length(book.codes[s])),
                       static_cast<uint8_t>(raw), raw < 32 ? (1u << raw) - 1 : UINT32_MAX});
    }
  by_sum.resize(sums_of(type));
  for (uint32_t s = 0; s < by_sum.size(); ++s)
    by_sum[s] = codes.data() +
                delta::table_of(bounds.data(), static_cast<uint32_t>(books.size()), s) * kSymbols;
}

uint32_t DeltaEncoder::encode(ElementType type, std::span<const uint8_t> content,
                              const uint8_t* base, const uint8_t* symbols,
                              const uint16_t* exponents, const uint8_t* class_ids,
                              const DeltaEncodeTables& tables, uint8_t* out) {
  const auto size = static_cast<uint32_t>(content.size());
  const BlockPlan plan = delta::plan_dense(size, type, tables.classes);
  // An odd number of cache lines apart, so that the lanes do not share sets of the cache.
  const size_t stride = ((lane_room(type, plan.n) + 63) / 64 | 1) * 64;
  if (lanes_.size() < stride * kLanes) lanes_.resize(stride * kLanes);
  differences_.resize(size);
  LaneWords words{};
  delta_loops().encode(type,
                       {content.data(), base, symbols, exponents, class_ids, tables.by_sum.data(),
                        plan.n, differences_.data(), lanes_.data(), stride},
                       words.data());
  const LanePlan lanes = plan_lanes(words);
  const uint32_t coded = coded_block_bytes(plan, lanes);
  if (coded >= size) return 0;
  std::memset(out, 0, plan.lanes_at);
  const uint32_t id_bits = class_id_bits(tables.classes);
  for (uint32_t r = 0; id_bits > 0 && r * kRunElements < plan.n; ++r)
    or_bits(out, uint64_t{r} * id_bits, id_bits, class_ids[r]);
  write_lanes({lanes_.data(), stride, words.data()}, lanes.head, delta_loops().lanes_to_rows,
              out + plan.lanes_at);
  return coded;
}

BlockStatus DeltaDecoder::decode(ElementType type, std::span<const uint8_t> coded,
                                 std::span<const uint8_t> base, const DeltaDecodeTables& tables,
                                 std::span<uint8_t> out) {
  const BlockPlan plan = delta::plan_dense(static_cast<uint32_t>(out.size()), type, tables.classes);
  if (coded.size() < plan.lanes_at + kBlockAlign) return BlockStatus::bad_block;
  const uint32_t id_bits = class_id_bits(tables.classes);
  const auto runs = static_cast<uint32_t>(ceil_div(plan.n, kRunElements));
  if (!rest_is_zero(coded.data(), 0, uint64_t{runs} * id_bits, plan.lanes_at))
    return BlockStatus::bad_block;
  class_ids_.resize(runs);
  for (uint32_t r = 0; r < runs; ++r) {
    class_ids_[r] = static_cast<uint8_t>(load_bits(coded.data(), uint64_t{r} * id_bits, id_bits));
    if (class_ids_[r] >= tables.classes) return BlockStatus::bad_block;
  }
  LaneLayout layout;
  if (!parse_lanes(coded, plan.lanes_at, layout)) return BlockStatus::bad_block;
  const size_t room = layout.stride * kLanes + lane_room(type, plan.n);
  if (lanes_.size() < room) lanes_.resize(room);
  const LaneSet set = spread_lanes(layout, delta_loops().rows_to_lanes, lanes_.data());
  return delta_loops().decode(
      type, {set, base.data(), class_ids_.data(), tables.by_sum.data(), plan.n, out.data()});
}
}  // namespace gramzip::cpu
