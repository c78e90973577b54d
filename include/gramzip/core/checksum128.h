// SPDX-License-Identifier: Apache-2.0
// XXH3-128 with seed 0 and the default secret, for host and device: core/checksum.h's twin. Source:
// the xxHash specification. The accumulators of long inputs are those of XXH3-64.
#pragma once
#include "gramzip/core/checksum.h"

namespace gramzip::xxh3 {
struct Pair {
  uint64_t low, high;
};

GRAMZIP_HD inline Pair multiply(uint64_t a, uint64_t b) {
#if defined(__CUDA_ARCH__)
  return {a * b, __umul64hi(a, b)};
#else
  const unsigned __int128 p = static_cast<unsigned __int128>(a) * b;
  return {static_cast<uint64_t>(p), static_cast<uint64_t>(p >> 64)};
#endif
}
GRAMZIP_HD inline uint32_t secret32(uint32_t at) { return static_cast<uint32_t>(secret64(at)); }
GRAMZIP_HD inline uint32_t byteswap32(uint32_t v) {
  return (v << 24) | ((v & 0xff00u) << 8) | ((v >> 8) & 0xff00u) | (v >> 24);
}

GRAMZIP_HD inline Pair hash128_to_16(const uint8_t* p, uint32_t n) {
  if (n > 8) {
    const uint64_t low = load_le<uint64_t>(p);
    uint64_t high = load_le<uint64_t>(p + n - 8);
    Pair m = multiply(low ^ high ^ secret64(32) ^ secret64(40), kPrime64_1);
    m.low += uint64_t{n - 1} << 54;
    high ^= secret64(48) ^ secret64(56);
    m.high += high + (high & 0xffffffffu) * (kPrime32_2 - 1);
    m.low ^= byteswap64(m.high);
    Pair h = multiply(m.low, kPrime64_2);
    h.high += m.high * kPrime64_2;
    return {avalanche(h.low), avalanche(h.high)};
  }
  if (n >= 4) {
    const uint64_t both = load_le<uint32_t>(p) + (uint64_t{load_le<uint32_t>(p + n - 4)} << 32);
    Pair m = multiply(both ^ secret64(16) ^ secret64(24), kPrime64_1 + (uint64_t{n} << 2));
    m.high += m.low << 1;
    m.low ^= m.high >> 3;
    m.low ^= m.low >> 35;
    m.low *= 0x9FB21C651E98DF25u;
    m.low ^= m.low >> 28;
    return {m.low, avalanche(m.high)};
  }
  if (n > 0) {
    const uint32_t low = (uint32_t{p[0]} << 16) | (uint32_t{p[n >> 1]} << 24) | p[n - 1] | (n << 8);
    const uint32_t swapped = byteswap32(low), high = (swapped << 13) | (swapped >> 19);
    return {avalanche64(low ^ uint64_t{secret32(0) ^ secret32(4)}),
            avalanche64(high ^ uint64_t{secret32(8) ^ secret32(12)})};
  }
  return {avalanche64(secret64(64) ^ secret64(72)), avalanche64(secret64(80) ^ secret64(88))};
}

GRAMZIP_HD inline void mix32(Pair& acc, const uint8_t* a, const uint8_t* b, uint32_t secret) {
  acc.low += mix16(a, secret);
  acc.low ^= load_le<uint64_t>(b) + load_le<uint64_t>(b + 8);
  acc.high += mix16(b, secret + 16);
  acc.high ^= load_le<uint64_t>(a) + load_le<uint64_t>(a + 8);
}
GRAMZIP_HD inline Pair hash128_to_240(const uint8_t* p, uint32_t n) {
  Pair acc{n * kPrime64_1, 0};
  if (n <= 128) {
    for (uint32_t i = (n - 1) / 32 + 1; i-- > 0;)
      mix32(acc, p + 16 * i, p + n - 16 * (i + 1), 32 * i);
  } else {
    for (uint32_t i = 0; i < 4; ++i) mix32(acc, p + 32 * i, p + 32 * i + 16, 32 * i);
    acc = {avalanche(acc.low), avalanche(acc.high)};
    for (uint32_t i = 4; i < n / 32; ++i) mix32(acc, p + 32 * i, p + 32 * i + 16, 3 + 32 * (i - 4));
    mix32(acc, p + n - 16, p + n - 32, 136 - 17 - 16);
  }
  return {avalanche(acc.low + acc.high),
          0 - avalanche(acc.low * kPrime64_1 + acc.high * kPrime64_4 + n * kPrime64_2)};
}
// Of up to kLongInput bytes.
GRAMZIP_HD inline Pair hash128_short(const uint8_t* p, uint32_t n) {
  return n <= 16 ? hash128_to_16(p, n) : hash128_to_240(p, n);
}
// Of the accumulators of a long input.
GRAMZIP_HD inline Pair merge128(const uint64_t* acc, uint64_t length) {
  constexpr uint32_t kHighSecret = 192 - 64 - 11;
  return {merge(acc, length), merge_from(acc, ~(length * kPrime64_2), kHighSecret)};
}
}  // namespace gramzip::xxh3
