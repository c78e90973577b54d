// SPDX-License-Identifier: Apache-2.0
#include "host/base/cpu_features.h"

#include <cstdlib>
#include <cstring>

namespace gramzip {
const CpuFeatures& cpu_features() {
  static const CpuFeatures features = [] {
    CpuFeatures f;
    const char* wish = std::getenv("GRAMZIP_CPU");
    if (wish != nullptr && std::strcmp(wish, "baseline") == 0) return f;
#if defined(__x86_64__)
    // These ask the operating system, too, whether it keeps the registers.
    f.avx2_bmi2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
    if (wish != nullptr && std::strcmp(wish, "avx2") == 0) return f;
    f.avx512 = f.avx2_bmi2 && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
    if (wish != nullptr && std::strcmp(wish, "avx512") == 0) return f;
    f.avx512_vbmi = f.avx512 && __builtin_cpu_supports("avx512vbmi") &&
                    __builtin_cpu_supports("avx512vbmi2");
#endif
    return f;
  }();
  return features;
}

std::string cpu_features_text() {
  if (cpu_features().avx512_vbmi) return "AVX-512 with VBMI2, AVX2, BMI2";
  if (cpu_features().avx512) return "AVX-512, AVX2, BMI2";
  return cpu_features().avx2_bmi2 ? "AVX2, BMI2" : "baseline";
}
}  // namespace gramzip
