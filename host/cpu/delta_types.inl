// SPDX-License-Identifier: Apache-2.0
// From an element type at run time to loops for it. Included by the loops of each instruction set.
#pragma once
#include <bit>

#include "gramzip/core/delta.h"
#include "gramzip/core/wire.h"

namespace gramzip::cpu {
namespace {
// Elements as unsigned integers T with X exponent bits.
template <class T, uint32_t X>
struct Elements {
  using Word = T;
  static constexpr delta::Arithmetic arithmetic{8 * sizeof(T), X};
  static T load(const uint8_t* p, size_t i) { return load_le<T>(p + i * sizeof(T)); }
  static void store(uint8_t* p, size_t i, T v) { store_le<T>(p + i * sizeof(T), v); }
};

// delta::bucket, in steps of which compilers make vectors for values of 32 bits: a float has the
// place of the highest bit as its exponent and the two bits below in front of its mantissa. The
// bit below these is cleared, so no rounding reaches them.
template <class Word>
uint32_t bucket_of(Word v) {
  if constexpr (sizeof(Word) == 8) {
    return delta::bucket(v);
  } else {
    const uint32_t half = v >> 1;
    const auto f = static_cast<float>(static_cast<int32_t>(half & ~(half >> 3)));
    constexpr uint32_t kOfFour = (127 + 2) * 4;  // the top bits of 4.0
    const uint32_t symbol = (std::bit_cast<uint32_t>(f) >> 21) - kOfFour + 8;
    const uint32_t small = 0 - uint32_t{v < 8};  // no branch: a conversion may not be skipped
    return (v & small) | (symbol & ~small);
  }
}

// f(Elements of the type).
template <class F>
auto with_elements(ElementType type, const F& f) {
  switch (type) {
    case ElementType::f8_e4m3:
      return f(Elements<uint8_t, 4>{});
    case ElementType::f8_e5m2:
      return f(Elements<uint8_t, 5>{});
    case ElementType::bf16:
      return f(Elements<uint16_t, 8>{});
    case ElementType::f16:
      return f(Elements<uint16_t, 5>{});
    case ElementType::i16:
      return f(Elements<uint16_t, 0>{});
    case ElementType::f32:
      return f(Elements<uint32_t, 8>{});
    case ElementType::i32:
      return f(Elements<uint32_t, 0>{});
    case ElementType::f64:
      return f(Elements<uint64_t, 11>{});
    case ElementType::i64:
      return f(Elements<uint64_t, 0>{});
    default:
      return f(Elements<uint8_t, 0>{});
  }
}
}  // namespace
}  // namespace gramzip::cpu
