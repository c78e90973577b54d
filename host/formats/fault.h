// SPDX-License-Identifier: Apache-2.0
// How the readers of file formats refuse: Error(corrupt), one line, with names from the file
// quoted.
#pragma once
#include <string>
#include <string_view>

#include "host/base/error.h"

namespace gramzip::formats {
// A name in an error message: one line, quoted, at most 100 bytes of it.
inline std::string in_quotes(std::string_view s) {
  std::string out = "'";
  for (const char c : s.substr(0, 100))
    out += (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\'') ? '?' : c;
  return out.append(s.size() > 100 ? "...'" : "'");
}

[[noreturn]] inline void refuse(std::string_view format, std::string_view what) {
  fail(ErrorCode::corrupt, std::string(format).append(": ").append(what));
}
}  // namespace gramzip::formats
