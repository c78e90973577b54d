// SPDX-License-Identifier: Apache-2.0
// The codebooks of the classic methods.
#pragma once
#include <cstdint>
#include <vector>

#include "host/model/quant_steps.h"

namespace gramzip::quant {
// The 16 levels of 4-bit NormalFloat (Dettmers et al., QLoRA, 2023), for weights from -1 to 1.
std::vector<double> nf4_codebook();

// All finite values of F8_E4M3, ascending, 0 once.
std::vector<double> fp8_codebook();
inline constexpr double kLargestFp8 = 448;

// Between neighbours: their middle; of F8_E4M3 such that a weight in the middle becomes the even
// one, as when it is converted.
std::vector<double> middle_thresholds(const std::vector<double>& levels);
std::vector<double> fp8_thresholds(const std::vector<double>& levels);

// At most 2^bits bins of equal numbers of weights, as far as equal weights allow. Zeros that are to
// remain zeros have a bin of their own.
Bins sorting_bins(const Cells& c, uint32_t bits);

// The magnitude of the two levels beside 0 that have the least squared error, and that of the least
// weights that become them. 0 if all weights are.
struct Ternary {
  double level = 0, threshold = 0;
};
Ternary best_ternary(const Cells& c);
}  // namespace gramzip::quant
