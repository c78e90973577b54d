// SPDX-License-Identifier: Apache-2.0
#include "host/cli/html_text.h"

#include <fmt/format.h>

#include <vector>

#include "host/cli/models.h"

namespace gramzip::cli {
namespace {
// U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069: they turn the direction of what follows.
bool turns_direction(std::string_view c) {
  if (c.size() != 3 || c[0] != '\xe2') return false;
  const auto b = static_cast<unsigned char>(c[1]), d = static_cast<unsigned char>(c[2]);
  return (b == 0x80 && (d == 0x8e || d == 0x8f || (d >= 0xaa && d <= 0xae))) ||
         (b == 0x81 && d >= 0xa6 && d <= 0xa9);
}

// Each character as HTML.
std::vector<std::string> characters(std::string_view text) {
  std::vector<std::string> out;
  for (size_t i = 0; i < text.size();) {
    const auto u = static_cast<unsigned char>(text[i]);
    const size_t n = u >= 0x80 ? utf8_length(text.substr(i)) : 0;
    const std::string_view c = text.substr(i, n);
    if (n > 0 && !turns_direction(c)) {
      out.emplace_back(c);
      i += n;
      continue;
    }
    ++i;
    switch (u) {
      case '&':
        out.emplace_back("&amp;");
        break;
      case '<':
        out.emplace_back("&lt;");
        break;
      case '>':
        out.emplace_back("&gt;");
        break;
      case '"':
        out.emplace_back("&quot;");
        break;
      case '\'':
        out.emplace_back("&#39;");
        break;
      default:
        out.push_back(u < 0x20 || u >= 0x7f ? fmt::format("\\x{:02x}", u)
                                            : std::string(1, static_cast<char>(u)));
    }
  }
  return out;
}
}  // namespace

std::string html_text(std::string_view text) {
  std::string out;
  for (const std::string& c : characters(text)) out += c;
  return out;
}

std::string html_tail(std::string_view text, size_t most) {
  const std::vector<std::string> all = characters(text);
  std::string out = all.size() > most ? "…" : "";
  for (size_t i = all.size() > most ? all.size() - most + 1 : 0; i < all.size(); ++i) out += all[i];
  return out;
}
}  // namespace gramzip::cli
