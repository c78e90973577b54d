// SPDX-License-Identifier: Apache-2.0
// The loops of codec sparse_delta over all elements of a block, compiled once per instruction set
// with GRAMZIP_SPARSE_LOOPS as the table's name.
//
// No order is made. Elements are counted by group, 64 at a time: groups are ranges of exponents, so
// a comparison with each bound gives a mask of those at or above it. A place in a group is then
// found by its chunk's count, and in the chunk by the mask.
#if defined(__SSE2__)
#include <immintrin.h>
#endif
#include <algorithm>
#include <bit>
#include <cstring>

#include "host/cpu/delta_types.inl"
#include "host/cpu/sparse_delta.h"

namespace gramzip::cpu {
namespace {
constexpr uint32_t kChunk = GroupMap::kChunk;

// Bit k: byte k of 64 is `bound` or more.
inline uint64_t mask_from(const uint8_t* p, uint8_t bound) {
#if defined(__AVX512BW__)
  return _mm512_cmpge_epu8_mask(_mm512_loadu_si512(p), _mm512_set1_epi8(static_cast<char>(bound)));
#elif defined(__AVX2__)
  const __m256i v = _mm256_set1_epi8(static_cast<char>(bound));
  const auto half = [&](const uint8_t* q) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(q));
    return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(x, v), x)));
  };
  return half(p) | uint64_t{half(p + 32)} << 32;
#elif defined(__SSE2__)
  const __m128i v = _mm_set1_epi8(static_cast<char>(bound));
  const auto quarter = [&](const uint8_t* q) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(q));
    return uint64_t{
        static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(x, v), x)))};
  };
  return quarter(p) | quarter(p + 16) << 16 | quarter(p + 32) << 32 | quarter(p + 48) << 48;
#else
  uint64_t mask = 0;
  for (uint32_t k = 0; k < kChunk; ++k) mask |= uint64_t{p[k] >= bound} << k;
  return mask;
#endif
}

// The position of set bit number r.
inline uint32_t select(uint64_t mask, uint32_t r) {
#if defined(__BMI2__)
  return static_cast<uint32_t>(std::countr_zero(_pdep_u64(uint64_t{1} << r, mask)));
#else
  for (; r > 0; --r) mask &= mask - 1;
  return static_cast<uint32_t>(std::countr_zero(mask));
#endif
}

// What stands for the exponents of a chunk in bytes: they themselves, or groups where they have
// more than 8 bits. Elements from `count` on are not touched.
template <class E>
inline void load_keys(const GroupMap& map, const uint8_t* base, uint32_t count, uint8_t* keys) {
  const auto key = [&](uint32_t i) {
    const uint32_t x = E::arithmetic.exponent(E::load(base, i));
    return E::arithmetic.exponent_bits > 8 ? map.group_of[x] : static_cast<uint8_t>(x);
  };
  if (count == kChunk)
    for (uint32_t i = 0; i < kChunk; ++i) keys[i] = key(i);
  else
    for (uint32_t i = 0; i < kChunk && i < count; ++i) keys[i] = key(i);
}

void count_groups(ElementType type, const delta::Groups& groups, const uint8_t* base, uint32_t n,
                  GroupMap& map) {
  map.begin.fill(n);
  map.begin[0] = 0;
  map.groups = 1;
  if (groups.count == 1) return;
  with_elements(type, [&](auto e) {
    using E = decltype(e);
    constexpr bool kByGroup = E::arithmetic.exponent_bits > 8;
    for (uint32_t g = 1; g < groups.count && groups.bound[g] < E::arithmetic.exponents(); ++g)
      map.bound[map.groups++] = static_cast<uint8_t>(kByGroup ? g : groups.bound[g]);
    if (kByGroup) {
      map.group_of.resize(delta::kMaxExponents);
      for (uint32_t x = 0; x < E::arithmetic.exponents(); ++x)
        map.group_of[x] = static_cast<uint8_t>(groups.of(x));
    }
    const auto chunks = static_cast<uint32_t>(ceil_div(n, kChunk));
    map.chunks = chunks;
    map.from.resize(size_t{chunks} * (map.groups + 1));
    uint8_t keys[kChunk] = {};
    uint32_t total[delta::kMaxGroups] = {};
    for (uint32_t c = 0; c < chunks; ++c) {
      const uint32_t count = std::min(kChunk, n - c * kChunk);
      if (count < kChunk) std::memset(keys, 0, kChunk);  // below every bound
      load_keys<E>(map, base + size_t{c} * kChunk * sizeof(typename E::Word), count, keys);
      map.from[c] = static_cast<uint8_t>(count);
      uint8_t* from = map.from.data() + c;
      for (uint32_t g = 1; g < map.groups; ++g) {
        const auto above = static_cast<uint32_t>(std::popcount(mask_from(keys, map.bound[g])));
        from += chunks;
        *from = static_cast<uint8_t>(above);
        total[g] += above;
      }
    }
    std::memset(map.from.data() + size_t{chunks} * map.groups, 0, chunks);
    for (uint32_t g = 1; g < map.groups; ++g) map.begin[g] = n - total[g];
  });
}

void apply(ElementType type, const GroupMap& map, uint32_t group, const uint8_t* base,
           std::span<const Change> changes, uint8_t* out) {
  with_elements(type, [&](auto e) {
    using E = decltype(e);
    const auto change = [&](size_t i, uint64_t difference) {
      using Word = typename E::Word;
      E::store(out, i, E::arithmetic.apply(E::load(base, i), static_cast<Word>(difference)));
    };
    if (map.groups == 1) {
      for (const Change& c : changes) change(c.place, c.difference);
      return;
    }
    const uint8_t* const from = map.from.data() + size_t{group} * map.chunks;
    const uint8_t* const above = from + map.chunks;
    uint32_t before =
        map.begin[group];  // place of the first element of the group from the chunk on
    uint32_t chunk = 0;
    uint8_t keys[kChunk] = {};
    for (size_t i = 0; i < changes.size();) {
      uint32_t in_chunk = from[chunk] - above[chunk];
      while (changes[i].place - before >= in_chunk) {
        before += in_chunk;
        ++chunk;
        in_chunk = from[chunk] - above[chunk];
      }
      // Elements behind the block's end have keys too, but no place.
      const uint32_t at = chunk * kChunk, count = map.from[chunk];
      load_keys<E>(map, base + size_t{at} * sizeof(typename E::Word), count, keys);
      uint64_t mask = group == 0 ? ~uint64_t{0} : mask_from(keys, map.bound[group]);
      if (group + 1 < map.groups) mask &= ~mask_from(keys, map.bound[group + 1]);
      for (; i < changes.size() && changes[i].place - before < in_chunk; ++i)
        change(at + select(mask, changes[i].place - before), changes[i].difference);
    }
  });
}
}  // namespace

const SparseLoops GRAMZIP_SPARSE_LOOPS = {count_groups, apply};
}  // namespace gramzip::cpu
