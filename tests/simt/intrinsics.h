// SPDX-License-Identifier: Apache-2.0
//
// Integer intrinsics.
#pragma once

#include <bit>
#include <cstdint>

#include "simt/keywords.h"

inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(unsigned(x)); }
inline int __clzll(long long x) { return std::countl_zero((unsigned long long)(x)); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }

inline unsigned __brev(unsigned x) {
  x = ((x >> 1) & 0x55555555u) | ((x & 0x55555555u) << 1);
  x = ((x >> 2) & 0x33333333u) | ((x & 0x33333333u) << 2);
  x = ((x >> 4) & 0x0f0f0f0fu) | ((x & 0x0f0f0f0fu) << 4);
  return __builtin_bswap32(x);
}
inline unsigned long long __brevll(unsigned long long x) {
  return (unsigned long long)(__brev(unsigned(x))) << 32 | __brev(unsigned(x >> 32));
}

// The 64-bit value hi:lo shifted, its upper (l) or lower (r) word returned.  The plain forms take
// the shift modulo 32, the c forms clamp it to 32.
inline unsigned __funnelshift_l(unsigned lo, unsigned hi, unsigned shift) {
  shift &= 31;
  return shift ? (hi << shift) | (lo >> (32 - shift)) : hi;
}
inline unsigned __funnelshift_r(unsigned lo, unsigned hi, unsigned shift) {
  shift &= 31;
  return shift ? (lo >> shift) | (hi << (32 - shift)) : lo;
}
inline unsigned __funnelshift_lc(unsigned lo, unsigned hi, unsigned shift) {
  return shift >= 32 ? lo : __funnelshift_l(lo, hi, shift);
}
inline unsigned __funnelshift_rc(unsigned lo, unsigned hi, unsigned shift) {
  return shift >= 32 ? hi : __funnelshift_r(lo, hi, shift);
}

// Byte i of the result is the byte of b:a that nibble i of `selector` names; bit 3 of the nibble
// replicates that byte's sign instead.
inline unsigned __byte_perm(unsigned a, unsigned b, unsigned selector) {
  const uint64_t bytes = uint64_t(b) << 32 | a;
  unsigned result = 0;
  for (int i = 0; i < 4; ++i) {
    const unsigned nibble = (selector >> (4 * i)) & 15u;
    unsigned byte = unsigned(bytes >> (8 * (nibble & 7))) & 255u;
    if (nibble & 8) byte = byte & 128u ? 255u : 0u;
    result |= byte << (8 * i);
  }
  return result;
}

inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned(uint64_t(a) * b >> 32); }
inline int __mulhi(int a, int b) { return int(int64_t(a) * b >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return (unsigned long long)((unsigned __int128)(a)*b >> 64);
}
inline long long __mul64hi(long long a, long long b) { return (long long)((__int128)(a)*b >> 64); }
inline unsigned __usad(unsigned a, unsigned b, unsigned c) { return (a > b ? a - b : b - a) + c; }
inline int __sad(int a, int b, unsigned c) {
  return int(unsigned(a > b ? int64_t(a) - b : int64_t(b) - a) + c);
}
inline int __mul24(int a, int b) {
  return int(unsigned(int(unsigned(a) << 8) >> 8) * unsigned(int(unsigned(b) << 8) >> 8));
}
inline unsigned __umul24(unsigned a, unsigned b) { return (a & 0xffffffu) * (b & 0xffffffu); }

// Four bytes multiplied and accumulated.
inline int __dp4a(int a, int b, int c) {
  for (int i = 0; i < 32; i += 8) c += int(int8_t(a >> i)) * int(int8_t(b >> i));
  return c;
}
inline unsigned __dp4a(unsigned a, unsigned b, unsigned c) {
  for (int i = 0; i < 32; i += 8) c += ((a >> i) & 255u) * ((b >> i) & 255u);
  return c;
}

namespace simt {

// Applies f to each of the 32 / bits lanes of two packed words.
template <class Lane, class F>
inline unsigned packed(unsigned a, unsigned b, F f) {
  constexpr unsigned kBits = 8 * sizeof(Lane);
  constexpr unsigned kMask = (1u << kBits) - 1u;
  unsigned result = 0;
  for (unsigned i = 0; i < 32; i += kBits) {
    result |= (unsigned(f(Lane(a >> i), Lane(b >> i))) & kMask) << i;
  }
  return result;
}

}  // namespace simt

#define SIMT_PACKED(name, Lane, expression)                                       \
  inline unsigned name(unsigned a, unsigned b) {                                  \
    return simt::packed<Lane>(a, b, [](Lane x, Lane y) { return (expression); }); \
  }
SIMT_PACKED(__vadd2, uint16_t, x + y)
SIMT_PACKED(__vadd4, uint8_t, x + y)
SIMT_PACKED(__vsub2, uint16_t, x - y)
SIMT_PACKED(__vsub4, uint8_t, x - y)
SIMT_PACKED(__vmins2, int16_t, x < y ? x : y)
SIMT_PACKED(__vmins4, int8_t, x < y ? x : y)
SIMT_PACKED(__vminu2, uint16_t, x < y ? x : y)
SIMT_PACKED(__vminu4, uint8_t, x < y ? x : y)
SIMT_PACKED(__vmaxs2, int16_t, x > y ? x : y)
SIMT_PACKED(__vmaxs4, int8_t, x > y ? x : y)
SIMT_PACKED(__vmaxu2, uint16_t, x > y ? x : y)
SIMT_PACKED(__vmaxu4, uint8_t, x > y ? x : y)
SIMT_PACKED(__vcmpeq2, uint16_t, x == y ? 0xffff : 0)
SIMT_PACKED(__vcmpeq4, uint8_t, x == y ? 0xff : 0)
SIMT_PACKED(__vcmpne4, uint8_t, x != y ? 0xff : 0)
SIMT_PACKED(__vcmpltu4, uint8_t, x < y ? 0xff : 0)
SIMT_PACKED(__vcmpgtu4, uint8_t, x > y ? 0xff : 0)
SIMT_PACKED(__vcmpleu4, uint8_t, x <= y ? 0xff : 0)
SIMT_PACKED(__vcmpgeu4, uint8_t, x >= y ? 0xff : 0)
#undef SIMT_PACKED

// CUDA's overloads of min and max at global scope, mixed signedness included.
#define SIMT_MIN_MAX(R, A, B)                             \
  constexpr R min(A a, B b) {                             \
    const R x = static_cast<R>(a), y = static_cast<R>(b); \
    return y < x ? y : x;                                 \
  }                                                       \
  constexpr R max(A a, B b) {                             \
    const R x = static_cast<R>(a), y = static_cast<R>(b); \
    return x < y ? y : x;                                 \
  }
SIMT_MIN_MAX(int, int, int)
SIMT_MIN_MAX(unsigned, unsigned, unsigned)
SIMT_MIN_MAX(unsigned, int, unsigned)
SIMT_MIN_MAX(unsigned, unsigned, int)
SIMT_MIN_MAX(long, long, long)
SIMT_MIN_MAX(unsigned long, unsigned long, unsigned long)
SIMT_MIN_MAX(unsigned long, long, unsigned long)
SIMT_MIN_MAX(unsigned long, unsigned long, long)
SIMT_MIN_MAX(long long, long long, long long)
SIMT_MIN_MAX(unsigned long long, unsigned long long, unsigned long long)
SIMT_MIN_MAX(unsigned long long, long long, unsigned long long)
SIMT_MIN_MAX(unsigned long long, unsigned long long, long long)
#undef SIMT_MIN_MAX
