// SPDX-License-Identifier: Apache-2.0
// Lanes of fast floats with AVX-512 VBMI2. 16 lanes are a vector of 32-bit windows; a code is
// looked up in two registers that hold the whole table, so a step of 64 elements needs no gather,
// and 16 lanes times 4 exponents are 64 consecutive bytes. Half a block waits for its look-ups (7
// cycles a symbol), so the halves of two blocks run side by side.
#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "host/cpu/fast_decode.h"

namespace gramzip::cpu {
namespace {
constexpr uint32_t kHalf = kLanes / 2;                // lanes of a vector
constexpr uint32_t kHalfStep = kHalf * fast::kGroup;  // elements of a vector and step
// How far ahead of the loop memory is asked for: what a page boundary costs otherwise.
constexpr size_t kAheadRaw = 2048, kAheadWords = 1024, kAheadOut = 4096;

// Lanes: bits `position` on of first and second are still to be read; position is below 32.
struct Half {
  __m512i first, second, position;
};

// One step of 16 lanes. next: 16 words that the lanes may take from. Returns how many they took;
// ranks: byte by byte, rank << 3 | length.
[[gnu::always_inline]] inline uint32_t half_step(Half& h, const FastTable& t, const uint8_t* next,
                                                 __m512i& ranks) {
  const __m512i low = _mm512_load_si512(t.entry), high = _mm512_load_si512(t.entry + 64);
  const __m512i length = _mm512_set1_epi32(7);
  __m512i window = _mm512_shrdv_epi32(h.first, h.second, h.position);
  __m512i position = h.position;
  __m512i e = _mm512_permutex2var_epi8(low, window, high);
  __m512i bits = _mm512_and_si512(e, length);
  ranks = _mm512_slli_epi32(e, 24);
  for (uint32_t k = 1; k < fast::kGroup; ++k) {
    window = _mm512_srlv_epi32(window, bits);
    position = _mm512_add_epi32(position, bits);
    e = _mm512_permutex2var_epi8(low, window, high);
    bits = _mm512_and_si512(e, length);
    ranks = _mm512_shrdi_epi32(ranks, e, 8);
  }
  position = _mm512_add_epi32(position, bits);
  const __mmask16 takes = _mm512_cmpge_epu32_mask(position, _mm512_set1_epi32(32));
  h.position = _mm512_and_si512(position, _mm512_set1_epi32(31));
  h.first = _mm512_mask_mov_epi32(h.first, takes, h.second);
  h.second = _mm512_mask_expand_epi32(h.second, takes, _mm512_loadu_si512(next));
  return static_cast<uint32_t>(_mm_popcnt_u32(takes));
}

// ---- 64 exponents (as ranks) and their raw values into elements ----
[[gnu::always_inline]] inline __m512i by_rank(const uint8_t* table, __m512i ranks) {
  return _mm512_permutexvar_epi8(_mm512_srli_epi16(ranks, 3), _mm512_load_si512(table));
}
[[gnu::always_inline]] inline __m512i select(__m512i mask, __m512i set, __m512i clear) {
  return _mm512_ternarylogic_epi32(mask, set, clear, 0xca);
}
struct Indices {
  alignas(64) uint8_t at[64];
};
template <class F>
constexpr Indices indices(F f) {
  Indices x{};
  for (uint32_t i = 0; i < 64; ++i) x.at[i] = static_cast<uint8_t>(f(i));
  return x;
}

// BF16: the lowest bit of the exponent tops the low byte, the rest lies below the sign.
struct PutBf16 {
  static constexpr uint32_t kRaw = 64, kOut = 128;  // bytes of 64 elements
  static constexpr Indices kFirst = indices([](uint32_t i) { return i / 2 + 64 * (i % 2); }),
                           kSecond = indices([](uint32_t i) { return 32 + i / 2 + 64 * (i % 2); });
  [[gnu::always_inline]] static void put(__m512i ranks, const FastTable& t, const uint8_t* raw,
                                         uint8_t* out) {
    const __m512i e = by_rank(t.rotated, ranks), r = _mm512_loadu_si512(raw);
    const __m512i low = select(_mm512_set1_epi8(0x7f), r, e);
    const __m512i high = select(_mm512_set1_epi8(-128), r, e);
    _mm512_storeu_si512(out, _mm512_permutex2var_epi8(low, _mm512_load_si512(kFirst.at), high));
    _mm512_storeu_si512(out + 64,
                        _mm512_permutex2var_epi8(low, _mm512_load_si512(kSecond.at), high));
  }
};

// F32: the same in the upper half; 16 elements at a time.
struct PutF32 {
  static constexpr uint32_t kRaw = 192, kOut = 256;
  static constexpr Indices kSpread =
      indices([](uint32_t i) { return i / 4 * 3 + (i % 4 < 2 ? i % 4 : 2); });
  [[gnu::always_inline]] static void put(__m512i ranks, const FastTable& t, const uint8_t* raw,
                                         uint8_t* out) {
    const __m512i e = by_rank(t.rotated, ranks), spread = _mm512_load_si512(kSpread.at);
    for (uint32_t k = 0; k < 4; ++k) {
      const __m512i index = _mm512_set1_epi32(static_cast<int>(0x10101010u * k));
      const __m512i at = _mm512_add_epi8(index, _mm512_load_si512(kQuarter.at));
      const __m512i x = _mm512_permutexvar_epi8(at, e);
      const __m512i r = _mm512_permutexvar_epi8(
          spread, _mm512_maskz_loadu_epi8(0xffffffffffff, raw + 48 * size_t{k}));
      _mm512_storeu_si512(out + 64 * size_t{k},
                          select(_mm512_set1_epi32(static_cast<int>(0x807fffffu)), r, x));
    }
  }
  static constexpr Indices kQuarter = indices([](uint32_t i) { return i / 4; });
};

// F16: fields of 11 bits, 32 of them in 44 bytes. Each 64-bit element holds four of them.
struct PutF16 {
  static constexpr uint32_t kRaw = 88, kOut = 128;
  static constexpr Indices kBytes = indices([](uint32_t i) { return 44 * (i / 8) / 8 + i % 8; }),
                           kBits = indices([](uint32_t i) {
                             return 44 * (i / 8) % 8 + 11 * (i % 8 / 2) + 8 * (i % 2);
                           });
  [[gnu::always_inline]] static void put(__m512i ranks, const FastTable& t, const uint8_t* raw,
                                         uint8_t* out) {
    const __m512i e = by_rank(t.exponent, ranks);
    for (uint32_t k = 0; k < 2; ++k) {
      const __m256i half = k == 0 ? _mm512_castsi512_si256(e) : _mm512_extracti64x4_epi64(e, 1);
      const __m512i x = _mm512_slli_epi16(_mm512_cvtepu8_epi16(half), 10);
      const __m512i bytes =
          _mm512_permutexvar_epi8(_mm512_load_si512(kBytes.at),
                                  _mm512_maskz_loadu_epi8(0xfffffffffff, raw + 44 * size_t{k}));
      const __m512i r = _mm512_multishift_epi64_epi8(_mm512_load_si512(kBits.at), bytes);
      const __m512i signs = _mm512_slli_epi16(r, 5);
      _mm512_storeu_si512(out + 64 * size_t{k}, select(_mm512_set1_epi16(-32768), signs,
                                                       select(_mm512_set1_epi16(0x3ff), r, x)));
    }
  }
};

// F8 of R raw bits: eight fields in R bytes, one 64-bit element.
template <uint32_t R>
struct PutF8 {
  static constexpr uint32_t kRaw = 8 * R, kOut = 64;
  static constexpr Indices kBytes = indices(
                               [](uint32_t i) { return i / 8 * R + (i % 8 < R ? i % 8 : 0); }),
                           kBits = indices([](uint32_t i) { return i % 8 * R; });
  [[gnu::always_inline]] static void put(__m512i ranks, const FastTable& t, const uint8_t* raw,
                                         uint8_t* out) {
    constexpr uint8_t low = (1u << (R - 1)) - 1;
    const __m512i x = _mm512_slli_epi16(by_rank(t.exponent, ranks), R - 1);  // below bit 7 of each
    const __m512i bytes = _mm512_permutexvar_epi8(
        _mm512_load_si512(kBytes.at), _mm512_maskz_loadu_epi8((uint64_t{1} << kRaw) - 1, raw));
    const __m512i r = _mm512_multishift_epi64_epi8(_mm512_load_si512(kBits.at), bytes);
    const __m512i signs = _mm512_slli_epi16(r, 8 - R);
    _mm512_storeu_si512(out, select(_mm512_set1_epi8(-128), signs,
                                    select(_mm512_set1_epi8(static_cast<char>(low)), r, x)));
  }
};

// ---- Blocks ----
struct Walk {
  Half half[2];
  uint32_t taken;  // words
  uint32_t step;
};

Walk start(const FastJob& job) {
  alignas(64) uint8_t words[4 * fast::kFirstWords] = {};
  Walk w{};
  w.taken = std::min(job.word_count, fast::kFirstWords);
  if (w.taken > 0) std::memcpy(words, job.words, size_t{4} * w.taken);
  for (uint32_t h = 0; h < 2; ++h) {
    w.half[h].first = _mm512_load_si512(words + 64 * h);
    w.half[h].second = _mm512_load_si512(words + 128 + 64 * h);
    w.half[h].position = _mm512_setzero_si512();
  }
  return w;
}

// A step of a block to out. words: as many as its lanes may take. Returns how many they took.
template <class Put>
[[gnu::always_inline]] inline uint32_t block_step(Walk& w, const FastTable& t, const uint8_t* words,
                                                  const uint8_t* raw, uint8_t* out) {
  __m512i ranks[2];
  const uint32_t first = half_step(w.half[0], t, words, ranks[0]);
  const uint32_t second = half_step(w.half[1], t, words + size_t{4} * first, ranks[1]);
  Put::put(ranks[0], t, raw, out);
  Put::put(ranks[1], t, raw + Put::kRaw, out + Put::kOut);
  return first + second;
}

const FastTable& table_of(const FastJob& job, uint32_t step) {
  return job.tables[job.class_ids[step * fast::kStep / kRunElements]];
}

inline void ask_for(const uint8_t* p, size_t ahead) {
  _mm_prefetch(reinterpret_cast<const char*>(reinterpret_cast<uintptr_t>(p) + ahead), _MM_HINT_T0);
}

// Steps of N blocks side by side, as long as all of them are whole and have words enough.
template <class Put, uint32_t N>
void walk_together(const FastJob* jobs, Walk* w) {
  const uint32_t steps = jobs[0].n / fast::kStep;
  Walk walk[N];
  for (uint32_t i = 0; i < N; ++i) walk[i] = w[i];
  for (uint32_t step = walk[0].step; step < steps; ++step) {
    bool enough = true;
    for (uint32_t i = 0; i < N; ++i) enough &= jobs[i].word_count - walk[i].taken >= kLanes;
    if (!enough) break;
#pragma GCC unroll 2
    for (uint32_t i = 0; i < N; ++i) {
      const FastJob& job = jobs[i];
      const uint8_t* words = job.words + size_t{4} * walk[i].taken;
      const uint8_t* raw = job.raw_plane + size_t{step} * 2 * Put::kRaw;
      uint8_t* out = job.out + size_t{step} * 2 * Put::kOut;
      for (uint32_t at = 0; at < 2 * Put::kRaw; at += 64) ask_for(raw + at, kAheadRaw);
      for (uint32_t at = 0; at < 2 * Put::kOut; at += 64)
        __builtin_prefetch(
            reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(out) + kAheadOut + at), 1);
      ask_for(words, kAheadWords);
      walk[i].taken += block_step<Put>(walk[i], table_of(job, step), words, raw, out);
      walk[i].step = step + 1;
    }
  }
  for (uint32_t i = 0; i < N; ++i) w[i] = walk[i];
}

// The rest of a block: the last words, with zeros behind them, and a step that is not whole.
template <class Put>
BlockStatus finish(const FastJob& job, Walk& w) {
  const uint32_t steps = fast::steps_of(job.n);
  walk_together<Put, 1>(&job, &w);
  const uint32_t left = job.word_count - w.taken;
  uint32_t taken = 0;
  alignas(64) uint8_t words[4 * 3 * kLanes] = {};
  const uint32_t shown = std::min(left, 2 * kLanes);  // more are left only to a last step
  if (shown > 0) std::memcpy(words, job.words + size_t{4} * w.taken, size_t{4} * shown);
  for (; w.step < steps; ++w.step) {
    const uint32_t begin = w.step * fast::kStep, n = std::min(job.n - begin, fast::kStep);
    const uint8_t* raw = job.raw_plane + size_t{w.step} * 2 * Put::kRaw;
    uint8_t* out = job.out + size_t{w.step} * 2 * Put::kOut;
    uint8_t part_raw[2 * Put::kRaw] = {}, part_out[2 * Put::kOut];
    const bool whole = n == fast::kStep;
    if (!whole) std::memcpy(part_raw, raw, (size_t{n} * job.split.raw_bits + 7) / 8);
    const uint32_t took = block_step<Put>(w, table_of(job, w.step), words + size_t{4} * taken,
                                          whole ? raw : part_raw, whole ? out : part_out);
    if (!whole) std::memcpy(out, part_out, size_t{n} * job.split.bytes);
    taken = std::min(shown, taken + took);
  }
  __m512i behind = _mm512_setzero_si512();
  for (const Half& h : w.half)
    behind =
        _mm512_or_si512(behind, _mm512_or_si512(_mm512_shrdv_epi32(h.first, h.second, h.position),
                                                _mm512_srlv_epi32(h.second, h.position)));
  return taken == left && _mm512_test_epi32_mask(behind, behind) == 0 ? BlockStatus::ok
                                                                      : BlockStatus::bad_stream;
}

template <class Put>
void decode_with(const FastJob* jobs, uint32_t count, BlockStatus* status) {
  Walk w[FastDecoder::kAtOnce];
  for (uint32_t i = 0; i < count; ++i) w[i] = start(jobs[i]);
  if (count == FastDecoder::kAtOnce) walk_together<Put, FastDecoder::kAtOnce>(jobs, w);
  for (uint32_t i = 0; i < count; ++i) status[i] = finish<Put>(jobs[i], w[i]);
}
}  // namespace

void decode_fast_avx512(const FastJob* jobs, uint32_t count, std::vector<uint8_t>&,
                        BlockStatus* status) {
  const Split& s = jobs[0].split;
  if (s.bytes == 4) return decode_with<PutF32>(jobs, count, status);
  if (s.bytes == 2 && s.raw_bits == 8) return decode_with<PutBf16>(jobs, count, status);
  if (s.bytes == 2) return decode_with<PutF16>(jobs, count, status);
  if (s.raw_bits == 4) return decode_with<PutF8<4>>(jobs, count, status);
  return decode_with<PutF8<3>>(jobs, count, status);
}
}  // namespace gramzip::cpu
