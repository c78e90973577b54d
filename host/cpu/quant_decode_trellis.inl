// SPDX-License-Identifier: Apache-2.0
// The loops of codec quantized along a trellis. Every code is one element, so lanes go in step:
// several side by side, since each waits for its look-ups, while all have whole runs. Included by
// the loops of each instruction set.
#pragma once
#include <algorithm>
#include <cstring>

#include "host/cpu/lane_window.inl"
#include "host/cpu/quant_decode.h"

namespace gramzip::cpu {
namespace {
constexpr uint32_t kTogether = 4;  // codes of 12 bits in a window of 57
constexpr uint32_t kCodeMask = (1u << kFloatCodeLimit) - 1;

struct TrellisLane {
  const uint8_t* bits;
  uint64_t position;
  const uint32_t* tables;
  uint8_t* out;
  uint32_t state;
};

// U: bytes of an element.
template <uint32_t U>
class TrellisLanes {
 public:
  TrellisLanes(const LaneSet& set, const QuantDecodeJob& job) : set_(set), job_(job) {}

  BlockStatus decode() const {
    for (uint32_t first = 0; first < kLanes; first += kSide)
      if (!decode_side_by_side(first)) return BlockStatus::bad_stream;
    return BlockStatus::ok;
  }

 private:
  static constexpr uint32_t kSide = 4;
  static_assert(kLanes % kSide == 0 && kRunElements % kTogether == 0);

  bool decode_side_by_side(uint32_t first) const {
    TrellisLane side[kSide];
    uint32_t begin[kSide], rest[kSide], whole = ~0u;
    for (uint32_t k = 0; k < kSide; ++k) {
      const quant::LaneSpan span = quant::lane_span(job_.n, first + k);
      side[k] = {set_.base + (first + k) * set_.stride, 0, nullptr,
                 job_.out + size_t{span.begin} * U, 0};
      begin[k] = span.begin / kRunElements;
      rest[k] = span.end - span.begin;
      whole = std::min(whole, rest[k] / kRunElements);
    }
    for (uint32_t r = 0; r < whole; ++r) {
      for (uint32_t k = 0; k < kSide; ++k) begin_run(side[k], begin[k] + r);
      for (uint32_t j = 0; j < kRunElements; j += kTogether)
#pragma GCC unroll 4
        for (uint32_t k = 0; k < kSide; ++k) step(side[k]);
    }
    for (uint32_t k = 0; k < kSide; ++k) {
      rest[k] -= whole * kRunElements;
      for (uint32_t r = begin[k] + whole; rest[k] > 0; ++r) {
        const uint32_t n = std::min(rest[k], kRunElements);
        begin_run(side[k], r);
        for (uint32_t j = 0; j < n; ++j) step_one(side[k]);
        rest[k] -= n;
      }
      if (!ends_well(side[k].bits, side[k].position, set_.words[first + k])) return false;
    }
    return true;
  }

  void begin_run(TrellisLane& l, uint32_t run) const {
    const size_t id = job_.class_ids != nullptr ? job_.class_ids[run] : 0;
    l.tables = job_.entries + (2 * id << kFloatCodeLimit);
    l.state = 0;
  }
  static uint32_t look_up(const TrellisLane& l, uint64_t window, uint32_t state) {
    return l.tables[(window & kCodeMask) | (state & 1u) << kFloatCodeLimit];
  }
  static uint32_t next(uint32_t state, uint32_t entry) {
    return (state >> 1) ^ ((entry >> kTrellisStateShift) & 0xffu);
  }
  void put(uint8_t* out, uint32_t entry) const {
    if constexpr (U == 1)
      *out = static_cast<uint8_t>(entry >> kTrellisUnitShift);
    else if constexpr (U == 2)
      store_le<uint16_t>(out, static_cast<uint16_t>(entry >> kTrellisUnitShift));
    else
      std::memcpy(out, job_.units + size_t{entry >> kTrellisUnitShift} * U, U);
  }

  // kTogether elements.
  void step(TrellisLane& l) const {
    uint64_t window = window_at(l.bits, l.position);
    uint32_t state = l.state, sum = 0, any = 0;
#pragma GCC unroll 4
    for (uint32_t k = 0; k < kTogether; ++k) {
      const uint32_t e = look_up(l, window, state);
      put(l.out + k * U, e);
      state = next(state, e);
      window >>= e & 63u;
      sum += e & 63u;
      any |= e;
    }
    if ((any & kTrellisEscape) != 0) [[unlikely]] {
      for (uint32_t k = 0; k < kTogether; ++k) step_one(l);
      return;
    }
    l.state = state;
    l.position += sum;
    l.out += kTogether * U;
  }
  void step_one(TrellisLane& l) const {
    const uint32_t e = look_up(l, window_at(l.bits, l.position), l.state);
    l.state = next(l.state, e);
    l.position += e & 63u;
    if ((e & kTrellisEscape) != 0) {
      uint64_t x = window_at(l.bits, l.position);
      if constexpr (U == 8) x = (x & 0xffffffffu) | window_at(l.bits, l.position + 32) << 32;
      store_element(l.out, 0, U, x);
      l.position += 8 * U;
    } else {
      put(l.out, e);
    }
    l.out += U;
  }

  const LaneSet& set_;
  const QuantDecodeJob& job_;
};

BlockStatus decode_trellis_lanes(const LaneSet& set, const QuantDecodeJob& job) {
  switch (job.unit_bytes) {
    case 1:
      return TrellisLanes<1>(set, job).decode();
    case 2:
      return TrellisLanes<2>(set, job).decode();
    case 4:
      return TrellisLanes<4>(set, job).decode();
    default:
      return TrellisLanes<8>(set, job).decode();
  }
}
}  // namespace
}  // namespace gramzip::cpu
