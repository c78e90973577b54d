// SPDX-License-Identifier: Apache-2.0
// Trellis-coded quantization (Marcellin and Fischer, 1990; entropy-coded: Joshi, Crump and Fischer,
// 1995), designed from a tensor's distribution alone.
#pragma once
#include "host/model/quant_cells.h"
#include "host/model/quant_design.h"

namespace gramzip::quant {
inline constexpr uint32_t kTrellisLog2 = 6;

// At a slope, as design_uniform: levels a fixed step apart, wider where weights are rare, the
// rarest kept as they are, and a price for each level. Paths of drawn weights give centroids,
// prices and the estimate, whose bits are those of codes of at most 12 whole bits. Without levels
// if there are too few different weights.
Design design_trellis(const Distribution& d, double lambda, uint32_t states_log2 = kTrellisLog2);
// The slope of about so many bits (limited_bits), or so much squared error; no more of either.
Design design_trellis_for_bits(const Distribution& d, double bits,
                               uint32_t states_log2 = kTrellisLog2);
Design design_trellis_for_error(const Distribution& d, double squared_error,
                                uint32_t states_log2 = kTrellisLog2);
}  // namespace gramzip::quant
