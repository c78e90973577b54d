// SPDX-License-Identifier: Apache-2.0
// Phase 2 of the text decoder: records to bytes. Included by the loops of each instruction set.
#pragma once
#include <cstring>

#include "host/cpu/text_decode.h"

namespace gramzip::cpu {
namespace {
constexpr size_t kCopyRoom = text::kMaxString;
inline void copy_16(uint8_t* to, const uint8_t* from) {
  uint64_t v[2];
  std::memcpy(v, from, 16);
  std::memcpy(to, v, 16);
}

// length bytes from `distance` before, byte after byte; writes less than 16 bytes behind if there
// is room for them before `end`.
inline void copy_match(uint8_t* out, uint32_t length, size_t distance, const uint8_t* end) {
  const uint8_t* from = out - distance;
  uint8_t* const stop = out + length;
  if (distance >= 16 && end - stop >= 16) {
    do {
      copy_16(out, from);
      out += 16;
      from += 16;
    } while (out < stop);
    return;
  }
  while (out < stop) *out++ = *from++;
}

bool expand_lane(const TextLane& lane, const uint8_t* pool, const uint8_t* segment, uint8_t* out) {
  const uint32_t* r = lane.records;
  uint8_t* const end = out + lane.bytes;
  text::Repeats repeats;
  while (out < end) {
    const uint32_t record = *r++;
    const auto room = static_cast<size_t>(end - out);
    if ((record & text::kRecordMatch) == 0) {
      const uint32_t length = text::record_string_length(record);
      const uint8_t* const from = pool + text::record_string_offset(record);
      if (room >= kCopyRoom) {
        copy_16(out, from);
        copy_16(out + 16, from + 16);
      } else {
        if (length > room) return false;
        std::memcpy(out, from, length);
      }
      out += length;
      continue;
    }
    const uint32_t length = text::record_match_length(record);
    uint32_t distance;
    if (record & text::kRecordRepeat)
      distance = repeats.take(text::record_repeat(record));
    else
      repeats.push(distance = *r++);
    if (length > room || distance == 0 || distance > static_cast<size_t>(out - segment))
      return false;
    copy_match(out, length, distance, end);
    out += length;
  }
  const auto taken = static_cast<size_t>(r - lane.records);
  return taken >= lane.fewest && taken <= lane.most;
}
}  // namespace
}  // namespace gramzip::cpu
