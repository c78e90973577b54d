// SPDX-License-Identifier: Apache-2.0
// Whole runs with the look-ups in registers (RegisterTable), for AVX-512 BW: the next symbols of
// all 32 lanes at once. Included by run_lanes.inl.
//
// Each lane has a window of 64 bits, eight to a vector, and the 16 bits at the front of all of them
// are one vector of indices. No window is moved for that: windows of vector g are rotated so that
// their front is at bit 16 g of their 64, and stays there while codes go out of it.
#pragma once
#include <immintrin.h>

#include <cstring>

#include "host/cpu/decode_tables.h"
#include "host/cpu/lane_read.h"

namespace gramzip::cpu {
namespace {
constexpr uint32_t kWindowVectors = 4, kWindows = 8;
// The lane whose front is word w of a vector, so that transposed vectors have lanes in order.
constexpr uint32_t lane_of_word(uint32_t w) { return 4 * (w % 8) + w / 8; }

struct RegisterPositions {
  alignas(64) uint64_t at[kWindowVectors][kWindows];  // bytes from set.base on, of each vector
  alignas(64) uint16_t bit[kLanes];                   // and bits, 0 to 7, by word
  uint64_t of_word(uint32_t w) const { return at[w % 4][w / 4] * 8 + bit[w]; }
};

// Lanes (by word) whose codes of a run do not fit a window, from where they were.
[[gnu::noinline]] void decode_long(const LaneSet& set, const DecodeTables& tables, uint32_t id,
                                   uint32_t lanes, const RegisterPositions& from, RunEntry* to,
                                   RegisterPositions& end) {
  for (; lanes != 0; lanes &= lanes - 1) {
    const auto w = static_cast<uint32_t>(std::countr_zero(lanes));
    uint64_t position = from.of_word(w);
    decode_halves(set.base, position, tables.runs.data() + (size_t{id} << tables.bits),
                  ~((uint64_t{1} << tables.bits) - 1), to + lane_of_word(w) * kLaneGroup);
    end.at[w % 4][w / 4] = position / 8;
    end.bit[w] = static_cast<uint16_t>(position % 8);
  }
}

class RegisterRuns {
 public:
  RegisterRuns(const LaneSet& set, const DecodeTables& tables) : set_(set), tables_(tables) {
    RegisterPositions p{};
    for (uint32_t w = 0; w < kLanes; ++w)
      p.at[w % 4][w / 4] = uint64_t{lane_of_word(w)} * set.stride;
    load(p);
  }

  void run(uint32_t id, RunEntry* to) {
    const RegisterTable& t = tables_.in_registers[id];
    const __m512i middle = _mm512_set1_epi16(static_cast<int16_t>(t.middle));
    const __m512i in_middle = _mm512_set1_epi16(static_cast<int16_t>((1u << t.middle) - 1));
    const __m512i middle_high = _mm512_set1_epi16(static_cast<int16_t>(0x40u << t.middle));
    const __m512i in_last = _mm512_set1_epi16((1 << RegisterTable::kLastShift) - 1);
    const __m512i first_high = _mm512_set1_epi16(0x40);
    const __m512i last_high = _mm512_set1_epi16(0x40 << RegisterTable::kLastShift);
    const __m512i length = _mm512_set1_epi16(63);

    __m512i x[kWindowVectors];
    load_windows(x);
    __m512i used = bit_, entry[kLaneGroup];
#pragma GCC unroll 8
    for (uint32_t k = 0; k < kLaneGroup; ++k) {
      const __m512i in_first = look_up(t.level[0], x[0], _mm512_test_epi16_mask(x[0], first_high));
      const __m512i from_middle = look_up(t.level[1], _mm512_srlv_epi16(x[0], middle),
                                          _mm512_test_epi16_mask(x[0], middle_high));
      const __m512i from_last =
          look_up(t.level[2], _mm512_srli_epi16(x[0], RegisterTable::kLastShift),
                  _mm512_test_epi16_mask(x[0], last_high));
      const __m512i e = _mm512_mask_mov_epi16(
          in_first, _mm512_testn_epi16_mask(x[0], in_middle),
          _mm512_mask_mov_epi16(from_middle, _mm512_testn_epi16_mask(x[0], in_last), from_last));
      entry[k] = e;
      shift_windows(x, e);
      used = _mm512_add_epi16(used, _mm512_and_si512(e, length));
    }
    put_by_lane(entry, to);

    const __mmask32 long_lanes = _mm512_cmpgt_epu16_mask(used, _mm512_set1_epi16(64));
    RegisterPositions before;
    if (long_lanes != 0) [[unlikely]]
      store(before);
    const __m512i bytes = _mm512_srli_epi16(used, 3);
    bit_ = _mm512_and_si512(used, _mm512_set1_epi16(7));
    for (uint32_t g = 0; g < kWindowVectors; ++g)
      at_[g] = _mm512_add_epi64(
          at_[g], _mm512_and_si512(_mm512_srli_epi64(bytes, 16 * g), _mm512_set1_epi64(0xffff)));
    if (long_lanes != 0) [[unlikely]] {
      RegisterPositions end;
      store(end);
      decode_long(set_, tables_, id, long_lanes, before, to, end);
      load(end);
    }
  }

