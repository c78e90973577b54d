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

class RegisterRuns {
 public:
  RegisterRuns(const LaneSet& set, const DecodeTables& tables) : set_(set), tables_(tables) {
    alignas(64) uint64_t at[kWindowVectors][kWindows];
    for (uint32_t w = 0; w < kLanes; ++w)
      at[w % 4][w / 4] = uint64_t{lane_of_word(w)} * set.stride;
    for (uint32_t g = 0; g < kWindowVectors; ++g) at_[g] = _mm512_load_si512(at[g]);
    bit_ = _mm512_setzero_si512();
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

    __m512i window[kWindowVectors];
    for (uint32_t g = 0; g < kWindowVectors; ++g) {
      const __m512i loaded = _mm512_i64gather_epi64(at_[g], set_.base, 1);
      const __m512i down = _mm512_add_epi64(_mm512_srli_epi64(bit_, 16 * g),
                                            _mm512_set1_epi64((64 - 16 * g) % 64));
      window[g] = _mm512_rorv_epi64(_mm512_xor_si512(loaded, _mm512_set1_epi64(-1)), down);
    }
    __m512i used = bit_, entry[kLaneGroup];
#pragma GCC unroll 8
    for (uint32_t k = 0; k < kLaneGroup; ++k) {
      const __m512i x = _mm512_mask_mov_epi16(
          _mm512_mask_mov_epi16(window[0], 0x22222222, window[1]), 0xcccccccc,
          _mm512_mask_mov_epi16(window[2], 0x88888888, window[3]));
      const __m512i in_first = look_up(t.level[0], x, _mm512_test_epi16_mask(x, first_high));
      const __m512i from_middle =
          look_up(t.level[1], _mm512_srlv_epi16(x, middle), _mm512_test_epi16_mask(x, middle_high));
      const __m512i from_last = look_up(t.level[2], _mm512_srli_epi16(x, RegisterTable::kLastShift),
                                        _mm512_test_epi16_mask(x, last_high));
      const __m512i e = _mm512_mask_mov_epi16(
          in_first, _mm512_testn_epi16_mask(x, in_middle),
          _mm512_mask_mov_epi16(from_middle, _mm512_testn_epi16_mask(x, in_last), from_last));
      entry[k] = e;
      // Counts are taken mod 64.
      for (uint32_t g = 0; g < kWindowVectors; ++g)
        window[g] = _mm512_rorv_epi64(window[g], _mm512_srli_epi64(e, 16 * g));
      used = _mm512_add_epi16(used, _mm512_and_si512(e, length));
    }
    put_by_lane(entry, to);

    const __mmask32 long_lanes = _mm512_cmpgt_epu16_mask(used, _mm512_set1_epi16(64));
    const __m512i bit_before = bit_, bytes = _mm512_srli_epi16(used, 3);
    bit_ = _mm512_and_si512(used, _mm512_set1_epi16(7));
    if (long_lanes != 0) [[unlikely]] {
      decode_long(long_lanes, id, bit_before, bytes, to);
      return;
    }
    move_on(bytes);
  }

  // Bits from set.base on, of each lane.
  void positions(uint64_t* to) const {
    alignas(64) uint64_t at[kWindowVectors][kWindows];
    alignas(64) uint16_t bit[kLanes];
    for (uint32_t g = 0; g < kWindowVectors; ++g) _mm512_store_si512(at[g], at_[g]);
    _mm512_store_si512(bit, bit_);
    for (uint32_t w = 0; w < kLanes; ++w) to[lane_of_word(w)] = at[w % 4][w / 4] * 8 + bit[w];
  }

 private:
  // high: where bit 6 of the index is set.
  static __m512i look_up(const uint16_t* level, __m512i index, __mmask32 high) {
    const __m512i a = _mm512_permutex2var_epi16(_mm512_load_si512(level), index,
                                                _mm512_load_si512(level + 32));
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

  void move_on(__m512i bytes) {
    for (uint32_t g = 0; g < kWindowVectors; ++g)
      at_[g] = _mm512_add_epi64(at_[g], _mm512_and_si512(_mm512_srli_epi64(bytes, 16 * g),
                                                         _mm512_set1_epi64(0xffff)));
  }

  // Lanes of a run whose codes do not fit a window, from where they were; the others move on.
  [[gnu::noinline]] void decode_long(uint32_t lanes, uint32_t id, __m512i bit_before, __m512i bytes,
                                     RunEntry* to) {
    alignas(64) uint16_t from_bit[kLanes], bit[kLanes], by[kLanes];
    alignas(64) uint64_t at[kWindowVectors][kWindows];
    for (uint32_t g = 0; g < kWindowVectors; ++g) _mm512_store_si512(at[g], at_[g]);
    _mm512_store_si512(from_bit, bit_before);
    _mm512_store_si512(bit, bit_);
    _mm512_store_si512(by, bytes);
    for (; lanes != 0; lanes &= lanes - 1) {
      const auto w = static_cast<uint32_t>(std::countr_zero(lanes));
      const uint64_t begin = at[w % 4][w / 4] * 8;
      uint64_t position = begin + from_bit[w];
      decode_halves(set_.base, position, tables_.runs.data() + (size_t{id} << tables_.bits),
                    ~((uint64_t{1} << tables_.bits) - 1), to + lane_of_word(w) * kLaneGroup);
      by[w] = static_cast<uint16_t>((position - begin) / 8);
      bit[w] = static_cast<uint16_t>(position % 8);
    }
    bit_ = _mm512_load_si512(bit);
    move_on(_mm512_load_si512(by));
  }

  const LaneSet& set_;
  const DecodeTables& tables_;
  __m512i at_[kWindowVectors];  // bytes from set.base on, of the lanes of each vector
  __m512i bit_;                 // and bits, 0 to 7, by word
};
}  // namespace
}  // namespace gramzip::cpu
