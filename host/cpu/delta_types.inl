// SPDX-License-Identifier: Apache-2.0
// From an element type at run time to loops for it. Included by the loops of each instruction set.
#pragma once
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
