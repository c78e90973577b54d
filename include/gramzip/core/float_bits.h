// SPDX-License-Identifier: Apache-2.0
// Floats of every element type as doubles and back, in integer arithmetic: the same on every
// machine.
#pragma once
#include "gramzip/core/elements.h"

namespace gramzip {
// Layout of a float: sign, X exponent bits, M mantissa bits.
struct FloatLayout {
  uint32_t exponent_bits, mantissa_bits;
  int32_t bias;
  bool has_infinity;  // F8_E4M3 has none, and its only NaNs are 0x7f and 0xff

  GRAMZIP_HD uint64_t sign_bit() const { return uint64_t{1} << (exponent_bits + mantissa_bits); }
  GRAMZIP_HD uint64_t infinity() const {
    return ((uint64_t{1} << exponent_bits) - 1) << mantissa_bits;
  }
};
GRAMZIP_HD inline FloatLayout float_layout(ElementType t) {
  const ElementInfo e = element_info(t);
  const uint32_t mantissa = 8u * e.bytes - 1 - e.exponent_bits;
  return {e.exponent_bits, mantissa, (1 << (e.exponent_bits - 1)) - 1, t != ElementType::f8_e4m3};
}

GRAMZIP_HD inline bool is_finite(const FloatLayout& f, uint64_t x) {
  const uint64_t magnitude = x & (f.sign_bit() - 1);
  return f.has_infinity ? magnitude < f.infinity() : magnitude != f.sign_bit() - 1;
}

// The bits of the double that equals element x, which is a number of any type: exact. Infinities
// are kept; of a NaN remains that it is one.
GRAMZIP_HD inline uint64_t double_bits_of(const FloatLayout& f, uint64_t x) {
  const uint64_t sign = (x & f.sign_bit()) != 0 ? uint64_t{1} << 63 : 0;
  const uint64_t magnitude = x & (f.sign_bit() - 1);
  if (magnitude == 0) return sign;
  if (!is_finite(f, x)) {
    const bool infinite = f.has_infinity && magnitude == f.infinity();
    return sign | (uint64_t{0x7ff} << 52) | (infinite ? 0 : uint64_t{1} << 51);
  }
  auto exponent = static_cast<int32_t>(magnitude >> f.mantissa_bits);
  uint64_t mantissa = magnitude & ((uint64_t{1} << f.mantissa_bits) - 1);
  if (f.exponent_bits == 11) return sign | magnitude;
  if (exponent == 0) {  // subnormal: shifted until its highest bit is the implicit one
    exponent = 1;
    while ((mantissa >> f.mantissa_bits) == 0) mantissa <<= 1, --exponent;
    mantissa &= (uint64_t{1} << f.mantissa_bits) - 1;
  }
  const auto biased = static_cast<uint64_t>(exponent - f.bias + 1023);
  return sign | (biased << 52) | (mantissa << (52 - f.mantissa_bits));
}

// The element nearest to a double, ties to even. Beyond the largest: infinity, or NaN where there
// is none. NaNs become the quiet NaN.
GRAMZIP_HD inline uint64_t round_double_bits(const FloatLayout& f, uint64_t d) {
  if (f.exponent_bits == 11) return d;
  const uint64_t sign = (d >> 63) != 0 ? f.sign_bit() : 0;
  const uint64_t none = f.sign_bit() - 1;  // all ones
  const uint64_t overflow = f.has_infinity ? f.infinity() : none;
  const auto biased = static_cast<int32_t>((d >> 52) & 0x7ff);
  const uint64_t fraction = d & ((uint64_t{1} << 52) - 1);
  if (biased == 0x7ff) {
    if (fraction == 0) return sign | overflow;
    return sign | (f.has_infinity ? f.infinity() | (uint64_t{1} << (f.mantissa_bits - 1)) : none);
  }
  if (biased == 0) return sign;  // subnormal doubles are below half of every other type's least
  const int32_t exponent = biased - 1023 + f.bias;
  const uint64_t mantissa = fraction | (uint64_t{1} << 52);
  // So many bits are rounded away; more of them for subnormals.
  int32_t shift = 52 - static_cast<int32_t>(f.mantissa_bits);
  if (exponent < 1) shift += 1 - exponent;
  if (shift > 54) return sign;
  const uint64_t half = uint64_t{1} << (shift - 1), kept = mantissa >> shift,
                 rest = mantissa & ((half << 1) - 1);
  uint64_t rounded = kept + ((rest > half || (rest == half && (kept & 1) != 0)) ? 1 : 0);
  // A carry goes on into the exponent, as it should.
  if (exponent >= 1) rounded += static_cast<uint64_t>(exponent - 1) << f.mantissa_bits;
  if (rounded >= (f.has_infinity ? f.infinity() : none)) rounded = overflow;
  return sign | rounded;
}

GRAMZIP_HD inline double bits_as_double(uint64_t bits) {
  union {
    uint64_t u;
    double d;
  } v{bits};
  return v.d;
}
GRAMZIP_HD inline uint64_t double_as_bits(double d) {
  union {
    double d;
    uint64_t u;
  } v{d};
  return v.u;
}
GRAMZIP_HD inline double element_value(ElementType t, uint64_t x) {
  return bits_as_double(double_bits_of(float_layout(t), x));
}
GRAMZIP_HD inline uint64_t round_element(ElementType t, double d) {
  return round_double_bits(float_layout(t), double_as_bits(d));
}
}  // namespace gramzip
