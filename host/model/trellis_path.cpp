// SPDX-License-Identifier: Apache-2.0
#include "host/model/trellis_path.h"

#include <algorithm>
#include <cmath>

#include "host/base/cpu_features.h"
#include "host/base/error.h"
#include "host/model/trellis_path.inl"

namespace gramzip::quant {
namespace {
constexpr float kFar = 1e15f;  // where there is no level
}

TrellisLevels::TrellisLevels(const Quantizer& q)
    : count(q.levels.count()), states_log2(q.levels.trellis) {
  if (states_log2 < kLeastSearched || states_log2 > kMaxTrellisLog2 ||
      q.prices.size() != count + 1 || count % 2 != 0)
    fail(ErrorCode::internal, "a trellis without its levels or prices");
  const double most = *std::max_element(q.prices.begin(), q.prices.end());
  per_unit = most > 0 ? 1 / std::sqrt(most) : 1;
  if (!std::isfinite(per_unit)) per_unit = 1;
  at.assign(kFront + count + kBehind, kFar);
  price.assign(at.size(), 0);
  escape = static_cast<float>(q.prices[count] * per_unit * per_unit);
  for (uint32_t i = 0; i < count; ++i) {
    at[kFront + i] =
        static_cast<float>(element_value(q.levels.type, q.levels.element(i, 0)) * per_unit);
    price[kFront + i] = static_cast<float>(q.prices[i] * per_unit * per_unit);
  }
}

void find_path_baseline(const TrellisLevels& t, const float* x, const uint16_t* below, uint32_t n,
                        uint16_t* path) {
  find_path_of_width<4>(t, x, below, n, path);
}

void find_path(const TrellisLevels& t, const float* x, const uint16_t* below, uint32_t n,
               uint16_t* path) {
  static const FindPath find = [] {
    const CpuFeatures& f = cpu_features();
#if defined(GRAMZIP_HAVE_AVX512)
    if (f.avx512) return find_path_avx512;
#endif
#if defined(GRAMZIP_HAVE_AVX2)
    if (f.avx2_bmi2) return find_path_avx2;
#endif
    static_cast<void>(f);
    return find_path_baseline;
  }();
  find(t, x, below, n, path);
}
}  // namespace gramzip::quant
