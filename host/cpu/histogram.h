// SPDX-License-Identifier: Apache-2.0
// Counts of the symbols of a run of elements (kernels/histogram is the device's).
#pragma once
#include <cstdint>
#include <span>

#include "gramzip/core/elements.h"

namespace gramzip::cpu {
// Adds to counts[2^split.symbol_bits]. content holds whole elements.
void histogram(std::span<const uint8_t> content, const Split& split, std::span<uint32_t> counts);
}  // namespace gramzip::cpu
