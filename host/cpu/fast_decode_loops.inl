// SPDX-License-Identifier: Apache-2.0
// Lanes of fast floats: exponents first, then they join the raw plane. Compiled once per
// instruction set with GRAMZIP_FAST_LOOPS as the function's name.
#include <algorithm>
#include <array>
#include <cstring>

#include "host/cpu/fast_decode.h"
#include "host/cpu/join.inl"
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace gramzip::cpu {
namespace {
#if defined(__AVX2__)
// Eight lanes a vector, codes looked up by gathers.
class FastLanes {
 public:
  // words: the first 64.
  explicit FastLanes(const uint8_t* words) {
    for (uint32_t v = 0; v < kVectors; ++v) {
      first_[v] = load(words + 32 * v);
      second_[v] = load(words + 128 + 32 * v);
      position_[v] = _mm256_setzero_si256();
    }
  }
  // One step of all lanes. words: as many as the lanes may take, 32. Returns how many they took.
  uint32_t step(const FastTable& table, const uint8_t* words, uint8_t* exponents) {
    const uint8_t* next = words;
    for (uint32_t v = 0; v < kVectors; ++v) {
      next += size_t{4} * step_of(v, table, next, exponents + 32 * v);
    }
    return static_cast<uint32_t>(next - words) / 4;
  }
  // Whether a bit is left that is not zero.
  bool any_bit() const {
    __m256i any = _mm256_setzero_si256();
    for (uint32_t v = 0; v < kVectors; ++v)
      any = _mm256_or_si256(
          any, _mm256_or_si256(_mm256_srlv_epi32(first_[v], position_[v]), second_[v]));
    return _mm256_testz_si256(any, any) == 0;
  }

 private:
  static constexpr uint32_t kVectors = kLanes / 8;
  // Of each set of lanes that take a word: which of the next words each takes, a byte a lane.
  static constexpr std::array<uint64_t, 256> kOrder = [] {
    std::array<uint64_t, 256> order{};
    for (uint32_t set = 0; set < 256; ++set)
      for (uint64_t l = 0, next = 0; l < 8; ++l)
        if ((set >> l & 1) != 0) order[set] |= next++ << (8 * l);
    return order;
  }();
  static __m256i load(const uint8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  uint32_t step_of(uint32_t v, const FastTable& table, const uint8_t* words, uint8_t* exponents) {
    const auto* symbol = reinterpret_cast<const int*>(table.symbol);
    const __m256i index = _mm256_set1_epi32(fast::kEntries - 1), bits = _mm256_set1_epi32(7);
    __m256i position = position_[v], all = _mm256_setzero_si256();
    __m256i window = _mm256_or_si256(
        _mm256_srlv_epi32(first_[v], position),
        _mm256_sllv_epi32(second_[v], _mm256_sub_epi32(_mm256_set1_epi32(32), position)));
    for (uint32_t k = 0; k < fast::kGroup; ++k) {
      // Reads the entry behind, too, which the mask drops.
      const __m256i e = _mm256_i32gather_epi32(symbol, _mm256_and_si256(window, index), 2);
      const __m256i length = _mm256_and_si256(e, bits);
      window = _mm256_srlv_epi32(window, length);
      position = _mm256_add_epi32(position, length);
      all =
          _mm256_or_si256(_mm256_srli_epi32(all, 8),
                          _mm256_and_si256(_mm256_slli_epi32(e, 16), _mm256_set1_epi32(-1 << 24)));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(exponents), all);
    const __m256i takes = _mm256_cmpgt_epi32(position, _mm256_set1_epi32(31));
    const auto set = static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(takes)));
    const __m256i order =
        _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<long long>(kOrder[set])));
    const __m256i taken = _mm256_permutevar8x32_epi32(load(words), order);
    position_[v] = _mm256_and_si256(position, _mm256_set1_epi32(31));
    first_[v] = _mm256_blendv_epi8(first_[v], second_[v], takes);
    second_[v] = _mm256_blendv_epi8(second_[v], taken, takes);
    return static_cast<uint32_t>(_mm_popcnt_u32(set));
  }

  __m256i first_[kVectors], second_[kVectors], position_[kVectors];
};
#else
class FastLanes {
 public:
  // words: the first 64.
  explicit FastLanes(const uint8_t* words) {
    for (uint32_t l = 0; l < kLanes; ++l) {
      bits_[l] = load_le<uint32_t>(words + 4 * l) |
                 (uint64_t{load_le<uint32_t>(words + 4 * (kLanes + l))} << 32);
      left_[l] = 64;
    }
  }
  // One step of all lanes. words: as many as the lanes may take, 32. Returns how many they took.
  uint32_t step(const FastTable& table, const uint8_t* words, uint8_t* exponents) {
    const uint16_t* symbol = table.symbol;
    constexpr uint32_t kMask = fast::kEntries - 1;
    const uint8_t* next = words;
    for (uint32_t l = 0; l < kLanes; ++l) {
      uint64_t bits = bits_[l];
      uint32_t left = left_[l];
      const uint32_t a = symbol[bits & kMask];
      bits >>= a & 63;  // the length; the exponent is above
      const uint32_t b = symbol[bits & kMask];
      bits >>= b & 63;
      const uint32_t c = symbol[bits & kMask];
      bits >>= c & 63;
      const uint32_t d = symbol[bits & kMask];
      bits >>= d & 63;
      left -= (a + b + c + d) & 63;
      store_le<uint32_t>(exponents + fast::kGroup * l,
                         (a >> 8) | (b & 0xff00) | ((c & 0xff00) << 8) | ((d & 0xff00) << 16));
      const uint32_t takes = fast::takes_word(left) ? 1 : 0;
      bits |= (uint64_t{load_le<uint32_t>(next)} & (uint64_t{0} - takes)) << (left & 63);
      left_[l] = left + 32 * takes;
      bits_[l] = bits;
      next += size_t{4} * takes;
    }
    return static_cast<uint32_t>(next - words) / 4;
  }
  // Whether a bit is left that is not zero.
  bool any_bit() const {
    return std::any_of(bits_, bits_ + kLanes, [](uint64_t b) { return b != 0; });
  }

