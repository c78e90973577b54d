// SPDX-License-Identifier: Apache-2.0
// A block's elements in the order of planes and back (docs/format.md, 12).
#pragma once
#include <cstdint>
#include <span>

namespace gramzip::cpu {
// Both write as many bytes as they read. element: bytes of one, 1, 2, 4 or 8. period: in elements,
// 2 or more.
void to_planes(std::span<const uint8_t> block, uint32_t element, uint32_t period, uint8_t* planes);
void from_planes(std::span<const uint8_t> planes, uint32_t element, uint32_t period,
                 uint8_t* block);
}  // namespace gramzip::cpu
