// SPDX-License-Identifier: Apache-2.0
// Floats of a type known to the compiler, for loops over many of them: what core/float_bits.h says
// of each, with the machine's own conversions where these give the same bits.
#pragma once
#include "gramzip/core/quant.h"

namespace gramzip {
template <uint32_t bytes>
struct BitsOf;
template <>
struct BitsOf<1> {
  using Type = uint8_t;
};
template <>
struct BitsOf<2> {
  using Type = uint16_t;
};
template <>
struct BitsOf<4> {
  using Type = uint32_t;
};
template <>
struct BitsOf<8> {
  using Type = uint64_t;
};

template <ElementType type>
struct FloatValues {
  static constexpr uint32_t kExponentBits = type == ElementType::f16 || type == ElementType::f8_e5m2
                                                ? 5
                                            : type == ElementType::f8_e4m3 ? 4
                                            : type == ElementType::f64     ? 11
                                                                           : 8;
  static constexpr uint32_t kBytes = type == ElementType::f64                                ? 8
                                     : type == ElementType::f32                              ? 4
                                     : type == ElementType::bf16 || type == ElementType::f16 ? 2
                                                                                             : 1;
  using Bits = typename BitsOf<kBytes>::Type;
  static constexpr uint32_t kMantissaBits = 8 * kBytes - 1 - kExponentBits;
  static constexpr int32_t kBias = (1 << (kExponentBits - 1)) - 1;
  static constexpr Bits kSign = static_cast<Bits>(Bits{1} << (8 * kBytes - 1));
  static constexpr Bits kMagnitude = static_cast<Bits>(kSign - 1);
  static constexpr Bits kInfinity =
      static_cast<Bits>(((Bits{1} << kExponentBits) - 1) << kMantissaBits);
  // The least magnitude that is not finite; F8_E4M3 has its one NaN there.
  static constexpr Bits kNotFinite = type == ElementType::f8_e4m3 ? kMagnitude : kInfinity;

  GRAMZIP_HD static Bits magnitude(Bits x) { return static_cast<Bits>(x & kMagnitude); }
  GRAMZIP_HD static bool finite(Bits x) { return magnitude(x) < kNotFinite; }

  // Exact. x is finite, or its type is BF16 or F32 (whose NaNs and infinities stay what they are).
  GRAMZIP_HD static float to_float(Bits x) {
    if constexpr (type == ElementType::f32) {
      return quant::bits_as_float(x);
    } else if constexpr (type == ElementType::bf16) {
      return quant::bits_as_float(uint32_t{x} << 16);
    } else {
      static_assert(type != ElementType::f64);
      const uint32_t m = magnitude(x);
      const uint32_t sign = (x & kSign) != 0 ? 0x80000000u : 0u;
      // Subnormals are whole multiples of the least one.
      constexpr uint32_t least = static_cast<uint32_t>(128 - kBias - int32_t{kMantissaBits}) << 23;
      const uint32_t subnormal =
          quant::float_as_bits(static_cast<float>(m) * quant::bits_as_float(least));
      const uint32_t normal =
          (m << (23 - kMantissaBits)) + (static_cast<uint32_t>(127 - kBias) << 23);
      return quant::bits_as_float(sign | (m < (1u << kMantissaBits) ? subnormal : normal));
    }
  }
  GRAMZIP_HD static double to_double(Bits x) {
    if constexpr (type == ElementType::f64)
      return bits_as_double(x);
    else
      return static_cast<double>(to_float(x));
  }
  // The element nearest to a float that is no NaN: round_element(type, f).
  GRAMZIP_HD static Bits from_float(float f) {
    const uint32_t u = quant::float_as_bits(f);
    if constexpr (type == ElementType::f32) {
      return u;
    } else if constexpr (type == ElementType::bf16) {
      return static_cast<Bits>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
    } else if constexpr (type == ElementType::f64) {
      return double_as_bits(static_cast<double>(f));
    } else {
      constexpr uint32_t shift = 23 - kMantissaBits;
      constexpr uint32_t rebias = static_cast<uint32_t>(127 - kBias) << 23;
      // The float whose last bit is the least subnormal: a sum with it rounds to multiples of that.
      constexpr uint32_t coarse = static_cast<uint32_t>(128 - kBias - int32_t{kMantissaBits} + 23)
                                  << 23;
      const uint32_t m = u & 0x7fffffffu, normal = m - rebias;
      const uint32_t subnormal =
          quant::float_as_bits(quant::bits_as_float(m) + quant::bits_as_float(coarse)) - coarse;
      uint32_t r = m < rebias + (1u << 23)
                       ? subnormal
                       : (normal + (1u << (shift - 1)) - 1 + ((normal >> shift) & 1u)) >> shift;
      r = r < kNotFinite ? r : kNotFinite;
      return static_cast<Bits>(r | ((u >> 31) != 0 ? kSign : 0u));
    }
  }

  // Unsigned integers in the order of the values: -NaN, -infinity, ..., -0, +0, ...
  GRAMZIP_HD static Bits order(Bits x) {
    return static_cast<Bits>((x & kSign) != 0 ? ~x : x | kSign);
  }
  GRAMZIP_HD static Bits from_order(Bits o) {
    return static_cast<Bits>((o & kSign) != 0 ? o ^ kSign : ~o);
  }

  // |x| as the bits of the nearest F32, all NaNs as the largest number there is: magnitudes of
  // every type compare as integers.
  GRAMZIP_HD static uint32_t magnitude_key(Bits x) {
    constexpr uint32_t nan = 0x7fffffffu, infinity = 0x7f800000u;
    const Bits m = magnitude(x);
    if (m >= kNotFinite) return type != ElementType::f8_e4m3 && m == kInfinity ? infinity : nan;
    if constexpr (type == ElementType::f64)
      return quant::float_as_bits(static_cast<float>(bits_as_double(m)));
    else
      return quant::float_as_bits(to_float(m));
  }
};

// Buckets of a distribution: the sign, the exponent and the upper mantissa bits of the nearest
// finite F32, all but these low ones.
inline constexpr uint32_t kBucketLowBits = 12;
template <ElementType type>
GRAMZIP_HD inline uint32_t nearest_finite_f32(typename FloatValues<type>::Bits x) {
  const uint32_t f = quant::float_as_bits(static_cast<float>(FloatValues<type>::to_double(x)));
  return (f & 0x7fffffffu) < 0x7f800000u ? f : f - 1;
}

// f.template operator()<type>() for a float type; `f` must take each. False for other types.
template <class F>
bool with_float_type(ElementType t, F&& f) {
  switch (t) {
    case ElementType::bf16:
      f.template operator()<ElementType::bf16>();
      return true;
    case ElementType::f16:
      f.template operator()<ElementType::f16>();
      return true;
    case ElementType::f32:
      f.template operator()<ElementType::f32>();
      return true;
    case ElementType::f64:
      f.template operator()<ElementType::f64>();
      return true;
    case ElementType::f8_e4m3:
      f.template operator()<ElementType::f8_e4m3>();
      return true;
    case ElementType::f8_e5m2:
      f.template operator()<ElementType::f8_e5m2>();
      return true;
    default:
      return false;
  }
}
}  // namespace gramzip
