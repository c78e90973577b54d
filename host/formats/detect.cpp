// SPDX-License-Identifier: Apache-2.0
#include "host/formats/detect.h"

#include <algorithm>

namespace gramzip {
bool looks_like_text(std::span<const uint8_t> bytes) {
  constexpr size_t kPiece = 4096;  // small enough for an early no
  uint64_t controls = 0;
  for (size_t at = 0; at < bytes.size(); at += kPiece) {
    uint32_t nuls = 0, low = 0;
    for (const uint8_t b : bytes.subspan(at, std::min(kPiece, bytes.size() - at))) {
      nuls += b == 0;
      low += b < 0x20 && (b < 0x08 || b > 0x0d) && b != 0x1b;  // \b \t \n \v \f \r and ESC are text
    }
    if (nuls > 0) return false;
    controls += low;
  }
  return controls <= bytes.size() / 64;
}
}  // namespace gramzip
