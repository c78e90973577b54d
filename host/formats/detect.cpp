// SPDX-License-Identifier: Apache-2.0
#include "host/formats/detect.h"

#include <algorithm>

namespace gramzip {
bool looks_like_text(std::span<const uint8_t> bytes) {
  // A piece is small enough for an early no, and for counts of a byte, one a column: compilers make
  // vectors of them at 32 bytes a step where sums of 32 bits cost four times as much.
  constexpr size_t kWidth = 32, kPiece = 128 * kWidth;
  const auto is_low = [](uint8_t b) {  // \b \t \n \v \f \r and ESC are text
    return (b < 0x20) & (static_cast<uint8_t>(b - 0x08) > 5) & (b != 0x1b);
  };
  uint64_t controls = 0;
  for (size_t at = 0; at < bytes.size(); at += kPiece) {
    uint32_t nuls = 0, low = 0;
    const auto piece = bytes.subspan(at, std::min(kPiece, bytes.size() - at));
    uint8_t nul_columns[kWidth] = {}, low_columns[kWidth] = {};
    size_t i = 0;
    for (; i + kWidth <= piece.size(); i += kWidth)
      for (size_t k = 0; k < kWidth; ++k) {
        const uint8_t b = piece[i + k];
        nul_columns[k] = static_cast<uint8_t>(nul_columns[k] + (b == 0));
        low_columns[k] = static_cast<uint8_t>(low_columns[k] + is_low(b));
      }
    for (; i < piece.size(); ++i) {
      nuls += piece[i] == 0;
      low += static_cast<uint32_t>(is_low(piece[i]));
    }
    for (size_t k = 0; k < kWidth; ++k) {
      nuls += nul_columns[k];
      low += low_columns[k];
    }
    if (nuls > 0) return false;
    controls += low;
  }
  return controls <= bytes.size() / 64;
}
}  // namespace gramzip