 private:
  uint64_t bits_[kLanes];
  uint32_t left_[kLanes];
};
#endif

BlockStatus decode_exponents(const FastJob& job, uint8_t* exponents) {
  const uint32_t steps = fast::steps_of(job.n);
  uint8_t words[4 * (fast::kFirstWords + kLanes)] = {};
  uint32_t at = std::min(job.word_count, fast::kFirstWords);  // words taken
  if (at > 0) std::memcpy(words, job.words, size_t{4} * at);
  FastLanes lanes(words);
  uint32_t step = 0;
  const auto table = [&]() -> const FastTable& {
    return job.tables[job.class_ids[step * fast::kStep / kRunElements]];
  };
  for (; step < steps && job.word_count - at >= kLanes; ++step)
    at += lanes.step(table(), job.words + size_t{4} * at, exponents + step * fast::kStep);
  // Fewer words than a step may take: the last ones, with zeros behind.
  const uint32_t rest = job.word_count - at;
  std::memset(words, 0, sizeof(words));
  if (rest > 0 && step < steps) std::memcpy(words, job.words + size_t{4} * at, size_t{4} * rest);
  uint32_t taken = 0;
  for (; step < steps; ++step)
    taken = std::min(rest, taken + lanes.step(table(), words + size_t{4} * taken,
                                              exponents + step * fast::kStep));
  return taken == rest && !lanes.any_bit() ? BlockStatus::ok : BlockStatus::bad_stream;
}
}  // namespace

void GRAMZIP_FAST_LOOPS(const FastJob* jobs, uint32_t count, std::vector<uint8_t>& exponents,
                        BlockStatus* status) {
  for (uint32_t i = 0; i < count; ++i) {
    const FastJob& job = jobs[i];
    const size_t room = size_t{fast::steps_of(job.n)} * fast::kStep;
    if (exponents.size() < room) exponents.resize(room);
    status[i] = decode_exponents(job, exponents.data());
    join(job.split, job.raw_plane, exponents.data(), job.n, job.out);
  }
}
}  // namespace gramzip::cpu
