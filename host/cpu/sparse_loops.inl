// SPDX-License-Identifier: Apache-2.0
// The loops of codec sparse_delta over all elements of a block, compiled once per instruction set
// with GRAMZIP_SPARSE_LOOPS as the table's name.
//
// No order is made: the group of each element is a byte, and a place in a group is found by
// counting the bytes of that group 64 at a time. Both are a few operations on vectors for each
// group.
#if defined(__SSE2__)
#include <immintrin.h>
#endif
#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include "host/cpu/delta_types.inl"
#include "host/cpu/sparse_delta.h"

namespace gramzip::cpu {
namespace {
constexpr uint32_t kChunk = 64;
constexpr uint32_t kPlaneStep = 2048;  // elements whose exponents are at hand

void group_plane(ElementType type, const delta::Groups& groups, const uint8_t* base, uint32_t n,
                 uint8_t* plane, GroupBegins& begin) {
  begin.fill(n);
  begin[0] = 0;
  std::memset(plane, 0, n);
  std::memset(plane + n, 0xff, kPlanePad);
  if (groups.count == 1) return;
  with_elements(type, [&](auto e) {
    using E = decltype(e);
    using Exponent = std::conditional_t<(E::arithmetic.exponent_bits > 8), uint16_t, uint8_t>;
    Exponent exponents[kPlaneStep];
    std::array<uint32_t, delta::kMaxGroups> below{};  // elements of lower groups
    for (uint32_t at = 0; at < n; at += kPlaneStep) {
      const uint32_t count = std::min(kPlaneStep, n - at);
      for (uint32_t i = 0; i < count; ++i)
        exponents[i] = static_cast<Exponent>(E::arithmetic.exponent(E::load(base, at + i)));
      uint8_t* const to = plane + at;
      for (uint32_t g = 1; g < groups.count; ++g) {
        if (groups.bound[g] >= E::arithmetic.exponents()) {
          below[g] += count;
          continue;
        }
        const auto bound = static_cast<Exponent>(groups.bound[g]);
        // Counts of 64 fit a byte.
        uint32_t i = 0, above = 0;
        for (; i + kChunk <= count; i += kChunk) {
          uint8_t some = 0;
          for (uint32_t k = 0; k < kChunk; ++k) {
            const auto is = static_cast<uint8_t>(exponents[i + k] >= bound);
            to[i + k] = static_cast<uint8_t>(to[i + k] + is);
            some = static_cast<uint8_t>(some + is);
          }
          above += some;
        }
        for (; i < count; ++i) {
          const auto is = static_cast<uint8_t>(exponents[i] >= bound);
          to[i] = static_cast<uint8_t>(to[i] + is);
          above += is;
        }
        below[g] += count - above;
      }
    }
    for (uint32_t g = 1; g < groups.count; ++g) begin[g] = below[g];
  });
}

// Bit k: byte k of 64 is `value`.
inline uint64_t equal_mask(const uint8_t* p, uint8_t value) {
#if defined(__AVX2__)
  const __m256i v = _mm256_set1_epi8(static_cast<char>(value));
  const auto half = [&](const uint8_t* q) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(q));
    return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(x, v)));
  };
  return half(p) | uint64_t{half(p + 32)} << 32;
#elif defined(__SSE2__)
  const __m128i v = _mm_set1_epi8(static_cast<char>(value));
  const auto quarter = [&](const uint8_t* q) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(q));
    return uint64_t{static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(x, v)))};
  };
  return quarter(p) | quarter(p + 16) << 16 | quarter(p + 32) << 32 | quarter(p + 48) << 48;
#else
  uint64_t mask = 0;
  for (uint32_t k = 0; k < kChunk; ++k) mask |= uint64_t{p[k] == value} << k;
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

void apply(ElementType type, const uint8_t* plane, uint8_t group, uint32_t begin,
           std::span<const Change> changes, uint8_t* out) {
  with_elements(type, [&](auto e) {
    using E = decltype(e);
    uint32_t before = begin;  // place of the first element of the group from the chunk on
    size_t at = 0;            // of the chunk
    uint64_t mask = equal_mask(plane, group);
    auto in_chunk = static_cast<uint32_t>(std::popcount(mask));
    for (const Change& c : changes) {
      while (c.place - before >= in_chunk) {
        before += in_chunk;
        at += kChunk;
        mask = equal_mask(plane + at, group);
        in_chunk = static_cast<uint32_t>(std::popcount(mask));
      }
      const size_t i = at + select(mask, c.place - before);
      E::store(out, i,
               static_cast<typename E::Word>(E::arithmetic.apply(E::load(out, i), c.difference)));
    }
  });
}
}  // namespace

const SparseLoops GRAMZIP_SPARSE_LOOPS = {group_plane, apply};
}  // namespace gramzip::cpu
