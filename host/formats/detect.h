// SPDX-License-Identifier: Apache-2.0
// Text or binary, by content.
#pragma once
#include <cstdint>
#include <span>

namespace gramzip {
// No NUL, and at most one byte in 64 is a control character other than the white space of text
// files. UTF-8 and the 8-bit encodings pass; compressed, encrypted and numeric data do not.
bool looks_like_text(std::span<const uint8_t> bytes);
}  // namespace gramzip
