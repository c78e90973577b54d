// SPDX-License-Identifier: Apache-2.0
// The loops of exact floats, compiled once per instruction set with GRAMZIP_EXACT_LOOPS as the
// table's name.
#include "host/cpu/exact_floats.h"
#include "host/cpu/inline_lanes.inl"
#include "host/cpu/transpose.inl"

namespace gramzip::cpu {
namespace {
// The most raw bits of an element of type T: as many elements share a window as the width allows.
template <class T>
constexpr uint32_t kMostExactRaw = sizeof(T) == 8   ? 53
                                   : sizeof(T) == 4 ? 24
                                   : sizeof(T) == 2 ? 11
                                                    : 4;

template <class T>
BlockStatus decode_as(const LaneSet& set, const ExactDecodeJob& job) {
  const uint32_t raw_bits = job.split.raw_bits, symbol_bits = job.split.symbol_bits;
  const auto sign = static_cast<T>(T{1} << (raw_bits - 1)), low = static_cast<T>(sign - 1);
  const uint32_t sign_shift = 8 * sizeof(T) - raw_bits;
  const uint64_t* const bases = job.bases;
  uint8_t* const out = job.out;
  return decode_inline_lanes<kMostExactRaw<T>>(
      set, job.n,
      [&](uint32_t run) {
        const size_t id = job.class_ids ? job.class_ids[run] : 0;
        return [table = job.tables + (id << kFloatCodeLimit)](uint32_t) { return table; };
      },
      [=](uint32_t symbol) { return (symbol >> symbol_bits) != 0 ? 0 : raw_bits; },
      [=](uint32_t j, uint32_t symbol, uint64_t raw) {
        const T r = static_cast<T>(raw);
        const auto x = static_cast<T>(bases[symbol] | (r & low) |
                                      (static_cast<uint64_t>(r & sign) << sign_shift));
        store_le<T>(out + size_t{j} * sizeof(T), x);
      });
}

BlockStatus decode_exact(const LaneSet& set, const ExactDecodeJob& job) {
  switch (job.split.bytes) {
    case 1:
      return decode_as<uint8_t>(set, job);
    case 2:
      return decode_as<uint16_t>(set, job);
    case 4:
      return decode_as<uint32_t>(set, job);
    default:
      return decode_as<uint64_t>(set, job);
  }
}

template <class T>
void encode_as(const ExactEncodeJob& job, uint32_t* words) {
  const Split split = job.split;
  encode_inline_lanes<kMostExactRaw<T>>(
      job.n,
      [&](uint32_t run) {
        const size_t id = job.class_ids ? job.class_ids[run] : 0;
        return [&job, split,
                codes = job.tables->single.data() + id * job.tables->symbols](uint32_t j) {
          const uint32_t symbol = job.symbols[j], raw_bits = exact_raw_bits(split, symbol);
          const uint64_t x = load_le<T>(job.content + size_t{j} * sizeof(T));
          return InlineElement{codes[symbol], raw_bits, raw_bits > 0 ? split.raw(x) : 0};
        };
      },
      job.lanes, job.stride, words);
}

void encode_exact(const ExactEncodeJob& job, uint32_t* words) {
  switch (job.split.bytes) {
    case 1:
      return encode_as<uint8_t>(job, words);
    case 2:
      return encode_as<uint16_t>(job, words);
    case 4:
      return encode_as<uint32_t>(job, words);
    default:
      return encode_as<uint64_t>(job, words);
  }
}

size_t exact_lane_room(uint32_t count, const Split& split) {
  return inline_lane_room(count, split.raw_bits);
}
}  // namespace

const ExactLoops GRAMZIP_EXACT_LOOPS = {rows_to_lanes, lanes_to_rows, decode_exact, encode_exact,
                                        exact_lane_room};
}  // namespace gramzip::cpu
