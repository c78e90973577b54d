// SPDX-License-Identifier: Apache-2.0
#include "host/cli/grams_out.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "host/cli/console.h"

namespace gramzip::cli {
namespace {
// The bytes of the UTF-8 character at the start; 0 if there is none, or it is a control character.
size_t printable(std::string_view s) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(s[i]); };
  const uint32_t b = byte(0);
  if (b < 0x80) return b >= 0x20 && b != 0x7f ? 1 : 0;
  const size_t n = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2;
  if (b < 0xc2 || b > 0xf4 || s.size() < n) return 0;
  uint32_t c = b & (0x7fu >> n);
  for (size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xc0u) != 0x80u) return 0;
    c = c << 6 | (byte(i) & 0x3fu);
  }
  const bool overlong = (n == 3 && c < 0x800) || (n == 4 && c < 0x10000);
  const bool surrogate = c >= 0xd800 && c < 0xe000;
  // Controls; marks that turn the direction of a line; separators of lines.
  const bool control = c < 0xa0 || (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
                       (c >= 0x2066 && c <= 0x2069);
  return overlong || surrogate || control || c > 0x10ffff ? 0 : n;
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<uint8_t>(c));
  return out;
}

std::string json_text(const std::string& s) {
  using nlohmann::ordered_json;
  return ordered_json(s).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string gram_noun(const NgramSpec& spec) {
  const bool words = spec.unit == NgramUnit::words;
  if (spec.n == 1) return words ? "words" : "bytes";
  return fmt::format("{} {}-grams", words ? "word" : "byte", spec.n);
}
}  // namespace

std::string escaped(std::string_view s) {
  std::string out;
  while (!s.empty()) {
    const char c = s[0];
    size_t n = printable(s);
    if (c == '\\' || c == '"') {
      out += '\\';
      out += c;
    } else if (n > 0) {
      out += s.substr(0, n);
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else {
      out += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
    }
    s.remove_prefix(std::max<size_t>(n, 1));
  }
  return out;
}

std::string grams_summary(const GramsReport& r) {
  const std::string what = r.files.size() != 1 ? std::to_string(r.files.size()) + " files"
                           : r.files[0] == "-" ? "standard input"
                                               : shown(r.files[0]);
  return fmt::format("{}: {}, {} {}, {} distinct", what, size_text(r.bytes), r.total,
                     gram_noun(r.spec), r.distinct);
}

void print_grams_table(const GramsReport& r, bool head) {
  if (head) print(fmt::format("{:>12} {:>8}  {}\n", "count", "share", "n-gram"));
  // Bytes in quotes, or spaces could not be seen.
  const char* quote = r.spec.unit == NgramUnit::bytes ? "\"" : "";
  for (const cpu::NgramEntry& e : r.entries)
    print(fmt::format("{:>12} {:>7.3f}%  {}{}{}\n", e.count,
                      100 * static_cast<double>(e.count) / static_cast<double>(r.total), quote,
                      escaped(e.gram), quote));
}

void print_grams_csv(const GramsReport& r) {
  print("count,ngram,hex\n");
  for (const cpu::NgramEntry& e : r.entries) {
    std::string field;
    for (const char c : escaped(e.gram))
      field += c == '"' ? std::string("\"\"") : std::string(1, c);
    print(fmt::format("{},\"{}\",{}\n", e.count, field, hex(e.gram)));
  }
}

void print_grams_json(const GramsReport& r) {
  std::string files;
  for (const std::string& f : r.files) files += (files.empty() ? "" : ",") + json_text(f);
  print(fmt::format(
      R"({{"command":"count","unit":"{}","n":{},"lower":{},"files":[{}],"bytes":{},"total":{},"distinct":{},"ngrams":[)",
      r.spec.unit == NgramUnit::words ? "words" : "bytes", r.spec.n, r.spec.lower, files, r.bytes,
      r.total, r.distinct));
  // One by one: as one JSON object in memory, a million n-grams would take a gigabyte.
  const char* comma = "";
  for (const cpu::NgramEntry& e : r.entries) {
    print(fmt::format(R"({}{{"count":{},"text":{},"hex":"{}"}})", comma, e.count, json_text(e.gram),
                      hex(e.gram)));
    comma = ",";
  }
  print("]}\n");
}
}  // namespace gramzip::cli
