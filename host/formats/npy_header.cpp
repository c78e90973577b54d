// SPDX-License-Identifier: Apache-2.0
#include "host/formats/npy_header.h"

#include <charconv>

#include "host/formats/dtype.h"
#include "host/formats/fault.h"

namespace gramzip::npy {
namespace {
constexpr size_t kMaxRank = 64;  // numpy's own
constexpr size_t kMaxDepth = 32, kMaxDescrBytes = 64u << 10;

class Scanner {
 public:
  Scanner(std::string_view text, const std::string& where) : s_(text), where_(where) {}

  Header dict() {
    Header h;
    bool has[3] = {};
    expect('{');
    while (!accept('}')) {
      field_ = "";
      const std::string key(quoted());
      expect(':');
      static constexpr const char* kKeys[] = {"descr", "fortran_order", "shape"};
      size_t k = 0;
      while (k < 3 && key != kKeys[k]) ++k;
      if (k == 3) bad("unknown key " + formats::in_quotes(key));
      field_ = kKeys[k];
      if (has[k]) bad("given twice");
      has[k] = true;
      if (k == 0) descr(h);
      if (k == 1) h.fortran_order = boolean();
      if (k == 2) shape(h.shape);
      if (accept('}')) break;
      expect(',');
    }
    field_ = "";
    if (!has[0] || !has[1] || !has[2])
      bad(std::string("no ") + (!has[0] ? "descr" : !has[1] ? "fortran_order" : "shape"));
    space();
    if (at_ != s_.size()) bad("text behind the dict");
    return h;
  }

 private:
  [[noreturn]] void bad(const std::string& what) const {
    formats::refuse(where_ + ": header", (*field_ ? std::string(field_) + ": " : "") + what);
  }
  void space() {
    while (at_ < s_.size() && (s_[at_] == ' ' || s_[at_] == '\n' || s_[at_] == '\t')) ++at_;
  }
  bool accept(char c) {
    space();
    const bool there = at_ < s_.size() && s_[at_] == c;
    at_ += there;
    return there;
  }
  void expect(char c) {
    if (!accept(c)) bad(std::string("no '") + c + "' at byte " + std::to_string(at_));
  }
  std::string_view quoted() {
    space();
    const char quote = at_ < s_.size() ? s_[at_] : 0;
    if (quote != '\'' && quote != '"') bad("no string at byte " + std::to_string(at_));
    const size_t end = s_.find_first_of(quote == '"' ? "\"\\\n" : "'\\\n", at_ + 1);
    if (end == s_.npos || s_[end] != quote) bad("a string that does not end");
    const std::string_view v = s_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return v;
  }
  bool boolean() {
    space();
    for (const bool v : {false, true}) {
      const std::string_view word = v ? "True" : "False";
      if (s_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return v;
    }
    bad("neither True nor False");
  }
  void shape(std::vector<uint64_t>& out) {
    expect('(');
    while (!accept(')')) {
      space();
      uint64_t v = 0;
      const auto r = std::from_chars(s_.data() + at_, s_.data() + s_.size(), v);
      if (r.ec == std::errc::result_out_of_range || v > formats::kMaxSize)
        bad("a number above 2^63");
      if (r.ec != std::errc()) bad("no number at byte " + std::to_string(at_));
      at_ = static_cast<size_t>(r.ptr - s_.data());
      if (at_ < s_.size() && s_[at_] == 'L') ++at_;  // Python 2
      if (out.size() == kMaxRank) bad("more than 64 dimensions");
      out.push_back(v);
      if (accept(')')) break;
      expect(',');
    }
  }
  // A string, or a list of fields, which is only skipped.
  void descr(Header& h) {
    space();
    const size_t from = at_;
    if (at_ < s_.size() && s_[at_] != '[') {
      h.descr = quoted();
    } else {
      h.structured = true;
      skip_nested();
      h.descr = s_.substr(from, at_ - from);
    }
    if (h.descr.empty() || h.descr.size() > kMaxDescrBytes) bad("empty, or longer than 64 KiB");
    for (const char c : h.descr)
      if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) bad("a control character");
  }
  void skip_nested() {
    std::string open;
    do {
      space();
      if (at_ == s_.size()) bad("a list that does not end");
      const char c = s_[at_];
      if (c == '\'' || c == '"') {
        quoted();
        continue;
      }
      if (c == '[' || c == '(' || c == '{') {
        if (open.size() == kMaxDepth) bad("nested more than 32 deep");
        open += c == '[' ? ']' : c == '(' ? ')' : '}';
      } else if (c == ']' || c == ')' || c == '}') {
        if (open.empty() || open.back() != c) bad("brackets that do not match");
        open.pop_back();
      }
      ++at_;
    } while (!open.empty());
  }

  std::string_view s_;
  const std::string& where_;
  const char* field_ = "";
  size_t at_ = 0;
};
}  // namespace

Header parse_header(std::string_view text, const std::string& where) {
  return Scanner(text, where).dict();
}

uint32_t item_bytes(std::string_view d) {
  if (!d.empty() && std::string_view("<>|=").find(d[0]) != d.npos) d.remove_prefix(1);
  if (d.empty() || std::string_view("biufcmMSUVa").find(d[0]) == d.npos) return UINT32_MAX;
  uint32_t n = 0;
  const char* const end = d.data() + d.size();
  const auto r = std::from_chars(d.data() + 1, end, n);
  const bool unit = r.ptr != end && *r.ptr == '[' && (d[0] == 'M' || d[0] == 'm');  // <M8[ns]
  if (r.ec != std::errc() || (r.ptr != end && !unit) || n >= (1u << 28)) return UINT32_MAX;
  return d[0] == 'U' ? 4 * n : n;
}
}  // namespace gramzip::npy
