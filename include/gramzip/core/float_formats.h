// SPDX-License-Identifier: Apache-2.0
// Floats of fewer bits as 32-bit floats and back, in integers and single exact operations of
// IEEE-754 arithmetic: the same bits on every machine. The formats are those of OCP's "8-bit
// Floating Point Specification" (E4M3 without infinity, E5M2), IEEE-754's binary16 and bfloat16.
//
// Rounding is to nearest, ties to even, with subnormals. A finite value that rounds beyond the
// largest finite one becomes infinity, in E4M3 NaN; under `saturate` the largest finite one. An
// infinity stays one, in E4M3 it is NaN in both cases. A NaN keeps its sign and the top bits of its
// payload and is made quiet.
#pragma once
#include <bit>

#include "gramzip/core/elements.h"

namespace gramzip {
enum class Overflow : uint8_t { infinity, saturate };

GRAMZIP_HD inline uint32_t float_bits(float x) {
#if defined(__CUDA_ARCH__)
  return __float_as_uint(x);
#else
  return std::bit_cast<uint32_t>(x);
#endif
}
GRAMZIP_HD inline float bits_float(uint32_t x) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(x);
#else
  return std::bit_cast<float>(x);
#endif
}

// a where c, else b, without a branch: compilers make vectors of loops over it.
GRAMZIP_HD inline uint32_t select(bool c, uint32_t a, uint32_t b) {
  const uint32_t mask = 0u - static_cast<uint32_t>(c);
  return (a & mask) | (b & ~mask);
}
GRAMZIP_HD inline uint64_t double_bits(double x) {
#if defined(__CUDA_ARCH__)
  return static_cast<uint64_t>(__double_as_longlong(x));
#else
  return std::bit_cast<uint64_t>(x);
#endif
}

// a < b for numbers below 2^31: signed comparisons are those that old vector units have.
GRAMZIP_HD inline bool less(uint32_t a, uint32_t b) {
  return static_cast<int32_t>(a) < static_cast<int32_t>(b);
}

// A format of 1 + X + M bits, X < 8 or, as bfloat16, X = 8 and M <= 22. kInfinity: exponent X ones
// is infinity and NaN; else only all ones is NaN and nothing is infinite.
template <int X, int M, bool kInfinity>
struct FloatFormat {
  static constexpr int kExponentBits = X, kMantissaBits = M, kShift = 23 - M;
  static constexpr uint32_t kSignShift = X + M, kRebias = 128u - (1u << (X - 1));
  static constexpr uint32_t kSpecial = ((1u << X) - 1) << M;
  static constexpr uint32_t kInf = kInfinity ? kSpecial : (1u << (X + M)) - 1;  // NaN without one
  static constexpr uint32_t kQuiet = kInfinity ? kSpecial | 1u << (M - 1) : kInf;
  static constexpr uint32_t kLargest = kInf - 1;  // finite

  // The bits of the 32-bit float that code v stands for.
  GRAMZIP_HD static uint32_t widen(uint32_t v) {
    const uint32_t sign = v >> kSignShift << 31;
    const uint32_t code = v & ((1u << kSignShift) - 1);
    const uint32_t a = code << kShift;
    if constexpr (X == 8) {
      const uint32_t quiet = select(less(0x7f800000u, a), 0x00400000u, 0);
      return a | quiet | sign;
    } else {
      constexpr uint32_t kLeastNormal = (kRebias + 1) << 23;
      const uint32_t tiny = float_bits(bits_float(a + kLeastNormal) - bits_float(kLeastNormal));
      uint32_t x = select(less(code, 1u << M), tiny, a + (kRebias << 23));
      if constexpr (kInfinity) {
        x = select(less(code, kSpecial), x, a | 0x7f800000u);
        x |= select(less(kSpecial, code), 0x00400000u, 0);
      } else {
        x = select(code == kInf, 0x7fc00000u, x);
      }
      return x | sign;
    }
  }

  // The code of the 32-bit float of those bits. `lost` is 1 if it is finite and lies beyond the
  // largest finite value when rounded, else 0.
  GRAMZIP_HD static uint32_t narrow(uint32_t u, bool saturate, uint32_t& lost) {
    const uint32_t sign = u >> 31 << kSignShift, a = u & 0x7fffffffu;
    const uint32_t half = (1u << (kShift - 1)) - 1;
    uint32_t r = (a - (kRebias << 23) + half + (a >> kShift & 1u)) >> kShift;
    if constexpr (X < 8) {
      // Adding a float whose last place is the format's least subnormal rounds to it.
      constexpr uint32_t kMagic = (kRebias + 24 - M) << 23;
      const uint32_t tiny = float_bits(bits_float(a) + bits_float(kMagic)) - kMagic;
      r = select(less(a, (kRebias + 1) << 23), tiny, r);
    }
    const bool finite = less(a, 0x7f800000u), large = less(kLargest, r);
    lost = static_cast<uint32_t>(finite) & static_cast<uint32_t>(large);
    r = select(large, select(saturate & finite, kLargest, kInf), r);
    const uint32_t nan = kInfinity ? (a >> kShift & ((1u << M) - 1)) | kQuiet : kQuiet;
    r = select(less(0x7f800000u, a), nan, r);
    return r | sign;
  }
};

using BFloat16 = FloatFormat<8, 7, true>;
using Float16 = FloatFormat<5, 10, true>;
using Float8E4M3 = FloatFormat<4, 3, false>;
using Float8E5M2 = FloatFormat<5, 2, true>;

// The 32-bit float beside x whose last bit is odd, or x itself if it is one: rounding that to a
// format of at most 22 bits of precision rounds x once. Infinities and NaN stay.
GRAMZIP_HD inline uint32_t round_to_odd(double x) {
  constexpr uint64_t kSign = uint64_t{1} << 63;
  const float f = static_cast<float>(x);
  const uint64_t from = double_bits(x);
  // Above 0 where the float is too large, below 0 where it is too small, in size.
  const uint64_t over = double_bits(static_cast<double>(f) - x) ^ (from & kSign);
  const uint64_t inexact = (over << 1 | (0 - (over << 1))) >> 63, below = over >> 63;
  const uint64_t finite = ((from >> 52 & 0x7ff) + 1) >> 11 ^ 1;
  const uint32_t bits = float_bits(f);
  const uint32_t moves = ~bits & static_cast<uint32_t>(inexact & finite);
  return bits + (moves & static_cast<uint32_t>(below)) - (moves & static_cast<uint32_t>(below ^ 1));
}
}  // namespace gramzip
