// SPDX-License-Identifier: Apache-2.0
// log2 in integers, for decisions that must be the same on every machine.
#pragma once
#include <array>
#include <bit>
#include <cstdint>

namespace gramzip::model {
inline constexpr uint32_t kLogBits = 10;
inline constexpr uint32_t kLogUnit = 1u << kLogBits;  // of one bit

namespace detail {
// floor(1024 log2(1 + i / 1024)) by repeated squaring.
consteval std::array<uint16_t, kLogUnit> log_table() {
  std::array<uint16_t, kLogUnit> table{};
  for (uint32_t i = 0; i < kLogUnit; ++i) {
    uint64_t x = uint64_t{kLogUnit + i} << (31 - kLogBits);  // 31 bits of fraction
    uint32_t log = 0;
    for (uint32_t bit = 0; bit < kLogBits; ++bit) {
      x = x * x >> 31;
      log = log << 1 | static_cast<uint32_t>(x >> 32);
      x >>= x >> 32;
    }
    table[i] = static_cast<uint16_t>(log);
  }
  return table;
}
inline constexpr std::array<uint16_t, kLogUnit> kLogTable = log_table();
}  // namespace detail

// log2(x) in 1/1024 bit, at most 0.0025 bit below the real one; x > 0. Never falls as x grows.
constexpr uint32_t fixed_log2(uint64_t x) {
  const auto top = static_cast<uint32_t>(std::bit_width(x)) - 1;
  const uint64_t mantissa = top >= kLogBits ? x >> (top - kLogBits) : x << (kLogBits - top);
  return (top << kLogBits) + detail::kLogTable[mantissa & (kLogUnit - 1)];
}
}  // namespace gramzip::model
