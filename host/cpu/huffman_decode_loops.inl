// SPDX-License-Identifier: Apache-2.0
// The decoder's loops over codes, compiled once per instruction set with GRAMZIP_DECODE_LOOPS as
// the table's name.
//
// A lane's state is its bit position and its output. A window of 64 bits loaded at the byte of the
// position holds 57 bits that count, so 5 look-ups of 11 bits (4 of 12) follow one load. Four lanes
// run side by side, because one alone waits ~9 cycles for each look-up. How many rounds are safe
// for all four, whatever the bits are, is computed ahead, so the rounds themselves check nothing;
// the last few symbols of a lane go one by one.
#include <algorithm>
#include <cstring>

#include "gramzip/core/lanes.h"
#include "gramzip/core/wire.h"
#include "host/cpu/huffman_decode.h"

namespace gramzip::cpu {
namespace {
constexpr uint32_t kSideBySide = 4;
constexpr uint32_t kSlack = 64;  // bits behind a lane's last word that a window may touch

inline uint64_t window_at(const uint8_t* lane, uint64_t position) {
  return load_le<uint64_t>(lane + (position >> 3)) >> (position & 7);
}

// True if the lane's codes end in its last word and zero bits follow.
inline bool ends_well(const uint8_t* lane, uint64_t position, uint32_t words) {
  if ((position + 31) / 32 != words) return false;
  return position % 32 == 0 || (load_le<uint32_t>(lane + 4 * (words - 1)) >> (position % 32)) == 0;
}

// ---- codec bytes: several symbols a look-up ----
struct ByteLane {
  const uint8_t* lane;
  uint64_t position = 0;
  uint64_t limit;  // bits of the lane
  uint8_t* out;
  uint8_t* end;
};
constexpr uint32_t kByteLookups = 5;
constexpr uint32_t kByteBits = kByteLookups * kByteCodeLimit;             // most bits of a round
constexpr uint32_t kByteSymbols = kByteLookups * huffman::kMultiSymbols;  // most symbols of a round

// Rounds that neither leave the lane's bits nor, with their 4-byte stores, its output.
inline uint64_t safe_rounds(const ByteLane& l) {
  const uint64_t bits = l.limit > l.position ? (l.limit - l.position) / kByteBits : 0;
  const auto room = static_cast<uint64_t>(l.end - l.out);
  return std::min(bits, room < 4 ? 0 : (room - 1) / kByteSymbols);
}

void run_rounds(ByteLane* lanes, uint64_t rounds, const uint32_t* multi) {
  const uint8_t *b0 = lanes[0].lane, *b1 = lanes[1].lane, *b2 = lanes[2].lane, *b3 = lanes[3].lane;
  uint64_t p0 = lanes[0].position, p1 = lanes[1].position, p2 = lanes[2].position,
           p3 = lanes[3].position;
  uint8_t *o0 = lanes[0].out, *o1 = lanes[1].out, *o2 = lanes[2].out, *o3 = lanes[3].out;
  constexpr uint32_t mask = (1u << kByteCodeLimit) - 1;
  const auto look_up = [multi](uint64_t& window, uint64_t& sum, uint8_t*& out) {
    const uint32_t e = multi[window & mask];
    store_le<uint32_t>(out, e);
    window >>= (e >> 24) & 63;
    sum += e >> 24;  // low 6 bits: code lengths; they do not carry, 55 < 64
    out += e >> 30;
  };
  for (; rounds > 0; --rounds) {
    uint64_t w0 = window_at(b0, p0), w1 = window_at(b1, p1), w2 = window_at(b2, p2),
             w3 = window_at(b3, p3);
    uint64_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#pragma GCC unroll 5
    for (uint32_t k = 0; k < kByteLookups; ++k) {
      look_up(w0, s0, o0);
      look_up(w1, s1, o1);
      look_up(w2, s2, o2);
      look_up(w3, s3, o3);
    }
    p0 += s0 & 63;
    p1 += s1 & 63;
    p2 += s2 & 63;
    p3 += s3 & 63;
  }
  lanes[0].position = p0, lanes[1].position = p1, lanes[2].position = p2, lanes[3].position = p3;
  lanes[0].out = o0, lanes[1].out = o1, lanes[2].out = o2, lanes[3].out = o3;
}

// The rest of a lane, with every check.
bool finish_lane(ByteLane& l, uint32_t words, const DecodeTables& t) {
  const uint32_t mask = (1u << t.bits) - 1;
  while (l.out < l.end) {
    if (l.position > l.limit) return false;
    const uint16_t e = t.single[window_at(l.lane, l.position) & mask];
    *l.out++ = static_cast<uint8_t>(huffman::entry_symbol(e));
    l.position += huffman::entry_length(e);
  }
  return ends_well(l.lane, l.position, words);
}

BlockStatus decode_bytes(const LaneSet& set, const DecodeTables& t, uint32_t n, uint8_t* out) {
  const uint32_t piece = lane_piece(n);
  for (uint32_t first = 0; first < kLanes; first += kSideBySide) {
    ByteLane lanes[kSideBySide];
    for (uint32_t k = 0; k < kSideBySide; ++k) {
      const uint32_t l = first + k;
      uint8_t* begin = out + std::min<size_t>(n, size_t{l} * piece);
      lanes[k] = {set.base + l * set.stride, 0, uint64_t{set.words[l]} * 32, begin,
                  begin + lane_count(n, l, false)};
    }
    for (;;) {
      uint64_t rounds = UINT64_MAX;
      for (const ByteLane& l : lanes) rounds = std::min(rounds, safe_rounds(l));
      if (rounds == 0) break;
      run_rounds(lanes, rounds, t.multi.data());
    }
    for (uint32_t k = 0; k < kSideBySide; ++k)
      if (!finish_lane(lanes[k], set.words[first + k], t)) return BlockStatus::bad_stream;
  }
  return BlockStatus::ok;
}

// ---- codec floats: groups of 8 symbols a lane and run ----
struct FloatLane {
  const uint8_t* lane;
  uint64_t position;
  uint64_t limit;
};

// `count` symbols of a lane from one table. False if they run past the lane's bits.
inline bool decode_group(FloatLane& l, const uint16_t* table, uint32_t mask, uint32_t count,
                         uint16_t* symbols) {
  for (uint32_t k = 0; k < count; ++k) {
    if (l.position > l.limit) return false;
    const uint16_t e = table[window_at(l.lane, l.position) & mask];
    symbols[k] = static_cast<uint16_t>(huffman::entry_symbol(e));
    l.position += huffman::entry_length(e);
  }
  return true;
}

// 8 symbols of each of four lanes without checks: at most 96 bits a lane.
inline void decode_groups(FloatLane* lanes, const uint16_t* table, uint16_t* symbols) {
  constexpr uint32_t mask = (1u << kFloatCodeLimit) - 1;
  for (uint32_t half = 0; half < 2; ++half) {
    uint64_t w[kSideBySide], used[kSideBySide] = {};
    for (uint32_t k = 0; k < kSideBySide; ++k) w[k] = window_at(lanes[k].lane, lanes[k].position);
    for (uint32_t i = 0; i < 4; ++i)
      for (uint32_t k = 0; k < kSideBySide; ++k) {
        const uint32_t e = table[(w[k] >> used[k]) & mask];
        symbols[k * kLaneGroup + half * 4 + i] = static_cast<uint16_t>(e >> 4);
        used[k] += e & 15;
      }
    for (uint32_t k = 0; k < kSideBySide; ++k) lanes[k].position += used[k];
  }
}

template <class T>
void join_all(const Split& split, const uint8_t* raw_plane, const uint16_t* symbols, uint32_t n,
              uint8_t* out) {
  for (uint32_t i = 0; i < n; ++i) {
    const uint64_t raw = load_bits(raw_plane, uint64_t{i} * split.raw_bits, split.raw_bits);
    store_le<T>(out + size_t{i} * sizeof(T), static_cast<T>(split.join(symbols[i], raw)));
  }
}
// Raw values of whole bytes, the usual case: no bit arithmetic, so the compiler can use vectors.
template <class T, uint32_t kRawBytes>
void join_bytes(const uint8_t* raw_plane, const uint16_t* symbols, uint32_t n, uint8_t* out) {
  constexpr uint32_t shift = 8 * kRawBytes - 1, top = 8 * sizeof(T) - 1;
  for (uint32_t i = 0; i < n; ++i) {
    T raw = 0;
    for (uint32_t b = 0; b < kRawBytes; ++b)
      raw = static_cast<T>(raw | (static_cast<T>(raw_plane[size_t{i} * kRawBytes + b]) << (8 * b)));
    const T low = static_cast<T>((T{1} << shift) - 1);
    store_le<T>(out + size_t{i} * sizeof(T),
                static_cast<T>((raw & low) | (static_cast<T>(symbols[i]) << shift) |
                               (static_cast<T>(raw >> shift) << top)));
  }
}

void join(const Split& split, const uint8_t* raw_plane, const uint16_t* symbols, uint32_t n,
          uint8_t* out) {
  if (split.bytes == 2 && split.raw_bits == 8)
    return join_bytes<uint16_t, 1>(raw_plane, symbols, n, out);
  if (split.bytes == 4 && split.raw_bits == 24)
    return join_bytes<uint32_t, 3>(raw_plane, symbols, n, out);
  switch (split.bytes) {
    case 1:
      return join_all<uint8_t>(split, raw_plane, symbols, n, out);
    case 2:
      return join_all<uint16_t>(split, raw_plane, symbols, n, out);
    case 4:
      return join_all<uint32_t>(split, raw_plane, symbols, n, out);
    default:
      return join_all<uint64_t>(split, raw_plane, symbols, n, out);
  }
}

BlockStatus decode_floats(const LaneSet& set, const DecodeTables& t, const Split& split,
                          const uint8_t* class_ids, uint32_t n, const uint8_t* raw_plane,
                          uint16_t* symbols, uint8_t* out) {
  const uint32_t mask = (1u << t.bits) - 1, steps = (n + kRunElements - 1) / kRunElements;
  for (uint32_t first = 0; first < kLanes; first += kSideBySide) {
    FloatLane lanes[kSideBySide];
    for (uint32_t k = 0; k < kSideBySide; ++k) {
      const uint32_t l = first + k;
      lanes[k] = {set.base + l * set.stride, 0, uint64_t{set.words[l]} * 32};
    }
    for (uint32_t s = 0; s < steps; ++s) {
      const uint16_t* table = t.single.data() + (class_ids ? size_t{class_ids[s]} << t.bits : 0);
      uint16_t* to = symbols + size_t{s} * kRunElements + first * kLaneGroup;
      bool safe = (s + 1) * kRunElements <= n && t.bits == kFloatCodeLimit;
      for (const FloatLane& l : lanes) safe = safe && l.position + 2 * 48 <= l.limit + kSlack - 16;
      if (safe) {
        decode_groups(lanes, table, to);
        continue;
      }
      for (uint32_t k = 0; k < kSideBySide; ++k) {
        const uint32_t at = s * kRunElements + (first + k) * kLaneGroup;
        const uint32_t count = at >= n ? 0 : std::min(kLaneGroup, n - at);
        if (!decode_group(lanes[k], table, mask, count, to + k * kLaneGroup))
          return BlockStatus::bad_stream;
      }
    }
    for (uint32_t k = 0; k < kSideBySide; ++k)
      if (!ends_well(lanes[k].lane, lanes[k].position, set.words[first + k]))
        return BlockStatus::bad_stream;
  }
  join(split, raw_plane, symbols, n, out);
  return BlockStatus::ok;
}
}  // namespace

const DecodeLoops GRAMZIP_DECODE_LOOPS = {decode_bytes, decode_floats};
}  // namespace gramzip::cpu
