// SPDX-License-Identifier: Apache-2.0
// Quantizers from levels and the bins that become them.
#pragma once
#include <span>

#include "host/model/quant_design.h"
#include "host/model/quant_steps.h"

namespace gramzip::quant {
inline constexpr uint32_t kMostLevels = kMaxLevels - 1;

// Of the tensor's weights, tables included.
Price price_of(const Cells& c, double slope);
// Of n of total weights that share an ideal code.
double ideal_bits(double total, double n);

// Whether `span` uniform levels take less of a table than so many listed ones.
bool ladder_is_smaller(ElementType type, double span, double listed);
// A quantizer whose levels are those of bins: as listed or, if their table is smaller, as uniform
// ones; then some levels in between may be new, and values are the nearest that a correction of
// 1/256 step can say. Where each bin is one value, levels are exactly these. `c`: cells of buckets.
// Without bins all weights are kept as they are.
Quantizer make_quantizer(const Cells& c, const Bins& bins, bool listed = false);

// The best bins at a slope, at most kMostLevels. `fine`: the cells of d.
Bins uniform_bins(const Distribution& d, const Cells& fine, double slope);
// The quantizer of bins and what it does.
Design design_of(const Cells& fine, const Bins& bins);

// What a quantizer without scales does to the weights it was made for.
Estimate estimate_of(const Cells& c, const Quantizer& q);
}  // namespace gramzip::quant
