// SPDX-License-Identifier: Apache-2.0
#include "host/formats/json_events.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "host/formats/byte_window.h"

namespace gramzip::formats {
namespace {
// Bytes that a string holds as they are, without a look at what follows.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> t{};
  for (size_t c = 0x20; c < 0x80; ++c) t[c] = c != '"' && c != '\\';
  return t;
}();

class Parser {
 public:
  Parser(RandomSource& file, uint64_t begin, uint64_t end, JsonHandler& handler)
      : window_(file, begin, end), begin_(begin), handler_(handler) {
    fill();
  }

  void run() {
    Next next = Next::value;
    for (;;) {
      space();
      if (next == Next::after && open_.empty()) {
        if (peek() != kEnd) bad();
        return;
      }
      const int c = peek();
      if ((next == Next::value_or_end && c == ']') || (next == Next::key_or_end && c == '}')) {
        next = close(c);
      } else if (next == Next::value || next == Next::value_or_end) {
        next = value(c);
      } else if (next != Next::after) {
        next = key(c);
      } else if (c == ',') {
        ++p_;
        next = open_.back() == '{' ? Next::key : Next::value;
      } else {
        if (c != (open_.back() == '{' ? '}' : ']')) bad();
        next = close(c);
      }
    }
  }

 private:
  enum class Next { value, value_or_end, key, key_or_end, after };
  static constexpr int kEnd = -1;

  void fill() {
    const auto n = static_cast<size_t>(std::min<uint64_t>(ByteWindow::kBytes, window_.left()));
    p_ = window_.take(n);
    end_ = p_ + n;
  }
  int peek() {
    if (p_ == end_) fill();
    return p_ == end_ ? kEnd : *p_;
  }
  int get() {
    const int c = peek();
    if (c == kEnd) bad();
    ++p_;
    return c;
  }
  // The byte at hand, or `back` before it, is wrong.
  [[noreturn]] void bad(const char* why = "not valid JSON", uint64_t back = 0) {
    handler_.malformed(window_.at() - begin_ - static_cast<uint64_t>(end_ - p_) + 1 - back, why);
    std::abort();  // malformed() throws
  }
  void space() {
    for (int c; (c = peek()) == ' ' || c == '\n' || c == '\t' || c == '\r';) ++p_;
  }

  Next open(char bracket) {
    if (open_.size() == kMaxJsonDepth) bad("nested more than 512 deep");
    open_ += bracket;
    ++p_;
    return bracket == '{' ? Next::key_or_end : Next::value_or_end;
  }
  Next close(int bracket) {
    ++p_;
    open_.pop_back();
    bracket == '}' ? handler_.end_object() : handler_.end_array();
    return Next::after;
  }
  Next key(int c) {
    if (c != '"') bad();
    ++p_;
    string();
    handler_.key(token_);
    space();
    if (peek() != ':') bad();
    ++p_;
    return Next::value;
  }
  Next value(int c) {
    using Odd = JsonHandler::Odd;
    switch (c) {
      case '{':
        handler_.begin_object();
        return open('{');
      case '[':
        handler_.begin_array();
        return open('[');
      case '"':
        ++p_;
        string();
        handler_.string(token_);
        break;
      case 't':
        word("true", Odd::boolean);
        break;
      case 'f':
        word("false", Odd::boolean);
        break;
      case 'n':
        word("null", Odd::null);
        break;
      default:
        number(c);
    }
    return Next::after;
  }
  void word(const char* text, JsonHandler::Odd what) {
    for (; *text != 0; ++text, ++p_)
      if (peek() != *text) bad();
    handler_.odd(what);
  }

