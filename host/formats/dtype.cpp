// SPDX-License-Identifier: Apache-2.0
#include "host/formats/dtype.h"

#include <algorithm>

namespace gramzip::formats {
namespace {
// A complex number is two floats; unsigned integers are coded as the signed ones of their size.
constexpr Dtype kDtypes[] = {
    {"BOOL", 8, ElementType::bytes, "|b1", true},   {"F4", 4, ElementType::bytes, "", true},
    {"F6_E2M3", 6, ElementType::bytes, "", true},   {"F6_E3M2", 6, ElementType::bytes, "", true},
    {"U8", 8, ElementType::bytes, "|u1", true},     {"I8", 8, ElementType::bytes, "|i1", true},
    {"F8_E5M2", 8, ElementType::f8_e5m2, "", true}, {"F8_E4M3", 8, ElementType::f8_e4m3, "", true},
    {"F8_E8M0", 8, ElementType::bytes, "", true},   {"I16", 16, ElementType::i16, "<i2", true},
    {"U16", 16, ElementType::i16, "<u2", true},     {"F16", 16, ElementType::f16, "<f2", true},
    {"BF16", 16, ElementType::bf16, "", true},      {"I32", 32, ElementType::i32, "<i4", true},
    {"U32", 32, ElementType::i32, "<u4", true},     {"F32", 32, ElementType::f32, "<f4", true},
    {"C64", 64, ElementType::f32, "<c8", true},     {"F64", 64, ElementType::f64, "<f8", true},
    {"I64", 64, ElementType::i64, "<i8", true},     {"U64", 64, ElementType::i64, "<u8", true},
    {"C128", 128, ElementType::f64, "<c16", false},
};
}  // namespace

const Dtype* find_dtype(std::string_view name) {
  for (const Dtype& d : kDtypes)
    if (name == d.name) return &d;
  return nullptr;
}

const Dtype* find_npy_dtype(std::string_view descr) {
  for (const Dtype& d : kDtypes)
    if (descr == d.npy && !descr.empty()) return &d;
  return nullptr;
}

std::optional<uint64_t> tensor_bytes(std::span<const uint64_t> shape, uint32_t bits) {
  if (std::find(shape.begin(), shape.end(), 0u) != shape.end()) return 0;
  uint64_t n = bits;
  for (const uint64_t d : shape)
    if (__builtin_mul_overflow(n, d, &n)) return std::nullopt;
  if (n % 8 != 0) return std::nullopt;
  return n / 8;
}
}  // namespace gramzip::formats
