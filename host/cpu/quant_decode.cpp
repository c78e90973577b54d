// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/quant_decode.h"

#include <algorithm>

#include "host/base/cpu_features.h"
#include "host/cpu/class_ids.h"

namespace gramzip::cpu {
namespace {
const QuantLoops& loops() {
#if defined(GRAMZIP_HAVE_AVX2)
  static const QuantLoops& chosen = cpu_features().avx2_bmi2 ? kQuantAvx2 : kQuantBaseline;
  return chosen;
#else
  return kQuantBaseline;
#endif
}
}  // namespace

BlockStatus QuantDecoder::by_codes(std::span<const uint8_t> coded, const SegmentHeader& h,
                                   const QuantDecodeTables& tables, uint32_t n, uint8_t* units,
                                   uint8_t* out) {
  const BlockPlan plan = quant::plan_coded(n, tables.classes);
  if (coded.size() < plan.lanes_at + kBlockAlign) return BlockStatus::bad_block;
  if (!read_class_ids(coded.data(), plan, tables.classes, tables.codes, class_ids_))
    return BlockStatus::bad_block;
  LaneLayout layout;
  if (!parse_lanes(coded, plan.lanes_at, layout)) return BlockStatus::bad_block;
  // Whatever the bits are, a lane reads so many bytes from its start on.
  const uint32_t element = element_info(h.type).bytes;
  const size_t reach =
      size_t{quant::lane_runs(n)} * kRunElements * (kFloatCodeLimit + 8 * element) / 8 + 24;
  const size_t room = layout.stride * kLanes + reach;
  if (lane_bytes_.size() < room) lane_bytes_.resize(room);
  const LaneSet set = spread_lanes(layout, loops().rows_to_lanes, lane_bytes_.data());
  QuantDecodeJob job{};
  job.entries = tables.entries.data();
  job.class_ids = tables.classes > 1 ? class_ids_.data() : nullptr;
  job.units = tables.units.data();
  job.longest = tables.longest;
  job.unit_bytes = tables.unit_bytes;
  job.n = n;
  job.out = units;
  job.elements = out;
  job.element_bytes = element;
  job.escape = static_cast<uint16_t>(tables.levels->escape());
  return tables.trellis() ? loops().decode_trellis(set, job) : loops().decode(set, job);
}

BlockStatus QuantDecoder::decode(std::span<const uint8_t> coded, const SegmentHeader& h,
                                 const QuantDecodeTables& tables, uint32_t first,
                                 std::span<uint8_t> out) {
  const auto n = static_cast<uint32_t>(out.size() / element_info(h.type).bytes);
  uint8_t* units = out.data();
  if (tables.scaled()) {
    if (indexes_.size() < n) indexes_.resize(n);
    units = reinterpret_cast<uint8_t*>(indexes_.data());
  }
  const BlockStatus status = tables.chunk > 0
                                 ? decode_horner(coded, h.type, tables, n, units, out.data())
                                 : by_codes(coded, h, tables, n, units, out.data());
  if (status == BlockStatus::ok && tables.scaled())
    scale_levels(*tables.levels, first, {indexes_.data(), n}, out.data());
  return status;
}

BlockStatus decode_horner(std::span<const uint8_t> coded, ElementType type,
                          const QuantDecodeTables& tables, uint32_t n, uint8_t* units,
                          uint8_t* out) {
  const uint32_t levels = tables.levels->count(), element = element_info(type).bytes;
  if (coded.size() < 4) return BlockStatus::bad_block;
  const uint8_t* const p = coded.data();
  const uint32_t exceptions = load_le<uint32_t>(p);
  const quant::HornerPlan plan = quant::plan_horner(n, element, levels, exceptions);
  if (plan.bytes != coded.size()) return BlockStatus::bad_block;
  for (uint32_t k = 0; k < exceptions; ++k) {
    const uint32_t j = load_le<uint32_t>(p + 4 + 4 * size_t{k});
    if (j >= n || (k > 0 && j <= load_le<uint32_t>(p + 4 * size_t{k})))
      return BlockStatus::bad_block;
  }
  if (!all_zero(p + plan.padding_at, plan.words_at - plan.padding_at))
    return BlockStatus::bad_block;

  const uint32_t unit = tables.unit_bytes, digits = quant::digits_per_word(levels);
  const size_t chunk_bytes = size_t{tables.chunk_digits} * unit;
  const uint8_t* word = p + plan.words_at;
  uint8_t* to = units;
  for (uint32_t begin = 0; begin < n; begin += digits, word += 8) {
    const uint32_t of_word = std::min(digits, n - begin);
    uint64_t v = load_le<uint64_t>(word);
    for (uint32_t left = of_word; left > 0;) {
      const uint64_t quotient = v / tables.chunk, rest = v - quotient * tables.chunk;
      const uint8_t* const from = tables.units.data() + rest * chunk_bytes;
      if (left >= tables.chunk_digits) {
        std::memcpy(to, from, chunk_bytes);
        to += chunk_bytes;
        left -= tables.chunk_digits;
        v = quotient;
      } else {
        std::memcpy(to, from, size_t{left} * unit);
        to += size_t{left} * unit;
        // What the last digits leave of the number is in this chunk too.
        uint64_t power = 1;
        for (; left > 0; --left) power *= levels;
        v = v / power;
      }
    }
    if (v != 0) return BlockStatus::bad_stream;
  }
  for (uint32_t k = 0; k < exceptions; ++k) {
    const uint32_t j = load_le<uint32_t>(p + 4 + 4 * size_t{k});
    const uint64_t x = load_element(p + plan.elements_at, k, element);
    // Digit 0 of its word.
    uint64_t v = load_le<uint64_t>(p + plan.words_at + 8 * size_t{j / digits});
    for (uint32_t d = j % digits; d > 0; --d) v /= levels;
    if (v % levels != 0) return BlockStatus::bad_stream;
    store_element(out, j, element, x);
    if (units != out) store_element(units, j, unit, levels);
  }
  return BlockStatus::ok;
}
}  // namespace gramzip::cpu
