// SPDX-License-Identifier: Apache-2.0
//
// Floating-point intrinsics with one defined rounding.  The fast approximations (__expf, __fdividef
// and the like) are not offered: their last bits differ from GPU to GPU.
//
// x86-64 and aarch64 round to nearest even by default, so the _rn forms are the plain operations.
// The volatile-free forms rely on -ffp-contract=off, which gramzip_add_simt_library() sets.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "simt/keywords.h"

inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __frcp_rn(float a) { return 1.0f / a; }
inline float __fsqrt_rn(float a) { return std::sqrt(a); }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __dsqrt_rn(double a) { return std::sqrt(a); }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }

// Clamps to [0, 1]; NaN becomes 0.
inline float __saturatef(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }

inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
inline double __longlong_as_double(long long x) { return std::bit_cast<double>(x); }

namespace simt {

// Conversion as the GPU does it: saturating; NaN becomes 0 for 32-bit results and the top bit
// alone for 64-bit results.
template <class To, class From>
inline To to_integer(From rounded) {
  using Limits = std::numeric_limits<To>;
  if (std::isnan(rounded)) return sizeof(To) == 4 ? To(0) : To(1ull << 63);
  // 2^digits is exact in either type, To's maximum is not.
  if (rounded >= std::ldexp(From(1), Limits::digits)) return Limits::max();
  if (rounded < From(Limits::min())) return Limits::min();
  return To(rounded);
}

}  // namespace simt

#define SIMT_TO_INTEGER(from, From, to, To)                                                  \
  inline To __##from##2##to##_rn(From x) { return simt::to_integer<To>(std::nearbyint(x)); } \
  inline To __##from##2##to##_rz(From x) { return simt::to_integer<To>(std::trunc(x)); }     \
  inline To __##from##2##to##_rd(From x) { return simt::to_integer<To>(std::floor(x)); }     \
  inline To __##from##2##to##_ru(From x) { return simt::to_integer<To>(std::ceil(x)); }
SIMT_TO_INTEGER(float, float, int, int)
SIMT_TO_INTEGER(float, float, uint, unsigned)
SIMT_TO_INTEGER(float, float, ll, long long)
SIMT_TO_INTEGER(float, float, ull, unsigned long long)
SIMT_TO_INTEGER(double, double, int, int)
SIMT_TO_INTEGER(double, double, uint, unsigned)
SIMT_TO_INTEGER(double, double, ll, long long)
SIMT_TO_INTEGER(double, double, ull, unsigned long long)
#undef SIMT_TO_INTEGER

inline float __int2float_rn(int x) { return float(x); }
inline float __uint2float_rn(unsigned x) { return float(x); }
inline float __ll2float_rn(long long x) { return float(x); }
inline float __ull2float_rn(unsigned long long x) { return float(x); }
inline double __int2double_rn(int x) { return double(x); }
inline double __uint2double_rn(unsigned x) { return double(x); }
inline double __ll2double_rn(long long x) { return double(x); }
inline double __ull2double_rn(unsigned long long x) { return double(x); }
inline float __double2float_rn(double x) { return float(x); }

// CUDA's overloads at global scope.  As there, the number wins over NaN.
inline float min(float a, float b) { return std::fmin(a, b); }
inline float max(float a, float b) { return std::fmax(a, b); }
inline double min(double a, double b) { return std::fmin(a, b); }
inline double max(double a, double b) { return std::fmax(a, b); }
inline double min(float a, double b) { return std::fmin(double(a), b); }
inline double max(float a, double b) { return std::fmax(double(a), b); }
inline double min(double a, float b) { return std::fmin(a, double(b)); }
inline double max(double a, float b) { return std::fmax(a, double(b)); }
