// SPDX-License-Identifier: Apache-2.0
#include "host/model/trellis_path.inl"

namespace gramzip::quant {
void find_path_avx512(const TrellisLevels& t, const float* x, const uint16_t* below, uint32_t n,
                      uint16_t* path) {
  find_path_of_width<16>(t, x, below, n, path);
}
}  // namespace gramzip::quant