  static bool is_digit(int c) { return c >= '0' && c <= '9'; }
  void digits() {
    if (!is_digit(peek())) bad();
    while (is_digit(peek())) ++p_;
  }
  void number(int c) {
    const bool negative = c == '-';
    if (negative) ++p_;
    uint64_t v = 0;
    bool whole = true;
    if (!is_digit(c = peek())) bad();
    do {
      whole = whole && !__builtin_mul_overflow(v, 10u, &v) &&
              !__builtin_add_overflow(v, static_cast<uint64_t>(c - '0'), &v);
      ++p_;
      if (c == '0' && v == 0) break;  // nothing follows a leading zero
    } while (is_digit(c = peek()));
    if (peek() == '.') ++p_, digits(), whole = false;
    if (peek() == 'e' || peek() == 'E') {
      ++p_;
      if (peek() == '+' || peek() == '-') ++p_;
      digits();
      whole = false;
    }
    if (whole && !negative) return handler_.number(v);
    whole = whole && v <= uint64_t{1} << 63;
    handler_.odd(whole ? JsonHandler::Odd::negative : JsonHandler::Odd::fraction);
  }

  // Behind the opening quote; to token_.
  void string() {
    token_.clear();
    for (;;) {
      if (p_ == end_) fill();
      const uint8_t* const from = p_;
      while (p_ != end_ && kPlain[*p_]) ++p_;
      token_.append(reinterpret_cast<const char*>(from), static_cast<size_t>(p_ - from));
      if (token_.size() > kMaxJsonString) bad("a string of more than 8 MiB");
      if (p_ == end_ && peek() != kEnd) continue;
      const int c = get();
      if (c == '"') return;
      if (c == '\\') {
        escape();
      } else if (c >= 0x80) {
        sequence(c);
      } else {
        bad("not valid JSON", 1);  // a control character
      }
    }
  }
  void escape() {
    static constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    const int c = get();
    if (c != 'u') {
      const size_t i = kFrom.find(static_cast<char>(c));
      if (i == kFrom.npos || c >= 0x80) bad("not valid JSON", 1);
      token_ += kTo[i];
      return;
    }
    uint32_t code = hex4();
    if (code >= 0xdc00 && code <= 0xdfff) bad("not valid JSON", 1);
    if (code >= 0xd800 && code <= 0xdbff) {
      if (get() != '\\' || get() != 'u') bad("not valid JSON", 1);
      const uint32_t low = hex4();
      if (low < 0xdc00 || low > 0xdfff) bad("not valid JSON", 1);
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(code);
  }
  uint32_t hex4() {
    uint32_t v = 0;
    for (int i = 0; i < 4; ++i) {
      const int c = get(), letter = c | 0x20;
      const bool is_letter = letter >= 'a' && letter <= 'f';
      if (!is_digit(c) && !is_letter) bad("not valid JSON", 1);
      v = v << 4 | static_cast<uint32_t>(is_letter ? letter - 'a' + 10 : c - '0');
    }
    return v;
  }
  void append_utf8(uint32_t code) {
    const int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static constexpr uint8_t kLead[] = {0, 0xc0, 0xe0, 0xf0};
    token_ += static_cast<char>(kLead[more] | code >> (6 * more));
    for (int i = more; i-- > 0;) token_ += static_cast<char>(0x80 | (code >> (6 * i) & 0x3f));
  }
  // A sequence of UTF-8, well-formed as RFC 3629 has it.
  void sequence(int lead) {
    if (lead < 0xc2 || lead > 0xf4) bad("not valid JSON", 1);
    const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    const int least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const int most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    token_ += static_cast<char>(lead);
    for (int i = 0; i < more; ++i) {
      const int c = get();
      if (c < (i == 0 ? least : 0x80) || c > (i == 0 ? most : 0xbf)) bad("not valid JSON", 1);
      token_ += static_cast<char>(c);
    }
  }

  ByteWindow window_;
  uint64_t begin_;
  JsonHandler& handler_;
  const uint8_t *p_ = nullptr, *end_ = nullptr;
  std::string open_;  // brackets
  std::string token_;
};
}  // namespace

void parse_json(RandomSource& file, uint64_t begin, uint64_t end, JsonHandler& handler) {
  Parser(file, begin, end, handler).run();
}
}  // namespace gramzip::formats
