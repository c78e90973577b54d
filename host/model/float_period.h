// SPDX-License-Identifier: Apache-2.0
// The period of a segment of floats: how far apart elements lie that are of like size, such as the
// same tap of a convolution's kernels (docs/format.md, 12). Integers throughout; the same for every
// backend (docs/determinism.md, "Which order").
#pragma once
#include <cstdint>
#include <span>

#include "gramzip/core/elements.h"

namespace gramzip::model {
// 0 if elements side by side are as alike as those of any period.
uint16_t choose_float_period(std::span<const uint8_t> content, ElementType type);
}  // namespace gramzip::model