  // Bits from set.base on, of each lane.
  void positions(uint64_t* to) const {
    RegisterPositions p;
    store(p);
    for (uint32_t w = 0; w < kLanes; ++w) to[lane_of_word(w)] = p.of_word(w);
  }

 private:
  // Complements of the next 64 bits of each lane, 16 of them to a vector.
  void load_windows(__m512i* x) const {
    __m512i a[kWindowVectors], b[kWindowVectors];
#pragma GCC unroll 4
    for (uint32_t g = 0; g < kWindowVectors; ++g)
      x[g] = _mm512_xor_si512(_mm512_i64gather_epi64(at_[g], set_.base, 1), _mm512_set1_epi64(-1));
    for (uint32_t g = 0; g < 4; g += 2) {
      a[g] = _mm512_unpacklo_epi16(x[g], x[g + 1]);
      a[g + 1] = _mm512_unpackhi_epi16(x[g], x[g + 1]);
    }
    for (uint32_t h = 0; h < 2; ++h) {
      b[h] = _mm512_unpacklo_epi32(a[h], a[2 + h]);
      b[2 + h] = _mm512_unpackhi_epi32(a[h], a[2 + h]);
    }
    for (uint32_t i = 0; i < 4; i += 2) {
      x[i] = _mm512_unpacklo_epi64(b[i], b[i + 1]);
      x[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 1]);
    }
    shift_windows(x, bit_);
  }
  // Counts are taken mod 16. What comes in at the end is never used.
  static void shift_windows(__m512i* x, __m512i counts) {
    for (uint32_t i = 0; i < 4; ++i)
      x[i] = _mm512_shrdv_epi16(x[i], x[std::min(i + 1, 3u)], counts);
  }

  // high: where bit 6 of the index is set.
  static __m512i look_up(const uint16_t* level, __m512i index, __mmask32 high) {
    const __m512i a =
        _mm512_permutex2var_epi16(_mm512_load_si512(level), index, _mm512_load_si512(level + 32));
    const __m512i b = _mm512_permutex2var_epi16(_mm512_load_si512(level + 64), index,
                                                _mm512_load_si512(level + 96));
    return _mm512_mask_mov_epi16(a, high, b);
  }

  // entry[k] has symbol k of each lane: to the order of elements, 8 x 8 at a time.
  static void put_by_lane(const __m512i* entry, RunEntry* to) {
    __m512i a[kLaneGroup], b[kLaneGroup];
#pragma GCC unroll 4
    for (uint32_t i = 0; i < 4; ++i) {
      a[i] = _mm512_unpacklo_epi16(entry[2 * i], entry[2 * i + 1]);
      a[4 + i] = _mm512_unpackhi_epi16(entry[2 * i], entry[2 * i + 1]);
    }
#pragma GCC unroll 4
    for (uint32_t i = 0; i < 4; ++i) {
      b[i] = _mm512_unpacklo_epi32(a[2 * i], a[2 * i + 1]);
      b[4 + i] = _mm512_unpackhi_epi32(a[2 * i], a[2 * i + 1]);
    }
    // b[0], b[1]: words 0 and 1, symbols 0 to 3 and 4 to 7; b[4], b[5]: words 2 and 3; b[2], b[3]:
    // words 4 and 5; b[6], b[7]: words 6 and 7.
    constexpr uint32_t kOf[] = {0, 4, 2, 6};
#pragma GCC unroll 4
    for (uint32_t i = 0; i < 4; ++i) {
      _mm512_storeu_si512(to + 64 * i, _mm512_unpacklo_epi64(b[kOf[i]], b[kOf[i] + 1]));
      _mm512_storeu_si512(to + 64 * i + 32, _mm512_unpackhi_epi64(b[kOf[i]], b[kOf[i] + 1]));
    }
  }

  void load(const RegisterPositions& p) {
    for (uint32_t g = 0; g < kWindowVectors; ++g) at_[g] = _mm512_load_si512(p.at[g]);
    bit_ = _mm512_load_si512(p.bit);
  }
  void store(RegisterPositions& p) const {
    for (uint32_t g = 0; g < kWindowVectors; ++g) _mm512_store_si512(p.at[g], at_[g]);
    _mm512_store_si512(p.bit, bit_);
  }

  const LaneSet& set_;
  const DecodeTables& tables_;
  __m512i at_[kWindowVectors], bit_;  // as RegisterPositions
};
}  // namespace
}  // namespace gramzip::cpu
