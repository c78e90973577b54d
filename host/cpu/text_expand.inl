// SPDX-License-Identifier: Apache-2.0
// Phase 2 of the text decoder: records to bytes. Included by the loops of each instruction set.
#pragma once
#include <cstring>

#include "host/cpu/text_decode.h"

namespace gramzip::cpu {
namespace {
inline void copy_16(uint8_t* to, const uint8_t* from) {
  uint64_t v[2];
  std::memcpy(v, from, 16);
  std::memcpy(to, v, 16);
}
constexpr uint32_t kCopy = 32;  // bytes that every record copies in the fast loop
static_assert(text::kMaxString <= kCopy && kCopy <= model::kPoolSlack);

// length bytes from `distance` before, byte after byte. Writes up to `end`, which is behind them.
inline void copy_match(uint8_t* out, uint32_t length, size_t distance, const uint8_t* end) {
  const uint8_t* from = out - distance;
  uint8_t* const stop = out + length;
  if (end - stop >= 16) {
    // Bytes that repeat closely: the first 16 one by one, then from whole periods before.
    if (distance < 16) {
      for (uint32_t i = 0; i < 16; ++i) out[i] = from[i];
      from = out + 16 - (15 + distance) / distance * distance;
      out += 16;
    }
    for (; out < stop; out += 16, from += 16) copy_16(out, from);
    return;
  }
  while (out < stop) *out++ = *from++;
}

// A lane's bytes and what its records have come to.
struct Expansion {
  const uint32_t* record;
  uint8_t* out;
  text::Repeats repeats;
};

// Any one record, with every check. False if it does not fit.
inline bool expand_record(Expansion& x, const uint8_t* pool, const uint8_t* segment, uint8_t* end) {
  const uint32_t record = *x.record++;
  const auto room = static_cast<size_t>(end - x.out);
  uint32_t length;
  if ((record & text::kRecordMatch) == 0) {
    length = text::record_string_length(record);
    if (length > room) return false;
    std::memcpy(x.out, pool + text::record_string_offset(record), length);
  } else {
    length = text::record_match_length(record);
    uint32_t distance;
    if (record & text::kRecordRepeat)
      distance = x.repeats.take(text::record_repeat(record));
    else
      x.repeats.push(distance = *x.record++);
    if (length > room || distance == 0 || distance > static_cast<size_t>(x.out - segment))
      return false;
    copy_match(x.out, length, distance, end);
  }
  x.out += length;
  return true;
}

// The fast loop copies 32 bytes for a string and for a short match alike, under one check for all
// that is too long, too close, a repeat or an error, which goes the other way. Nothing is written
// behind the lane. Selecting by masks instead of branches was slower (docs/decisions/0006).
bool expand_lane(const TextLane& lane, const uint8_t* pool, const uint8_t* segment, uint8_t* out) {
  uint8_t* const end = out + lane.bytes;
  Expansion x{lane.records, out, {}};
  while (end - x.out >= static_cast<ptrdiff_t>(kCopy)) {
    const uint32_t record = x.record[0], distance = x.record[1];
    const bool match = (record >> 31) != 0;
    const uint32_t length = match ? record & 0x7fffffff : record >> 20;  // of a repeat: large
    const bool near_or_far = (distance < 16) | (distance > static_cast<size_t>(x.out - segment));
    if ((length > kCopy) | (match & near_or_far)) {
      if (!expand_record(x, pool, segment, end)) return false;
      continue;
    }
    const uint8_t* const from =
        match ? x.out - distance : pool + text::record_string_offset(record);
    copy_16(x.out, from);
    copy_16(x.out + 16, from + 16);
    x.out += length;
    x.record += match ? 2 : 1;
    uint32_t* const d = x.repeats.d;
    d[3] = match ? d[2] : d[3];
    d[2] = match ? d[1] : d[2];
    d[1] = match ? d[0] : d[1];
    d[0] = match ? distance : d[0];
  }
  while (x.out < end)
    if (!expand_record(x, pool, segment, end)) return false;
  const auto taken = static_cast<size_t>(x.record - lane.records);
  return taken >= lane.fewest && taken <= lane.most;
}
}  // namespace
}  // namespace gramzip::cpu
