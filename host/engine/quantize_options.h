// SPDX-License-Identifier: Apache-2.0
// What contradicts itself in the options of quantize().
#pragma once
#include "host/engine/quantize.h"

namespace gramzip {
// Throws Error(invalid_argument).
void check_options(const QuantizeOptions& o);
// Whether weights may be quantized along a trellis: nothing else says what becomes of them.
bool may_use_trellis(const QuantizeOptions& o);
}  // namespace gramzip
