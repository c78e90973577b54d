// SPDX-License-Identifier: Apache-2.0
// The loops of codec quantized over lanes, compiled once per instruction set with
// GRAMZIP_QUANT_LOOPS as the table's name. Several lanes are decoded side by side, since each waits
// for its look-ups; a lane that ends makes room for the next one.
#include <algorithm>
#include <cstring>

#include "host/cpu/lane_window.inl"
#include "host/cpu/quant_decode.h"
#include "host/cpu/quant_decode_trellis.inl"
#include "host/cpu/transpose.inl"

namespace gramzip::cpu {
namespace {
constexpr uint32_t kSideBySide = 4;

inline uint32_t units_of(uint32_t entry) {
  return (entry >> kPhraseShift) & ((1u << kPhraseBits) - 1);
}

// A lane at work. A phrase may lead into the next run, which is longer than any.
struct QuantLane {
  const uint8_t* bits;
  uint64_t position;
  const uint32_t* table;
  uint8_t* out;
  uint8_t* limit;  // from here on it is another run's turn, or stores might leave the lane
  uint8_t* run_end;
  uint32_t run, lane;
};

// U: bytes of a unit. kCopy: bytes that a phrase is copied by; longer ones take several.
template <uint32_t U, uint32_t kCopy>
class QuantLanes {
 public:
  QuantLanes(const LaneSet& set, const QuantDecodeJob& job)
      : set_(set), job_(job), slack_(size_t{job.longest} * U + kCopy) {}

  BlockStatus decode() {
    QuantLane side[kSideBySide];
    uint32_t active = 0;
    while (active < kSideBySide && open(side[active])) ++active;
    while (active == kSideBySide) {
      for (uint32_t q = 0; q < kSideBySide; ++q) step(side[q]);
      for (uint32_t q = 0; q < kSideBySide; ++q)
        if (side[q].out >= side[q].limit && !turn(side[q])) {
          std::swap(side[q], side[--active]);
          break;
        }
      if (bad_) return BlockStatus::bad_stream;
    }
    for (uint32_t q = 0; q < active && !bad_; ++q) do {
        while (side[q].out < side[q].limit) step(side[q]);
      } while (turn(side[q]));
    return bad_ ? BlockStatus::bad_stream : BlockStatus::ok;
  }

 private:
  // Takes the next lane. One without elements is only looked at. False if there is none left, or
  // the block is bad.
  bool open(QuantLane& l) {
    while (next_ < kLanes && !bad_) {
      const quant::LaneSpan span = quant::lane_span(job_.n, next_);
      l.bits = set_.base + next_ * set_.stride;
      l.position = 0;
      l.lane = next_++;
      l.run = span.begin / kRunElements;
      l.out = job_.out + size_t{span.begin} * U;
      if (span.begin == span.end) {
        if (!ends_well(l.bits, 0, set_.words[l.lane])) bad_ = true;
        continue;
      }
      begin_run(l, span.end);
      if (l.out < l.limit || turn(l)) return true;
      return false;
    }
    return false;
  }
  void begin_run(QuantLane& l, uint32_t lane_end) const {
    const uint32_t begin = l.run * kRunElements;
    const size_t id = job_.class_ids != nullptr ? job_.class_ids[l.run] : 0;
    l.table = job_.entries + (id << kFloatCodeLimit);
    uint8_t* const end = job_.out + size_t{lane_end} * U;
    l.run_end = job_.out + size_t{std::min(begin + kRunElements, lane_end)} * U;
    const size_t room = static_cast<size_t>(end - l.out);
    l.limit = room < slack_ ? l.out : std::min(l.run_end, end - slack_);
  }

  // Up to kTogether codes of a lane that is below its limit.
  void step(QuantLane& l) {
    if (l.out >= l.limit) return;
    uint64_t window = window_at(l.bits, l.position);
#pragma GCC unroll 4
    for (uint32_t k = 0; k < kTogether; ++k) {
      const uint32_t e = l.table[window & kCodeMask], bytes = units_of(e) * U;
      if (bytes == 0) [[unlikely]]
        return take_escape(l, e);
      const uint8_t* const from = job_.units + size_t{e >> kUnitShift} * U;
      std::memcpy(l.out, from, kCopy);
      if constexpr (kCopy == kUnitPad)
        for (uint32_t i = kCopy; i < bytes; i += kCopy) std::memcpy(l.out + i, from + i, kCopy);
      l.out += bytes;
      window >>= e & 63u;
      l.position += e & 63u;
      if (l.out >= l.limit) return;
    }
  }
  void take_escape(QuantLane& l, uint32_t e) {
    l.position += e & 63u;
    uint64_t x = window_at(l.bits, l.position);
    if (job_.element_bytes == 8) x = (x & 0xffffffffu) | window_at(l.bits, l.position + 32) << 32;
    l.position += 8 * job_.element_bytes;
    if (job_.elements == job_.out) {
      store_element(l.out, 0, U, x);
    } else {
      store_element(l.out, 0, U, job_.escape);
      store_element(job_.elements, static_cast<size_t>(l.out - job_.out) / U, job_.element_bytes,
                    x);
    }
    l.out += U;
  }

  // A lane at its limit: the next run, or at the end of the lane code by code and unit by unit, and
  // then the next lane. False if the lane has ended and there is no other.
  bool turn(QuantLane& l) {
    const uint32_t end = quant::lane_span(job_.n, l.lane).end;
    uint8_t* const lane_end = job_.out + size_t{end} * U;
    for (;;) {
      while (l.out < l.run_end) {
        const uint32_t e = l.table[window_at(l.bits, l.position) & kCodeMask];
        const uint32_t bytes = units_of(e) * U;
        if (bytes == 0) {
          take_escape(l, e);
          continue;
        }
        if (bytes > static_cast<size_t>(lane_end - l.out)) return fail();
        std::memcpy(l.out, job_.units + size_t{e >> kUnitShift} * U, bytes);
        l.out += bytes;
        l.position += e & 63u;
      }
      if (l.out == lane_end) {
        if (!ends_well(l.bits, l.position, set_.words[l.lane])) return fail();
        return open(l);
      }
      ++l.run;
      begin_run(l, end);
      if (l.out < l.limit) return true;
    }
  }
  bool fail() {
    bad_ = true;
    return false;
  }

  const LaneSet& set_;
  const QuantDecodeJob& job_;
  const size_t slack_;
  uint32_t next_ = 0;
  bool bad_ = false;
};

template <uint32_t U>
BlockStatus decode_units(const LaneSet& set, const QuantDecodeJob& job) {
  const uint32_t longest = job.longest * U;
  if (longest <= 8) return QuantLanes<U, 8>(set, job).decode();
  if (longest <= 16) return QuantLanes<U, 16>(set, job).decode();
  if (longest <= 32) return QuantLanes<U, 32>(set, job).decode();
  return QuantLanes<U, kUnitPad>(set, job).decode();
}

BlockStatus decode_quantized_lanes(const LaneSet& set, const QuantDecodeJob& job) {
  switch (job.unit_bytes) {
    case 1:
      return decode_units<1>(set, job);
    case 2:
      return decode_units<2>(set, job);
    case 4:
      return decode_units<4>(set, job);
    default:
      return decode_units<8>(set, job);
  }
}
}  // namespace

const QuantLoops GRAMZIP_QUANT_LOOPS = {rows_to_lanes, decode_quantized_lanes,
                                        decode_trellis_lanes};
}  // namespace gramzip::cpu
