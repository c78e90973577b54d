// SPDX-License-Identifier: Apache-2.0
// Phase 1 of the text decoder: bits to records. Included by the loops of each instruction set.
#pragma once
//
// A step looks up the table of the state by the lane's next bits; the entry has the bits
// it takes, a record or none, and the next state. Escapes, long codes, lengths and distances are
// steps like any other, so no step branches. A step takes at most 33 bits: 11 of the table and 22
// of a distance. Two steps that follow each other take at most 55, since behind a distance comes no
// other one and a length has 22 bits at most; so one window of 57 bits serves two steps.
//
// Whether a lane uses exactly its words. Rounds of four steps (110 bits at most) run as long as
// they end before the last word, so no lane can be complete in them unless it has words left over,
// which is an error. The last words are read step by step, and the records after which a lane may
// be complete are those that end in the last word behind its last set bit: they are neighbours,
// because positions grow. The expansion counts the records that it takes and compares; it need not
// know of bits.
#include <algorithm>
#include <bit>
#include <cstring>

#include "gramzip/core/wire.h"
#include "host/cpu/text_decode.h"

namespace gramzip::cpu {
namespace {
using text::Entry;
constexpr uint32_t kSideBySide = 4;
constexpr uint32_t kRoundSteps = 4;
constexpr int64_t kRoundBits = kRoundSteps / 2 * 55;

inline uint64_t window_at(const uint8_t* bits, uint64_t position) {
  return load_le<uint64_t>(bits + (position >> 3)) >> (position & 7);
}
// The low n bits, n < 64.
inline uint64_t low_bits(uint64_t x, uint32_t n) { return x & ((uint64_t{1} << n) - 1); }

// The step at the front of `window`; returns its entry.
inline Entry step(const Entry* entries, uint64_t window, uint64_t state, uint32_t* record) {
  const auto table = static_cast<text::TableRef>(state);
  const Entry e = entries[text::table_first(table) + low_bits(window, text::table_bits(table))];
  const uint32_t total = text::entry_total(e), raw = text::entry_raw(e);
  *record = text::entry_value(e) + static_cast<uint32_t>(low_bits(window, total) >> (total - raw));
  return e;
}

// A lane in phase 1. Positions in bits from the lane's start.
struct Reader {
  const uint8_t* bits;
  int64_t position;
  int64_t last_round;  // a round may begin up to here
  uint64_t state;
  uint32_t* record;
  uint32_t* last_record;  // and up to here
  TextLane* lane;
};
inline Reader start(TextLane& lane, text::TableRef state) {
  return {lane.bits,
          0,
          (int64_t{lane.words} - 1) * 32 - kRoundBits,
          state,
          lane.records,
          lane.records + lane.bytes + kRecordSlack - 2 - kRoundSteps,
          &lane};
}

// The last steps of a lane. A lane of n bytes has at most n records.
inline void finish(Reader r, const Entry* entries) {
  TextLane& lane = *r.lane;
  lane.fewest = 1;
  lane.most = 0;
  const int64_t end = int64_t{lane.words} * 32;
  int64_t zeros_from = end - 32 + 1;
  if (end > 0) {
    const uint32_t word = load_le<uint32_t>(lane.bits + 4 * (lane.words - 1));
    zeros_from = std::max(zeros_from, end - std::countl_zero(word));
  } else if (lane.bytes == 0) {
    lane.fewest = 0;
  }
  uint32_t* const room = lane.records + lane.bytes + kRecordSlack - 2;
  while (r.position < end && r.record < room) {
    const Entry e =
        step(entries, window_at(r.bits, static_cast<uint64_t>(r.position)), r.state, r.record);
    r.position += text::entry_total(e);
    r.state = text::entry_next(e);
    if (text::entry_emits(e) == 0) continue;
    ++r.record;
    const auto count = static_cast<uint32_t>(r.record - lane.records);
    if (r.position < zeros_from || r.position > end) continue;
    if (lane.most == 0) lane.fewest = count;
    lane.most = count;
  }
  r.record[0] = r.record[1] = text::match_record(0, 0x3fff);
}

// Rounds of kCount lanes until one of them has no room for another round.
template <uint32_t kCount>
void run_rounds(Reader* r, const Entry* entries) {
  int64_t position[kCount], last[kCount];
  uint64_t state[kCount];
  uint32_t *record[kCount], *last_record[kCount];
  const uint8_t* bits[kCount];
  for (uint32_t k = 0; k < kCount; ++k) {
    position[k] = r[k].position, last[k] = r[k].last_round, state[k] = r[k].state;
    record[k] = r[k].record, last_record[k] = r[k].last_record, bits[k] = r[k].bits;
    if (position[k] > last[k] || record[k] > last_record[k]) return;
  }
  for (;;) {
    int64_t room = 0;
    for (uint32_t i = 0; i < kRoundSteps / 2; ++i)
#pragma GCC unroll 4
      for (uint32_t k = 0; k < kCount; ++k) {
        uint64_t window = window_at(bits[k], static_cast<uint64_t>(position[k]));
        const Entry e = step(entries, window, state[k], record[k]);
        record[k] += text::entry_emits(e);
        window >>= text::entry_total(e);
        const Entry f = step(entries, window, text::entry_next(e), record[k]);
        record[k] += text::entry_emits(f);
        position[k] += text::entry_total(e) + text::entry_total(f);
        state[k] = text::entry_next(f);
      }
    for (uint32_t k = 0; k < kCount; ++k)
      room |= (last[k] - position[k]) | (last_record[k] - record[k]);
    if (room < 0) break;
  }
  for (uint32_t k = 0; k < kCount; ++k)
    r[k].position = position[k], r[k].state = state[k], r[k].record = record[k];
}

inline bool is_done(const Reader& r) {
  return r.position > r.last_round || r.record > r.last_record;
}

// Runs `count` readers to their lanes' ends, `next` giving another one in the place of one that is
// done, as long as it can.
template <class Next>
void run_readers(Reader* readers, uint32_t count, const Entry* entries, Next next) {
  while (count > 0) {
    if (count >= kSideBySide)
      run_rounds<kSideBySide>(readers, entries);
    else if (count == 3)
      run_rounds<3>(readers, entries);
    else if (count == 2)
      run_rounds<2>(readers, entries);
    else
      run_rounds<1>(readers, entries);
    for (uint32_t k = 0; k < std::min(count, kSideBySide);) {
      if (!is_done(readers[k])) {
        ++k;
        continue;
      }
      finish(readers[k], entries);
      if (!next(readers[k])) readers[k] = readers[--count];
    }
  }
}

void read_lanes(std::span<TextLane> lanes, const model::DecodeMachine& machine) {
  Reader readers[kSideBySide];
  size_t at = 0;
  const auto next = [&](Reader& r) {
    if (at == lanes.size()) return false;
    r = start(lanes[at++], machine.start);
    return true;
  };
  uint32_t count = 0;
  while (count < kSideBySide && next(readers[count])) ++count;
  run_readers(readers, count, machine.entries.data(), next);
}
}  // namespace
}  // namespace gramzip::cpu
