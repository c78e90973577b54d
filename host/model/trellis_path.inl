// SPDX-License-Identifier: Apache-2.0
// Viterbi's algorithm over 2^v states, W of them at a time. No operation depends on the width of
// vectors, so all widths find the same path.
//
// States t < H = 2^(v-1) come from the even states 2 m, m = t or t ^ G; the others from the odd
// ones 2 m
// + 1, where m ^ F is t or t ^ G: two arrays by m, in which a branch is an exclusive or of places.
#pragma once
#include <cstddef>
#include <cstring>
#include <utility>

#include "gramzip/core/limits.h"
#include "gramzip/core/quant.h"
#include "host/model/trellis_path.h"

namespace gramzip::quant {
namespace {
constexpr float kNever = 1e30f;

template <uint32_t W>
struct Vectors {
  typedef float F __attribute__((vector_size(4 * W)));
  typedef int32_t I __attribute__((vector_size(4 * W)));   // of comparisons: -1 or 0
  typedef uint32_t U __attribute__((vector_size(4 * W)));  // the same bits, sums wrap
};
#define GRAMZIP_INLINE __attribute__((always_inline)) inline

template <uint32_t X, class V, size_t... i>
GRAMZIP_INLINE V shuffle_xor(const V& a, std::index_sequence<i...>) {
  return __builtin_shufflevector(a, a, static_cast<int>(i ^ X)...);
}
template <uint32_t X, class V, size_t... i>
GRAMZIP_INLINE V every_other(const V& a, const V& b, std::index_sequence<i...>) {
  return __builtin_shufflevector(a, b, static_cast<int>(2 * i + X)...);
}

// The cheapest level of each subset, numbers modulo 4, for every weight: one of two neighbours.
struct Candidates {
  float cost[kRunElements][4];
  uint16_t level[kRunElements][4];
};
GRAMZIP_INLINE void find_candidates(const TrellisLevels& t, const float* x, const uint16_t* below,
                                    uint32_t n, Candidates& c) {
  using F = Vectors<4>::F;
  using I = Vectors<4>::I;
  for (uint32_t i = 0; i < n; ++i) {
    const uint32_t b = below[i];
    if (b == t.count) {
      for (uint32_t k = 0; k < 4; ++k) {
        c.cost[i][k] = k < 2 ? 0.0f : kNever;
        c.level[i][k] = static_cast<uint16_t>(t.count);
      }
      continue;
    }
    F low, high, price_low, price_high;
    std::memcpy(&low, t.at.data() + b, sizeof low);
    std::memcpy(&high, t.at.data() + b + 4, sizeof high);
    std::memcpy(&price_low, t.price.data() + b, sizeof low);
    std::memcpy(&price_high, t.price.data() + b + 4, sizeof high);
    low = x[i] - low;
    high = x[i] - high;
    low = low * low + price_low;
    high = high * high + price_high;
    const I upper = high < low;
    const F least = upper ? high : low;
    for (uint32_t k = 0; k < 4; ++k) {  // level b + k - 3, or 4 above
      const uint32_t subset = (b + k + 1) & 3;
      c.cost[i][subset] = least[k];
      c.level[i][subset] = static_cast<uint16_t>(b + k - TrellisLevels::kFront - 4 * upper[k]);
    }
    for (uint32_t k = 0; k < 2; ++k)  // the escape is a branch with bit 0
      if (t.escape < c.cost[i][k]) {
        c.cost[i][k] = t.escape;
        c.level[i][k] = static_cast<uint16_t>(t.count);
      }
  }
}

template <uint32_t v, uint32_t W>
void walk(const TrellisLevels& levels, const float* x, const uint16_t* below, uint32_t n,
          uint16_t* path) {
  constexpr uint32_t H = 1u << (v - 1), B = H / W, kChunk = 32;
  constexpr Trellis t = trellis_of(v);
  constexpr uint32_t F = t.feedback ^ H, G = t.branch;
  static_assert(H % W == 0 && F < H && G < H);
  using V = typename Vectors<W>::F;
  using I = typename Vectors<W>::I;
  using U = typename Vectors<W>::U;
  constexpr auto lanes = std::make_index_sequence<W>();

  Candidates c;
  find_candidates(levels, x, below, n, c);
  // A bit a weight: set if the branch with bit 1 was taken into the place.
  U taken[kRunElements / kChunk][2][B];
  V even[B], odd[B];
  for (uint32_t j = 0; j < B; ++j) even[j] = odd[j] = V{} + kNever;
  even[0][0] = 0;
  for (uint32_t begin = 0; begin < n; begin += kChunk) {
    const uint32_t end = begin + kChunk < n ? begin + kChunk : n;
    U by_even[B] = {}, by_odd[B] = {};
    for (uint32_t i = begin; i < end; ++i) {
      V next[2 * B];
      const float* const cost = c.cost[i];
      for (uint32_t j = 0; j < B; ++j) {
        const V a = even[j] + cost[0];
        const V b = shuffle_xor<G % W>(even[j ^ (G / W)], lanes) + cost[2];
        const I less = b < a;
        next[j] = less ? b : a;
        by_even[j] += by_even[j] - reinterpret_cast<U>(less);
      }
      for (uint32_t j = 0; j < B; ++j) {
        const V a = odd[j] + cost[1];
        const V b = shuffle_xor<G % W>(odd[j ^ (G / W)], lanes) + cost[3];
        const I less = b < a;
        next[B + (j ^ (F / W))] = shuffle_xor<F % W>(less ? b : a, lanes);
        by_odd[j] += by_odd[j] - reinterpret_cast<U>(less);
      }
      for (uint32_t j = 0; j < B; ++j) {
        even[j] = every_other<0>(next[2 * j], next[2 * j + 1], lanes);
        odd[j] = every_other<1>(next[2 * j], next[2 * j + 1], lanes);
      }
    }
    std::memcpy(taken[begin / kChunk][0], by_even, sizeof by_even);
    std::memcpy(taken[begin / kChunk][1], by_odd, sizeof by_odd);
  }

  uint32_t state = 0;
  float least = even[0][0];
  for (uint32_t s = 1; s < 2 * H; ++s) {
    const uint32_t m = s / 2;
    const float cost = s % 2 == 0 ? even[m / W][m % W] : odd[m / W][m % W];
    if (cost < least) least = cost, state = s;
  }
  for (uint32_t i = n; i-- > 0;) {
    const uint32_t chunk = i / kChunk, end = (chunk + 1) * kChunk < n ? (chunk + 1) * kChunk : n;
    const uint32_t q = state / H, m = q == 0 ? state : (state ^ H) ^ F;
    const uint32_t bits = taken[chunk][q][m / W][m % W];
    const uint32_t bit = bits >> (end - 1 - i) & 1;
    path[i] = c.level[i][q + 2 * bit];
    state = 2 * (m ^ (bit * G)) + q;
  }
}

template <uint32_t W>
void find_path_of_width(const TrellisLevels& t, const float* x, const uint16_t* below, uint32_t n,
                        uint16_t* path) {
  switch (t.states_log2) {
    case 4:
      return walk < 4, W < 8 ? W : 8 > (t, x, below, n, path);
    case 5:
      return walk<5, W>(t, x, below, n, path);
    case 6:
      return walk<6, W>(t, x, below, n, path);
    case 7:
      return walk<7, W>(t, x, below, n, path);
    default:
      return walk<8, W>(t, x, below, n, path);
  }
}
#undef GRAMZIP_INLINE
}  // namespace
}  // namespace gramzip::quant
