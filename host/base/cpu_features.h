// SPDX-License-Identifier: Apache-2.0
// What the processor and the system offer, asked once. GRAMZIP_CPU=baseline in the environment
// hides it all, GRAMZIP_CPU=avx2 and =avx512 what is newer, so that tests run every path on one machine.
#pragma once
#include <string>

namespace gramzip {
struct CpuFeatures {
  bool avx2_bmi2 = false;  // x86-64-v3: AVX2 and BMI2
  bool avx512 = false;     // x86-64-v4: AVX-512 F, BW, DQ and VL, and all of the above
  bool avx512_vbmi = false;  // VBMI and VBMI2 besides
};
const CpuFeatures& cpu_features();
std::string cpu_features_text();
}  // namespace gramzip
