// SPDX-License-Identifier: Apache-2.0
// The exact values of a segment of floats (docs/format.md, 11): which values get a symbol of their
// own, and whether the segment is coded so at all. Integers decide.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/elements.h"

namespace gramzip::model {
// Which of up to kMaxExactValues values an element is, by one look-up.
class ExactIndex {
 public:
  ExactIndex() : ExactIndex(std::span<const uint64_t>()) {}
  explicit ExactIndex(std::span<const uint64_t> values);
  static constexpr uint32_t kNone = UINT32_MAX;
  uint32_t find(uint64_t x) const {
    const uint32_t i = slots_[slot_of(x)];
    return values_[i] == x && i < count_ ? i : kNone;
  }

 private:
  static constexpr uint32_t kSlotBits = 10;
  size_t slot_of(uint64_t x) const { return (x ^ x >> 32) * factor_ >> (64 - kSlotBits); }
  std::array<uint8_t, 1u << kSlotBits> slots_{};
  std::array<uint64_t, kMaxExactValues> values_{};
  uint32_t count_ = 0;
  uint64_t factor_ = 0x9e3779b97f4a7c15u;
};

// The symbol of each element of content, exact values by their own.
void exact_symbols(std::span<const uint8_t> content, const Split& split, const ExactIndex& exact,
                   uint16_t* symbols);

// The exact values of a segment, ascending; empty where codec floats is the better one. Judged by a
// sample of kExactSample elements of blocks that are not constant: a value is exact if it makes up
// 1/5000 of them and its symbol saves more bits than it costs; at most the kMaxExactValues most
// frequent ones, ties by value. All together they must save 1/256 of the content, for codec floats
// is the faster one.
inline constexpr uint32_t kExactSample = 1u << 15;
std::vector<uint64_t> choose_exact_values(std::span<const uint8_t> content, ElementType type);
}  // namespace gramzip::model
