// SPDX-License-Identifier: Apache-2.0
// XXH3-64 with seed 0 and the default secret, for host and device. Source: the xxHash specification
// (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). Host code that hashes in bulk calls libxxhash;
// this twin exists for the kernels, and a test holds the two together.
//
// Inputs over 240 bytes run through 8 accumulators in stripes of 64 bytes: within 1024 bytes the
// stripes only add up, so lanes of a warp may share them out (kernels/checksum); then the
// accumulators are scrambled, which is the serial part.
#pragma once
#include "gramzip/core/wire.h"

namespace gramzip::xxh3 {
inline constexpr uint64_t kPrime32_1 = 0x9E3779B1u, kPrime32_2 = 0x85EBCA77u,
                          kPrime32_3 = 0xC2B2AE3Du;
inline constexpr uint64_t kPrime64_1 = 0x9E3779B185EBCA87u, kPrime64_2 = 0xC2B2AE3D27D4EB4Fu,
                          kPrime64_3 = 0x165667B19E3779F9u, kPrime64_4 = 0x85EBCA77C2B2AE63u,
                          kPrime64_5 = 0x27D4EB2F165667C5u;
inline constexpr uint32_t kStripe = 64, kStripesPerBlock = 16, kBlock = 1024, kAccumulators = 8;
inline constexpr uint32_t kScrambleSecret = 128, kLastSecret = 121, kMergeSecret = 11;
inline constexpr uint32_t kLongInput = 240;  // longer inputs run through the accumulators

#define GRAMZIP_XXH3_SECRET                                                             \
  {                                                                                     \
    0xbe4ba423396cfeb8, 0x1cad21f72c81017c, 0xdb979083e96dd4de, 0x1f67b3b7a4a44072,     \
        0x78e5c0cc4ee679cb, 0x2172ffcc7dd05a82, 0x8e2443f7744608b8, 0x4c263a81e69035e0, \
        0xcb00c391bb52283c, 0xa32e531b8b65d088, 0x4ef90da297486471, 0xd8acdea946ef1938, \
        0x3f349ce33f76faa8, 0x1d4f0bc7c7bbdcf9, 0x3159b4cd4be0518a, 0x647378d9c97e9fc8, \
        0xc3ebd33483acc5ea, 0xeb6313faffa081c5, 0x49daf0b751dd0d17, 0x9e68d429265516d3, \
        0xfca1477d58be162b, 0xce31d07ad1b8f88f, 0x280416958f3acb45, 0x7e404bbbcafbd7af, \
  }
inline constexpr uint64_t kSecretHost[24] = GRAMZIP_XXH3_SECRET;
#if defined(__CUDACC__)
static __device__ const uint64_t kSecretDevice[24] = GRAMZIP_XXH3_SECRET;
#endif
#undef GRAMZIP_XXH3_SECRET

// 64 bits of the secret at any byte offset.
GRAMZIP_HD inline uint64_t secret64(uint32_t at) {
#if defined(__CUDA_ARCH__)
  const uint64_t* words = kSecretDevice;
#else
  const uint64_t* words = kSecretHost;
#endif
  const uint32_t shift = 8 * (at & 7);
  const uint64_t low = words[at >> 3];
  return shift == 0 ? low : (low >> shift) | (words[(at >> 3) + 1] << (64 - shift));
}

GRAMZIP_HD inline uint64_t rotl64(uint64_t v, uint32_t n) { return (v << n) | (v >> (64 - n)); }
GRAMZIP_HD inline uint64_t byteswap64(uint64_t v) {
  uint64_t r = 0;
  for (int i = 0; i < 8; ++i) r |= ((v >> (8 * i)) & 0xff) << (56 - 8 * i);
  return r;
}
// Low half xor high half of the 128-bit product.
GRAMZIP_HD inline uint64_t fold_multiply(uint64_t a, uint64_t b) {
#if defined(__CUDA_ARCH__)
  return (a * b) ^ __umul64hi(a, b);
#else
  const unsigned __int128 p = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(p) ^ static_cast<uint64_t>(p >> 64);
#endif
}
GRAMZIP_HD inline uint64_t avalanche(uint64_t h) {
  h = (h ^ (h >> 37)) * 0x165667919E3779F9u;
  return h ^ (h >> 32);
}
GRAMZIP_HD inline uint64_t avalanche64(uint64_t h) {
  h = (h ^ (h >> 33)) * kPrime64_2;
  h = (h ^ (h >> 29)) * kPrime64_3;
  return h ^ (h >> 32);
}
GRAMZIP_HD inline uint64_t mix16(const uint8_t* p, uint32_t secret) {
  return fold_multiply(load_le<uint64_t>(p) ^ secret64(secret),
                       load_le<uint64_t>(p + 8) ^ secret64(secret + 8));
}

// ---- The accumulators of a long input ----
GRAMZIP_HD inline uint64_t initial(uint32_t i) {
  switch (i) {
    case 0:
      return kPrime32_3;
    case 1:
      return kPrime64_1;
    case 2:
      return kPrime64_2;
    case 3:
      return kPrime64_3;
    case 4:
      return kPrime64_4;
    case 5:
      return kPrime32_2;
    case 6:
      return kPrime64_5;
    default:
      return kPrime32_1;
  }
}
// What a stripe adds to accumulator i: data is its word i, neighbour its word i xor 1.
GRAMZIP_HD inline uint64_t contribution(uint64_t data, uint64_t neighbour, uint64_t secret) {
  const uint64_t key = data ^ secret;
  return neighbour + (key & 0xffffffffu) * (key >> 32);
}
GRAMZIP_HD inline uint64_t scramble(uint64_t acc, uint64_t secret) {
  return (acc ^ (acc >> 47) ^ secret) * kPrime32_1;
}
GRAMZIP_HD inline uint64_t merge_from(const uint64_t* acc, uint64_t start, uint32_t secret) {
  uint64_t h = start;
  for (uint32_t i = 0; i < 4; ++i)
    h += fold_multiply(acc[2 * i] ^ secret64(secret + 16 * i),
                       acc[2 * i + 1] ^ secret64(secret + 16 * i + 8));
  return avalanche(h);
}
GRAMZIP_HD inline uint64_t merge(const uint64_t* acc, uint64_t length) {
  return merge_from(acc, length * kPrime64_1, kMergeSecret);
}

// ---- Inputs of up to 240 bytes ----
GRAMZIP_HD inline uint64_t hash_to_16(const uint8_t* p, uint32_t n) {
  if (n > 8) {
    const uint64_t low = load_le<uint64_t>(p) ^ secret64(24) ^ secret64(32);
    const uint64_t high = load_le<uint64_t>(p + n - 8) ^ secret64(40) ^ secret64(48);
    return avalanche(n + byteswap64(low) + high + fold_multiply(low, high));
  }
  if (n >= 4) {
    const uint64_t head = load_le<uint32_t>(p), tail = load_le<uint32_t>(p + n - 4);
    uint64_t h = (tail + (head << 32)) ^ secret64(8) ^ secret64(16);
    h ^= rotl64(h, 49) ^ rotl64(h, 24);
    h *= 0x9FB21C651E98DF25u;
    h ^= (h >> 35) + n;
    h *= 0x9FB21C651E98DF25u;
    return h ^ (h >> 28);
  }
  if (n > 0) {
    const uint32_t mixed =
        (uint32_t{p[0]} << 16) | (uint32_t{p[n >> 1]} << 24) | p[n - 1] | (n << 8);
    const uint64_t s = secret64(0);
    return avalanche64(mixed ^ ((s ^ (s >> 32)) & 0xffffffffu));
  }
  return avalanche64(secret64(56) ^ secret64(64));
}
GRAMZIP_HD inline uint64_t hash_to_240(const uint8_t* p, uint32_t n) {
  uint64_t h = n * kPrime64_1;
  if (n <= 128) {
    for (uint32_t i = (n - 1) / 32 + 1; i-- > 0;)  // from the middle out; the sum has no order
      h += mix16(p + 16 * i, 32 * i) + mix16(p + n - 16 * (i + 1), 32 * i + 16);
    return avalanche(h);
  }
  for (uint32_t i = 0; i < 8; ++i) h += mix16(p + 16 * i, 16 * i);
  h = avalanche(h);
  for (uint32_t i = 8; i < n / 16; ++i) h += mix16(p + 16 * i, 16 * (i - 8) + 3);
  return avalanche(h + mix16(p + n - 16, 136 - 17));
}
GRAMZIP_HD inline uint64_t hash_short(const uint8_t* p, uint32_t n) {
  return n <= 16 ? hash_to_16(p, n) : hash_to_240(p, n);
}

// The whole hash by one thread.
GRAMZIP_HD inline uint64_t hash(const uint8_t* p, uint64_t n) {
  if (n <= kLongInput) return hash_short(p, static_cast<uint32_t>(n));
  uint64_t acc[kAccumulators];
  for (uint32_t i = 0; i < kAccumulators; ++i) acc[i] = initial(i);
  const auto accumulate = [&acc](const uint8_t* stripe, uint32_t secret) {
    uint64_t data[kAccumulators];
    for (uint32_t i = 0; i < kAccumulators; ++i) data[i] = load_le<uint64_t>(stripe + 8 * i);
    for (uint32_t i = 0; i < kAccumulators; ++i)
      acc[i] += contribution(data[i], data[i ^ 1], secret64(secret + 8 * i));
  };
  const uint64_t stripes =
      (n - 1) / kStripe;  // full stripes before the last one, which may overlap
  for (uint64_t s = 0; s < stripes; ++s) {
    accumulate(p + s * kStripe, 8 * static_cast<uint32_t>(s % kStripesPerBlock));
    if (s % kStripesPerBlock == kStripesPerBlock - 1)
      for (uint32_t i = 0; i < kAccumulators; ++i)
        acc[i] = scramble(acc[i], secret64(kScrambleSecret + 8 * i));
  }
  accumulate(p + n - kStripe, kLastSecret);
  return merge(acc, n);
}
}  // namespace gramzip::xxh3
