// SPDX-License-Identifier: Apache-2.0
#include "host/formats/json_events.h"

#include <nlohmann/json.hpp>

#include "host/formats/byte_window.h"

namespace gramzip::formats {
namespace {
using nlohmann::json;

// The text, a piece at a time, with the checks that the lexer lacks: it takes a zero byte for the
// end of its input, and memory for a token of any length.
class Text {
 public:
  Text(RandomSource& file, uint64_t begin, uint64_t end, JsonHandler& handler)
      : window_(file, begin, end), begin_(begin), handler_(handler) {
    fill();
  }
  bool done() const { return p_ == end_; }
  char get() const { return static_cast<char>(*p_); }
  void advance() {
    if (++p_ == end_) fill();
  }

 private:
  void fill() {
    const auto n = static_cast<size_t>(std::min<uint64_t>(ByteWindow::kBytes, window_.left()));
    const uint64_t at = window_.at() - begin_;
    p_ = window_.take(n);
    end_ = p_ + n;
    if (const void* zero = n == 0 ? nullptr : std::memchr(p_, 0, n))
      handler_.malformed(at + static_cast<uint64_t>(static_cast<const uint8_t*>(zero) - p_) + 1,
                         "not valid JSON");
    watch_tokens(at);
  }
  // The lexer holds a token as a whole, twice; strings here are as short as names.
  void watch_tokens(uint64_t at) {
    for (const uint8_t* p = p_; p != end_; ++p) {
      const uint8_t c = *p;
      const bool edge = c == '"' || (!in_string_ && (c == ',' || c == ':' || c <= ' '));
      if (escaped_) {
        escaped_ = false;
      } else if (edge) {
        in_string_ ^= c == '"';
        token_ = at + static_cast<uint64_t>(p - p_);
      } else {
        escaped_ = in_string_ && c == '\\';
      }
    }
    const uint64_t seen = at + static_cast<uint64_t>(end_ - p_);
    if (seen - token_ > kMaxJsonToken)
      handler_.malformed(token_ + 1, "a string or number of more than 8 MiB");
  }
  ByteWindow window_;
  uint64_t begin_;
  JsonHandler& handler_;
  const uint8_t *p_ = nullptr, *end_ = nullptr;
  bool in_string_ = false, escaped_ = false;
  uint64_t token_ = 0;  // where the last token began
};

// What the parser takes for an iterator. All copies stand at the same place.
class Place {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;
  explicit Place(Text* text = nullptr) : text_(text) {}
  char operator*() const { return text_->get(); }
  Place& operator++() {
    text_->advance();
    return *this;
  }
  Place operator++(int) { return ++*this; }
  bool operator==(const Place& end) const { return (end.text_ ? end : *this).text_->done(); }
  bool operator!=(const Place& end) const { return !(*this == end); }

 private:
  Text* text_;
};

class Adapter {
 public:
  explicit Adapter(JsonHandler& handler) : handler_(handler) {}
  using Odd = JsonHandler::Odd;
  bool null() { return handler_.odd(Odd::null), true; }
  bool boolean(bool) { return handler_.odd(Odd::boolean), true; }
  bool number_integer(json::number_integer_t) { return handler_.odd(Odd::negative), true; }
  bool number_unsigned(json::number_unsigned_t v) { return handler_.number(v), true; }
  bool number_float(json::number_float_t, const std::string&) {
    return handler_.odd(Odd::fraction), true;
  }
  bool string(std::string& v) { return handler_.string(v), true; }
  bool binary(json::binary_t&) { return false; }
  bool start_object(size_t) { return handler_.begin_object(), true; }
  bool key(std::string& v) { return handler_.key(v), true; }
  bool end_object() { return handler_.end_object(), true; }
  bool start_array(size_t) { return handler_.begin_array(), true; }
  bool end_array() { return handler_.end_array(), true; }
  bool parse_error(size_t at, const std::string&, const nlohmann::detail::exception&) {
    handler_.malformed(at, "not valid JSON");
    return false;
  }

 private:
  JsonHandler& handler_;
};
}  // namespace

void parse_json(RandomSource& file, uint64_t begin, uint64_t end, JsonHandler& handler) {
  Text text(file, begin, end, handler);
  Adapter adapter(handler);
  if (!json::sax_parse(Place(&text), Place(), &adapter))
    handler.malformed(end - begin, "not valid JSON");
}
}  // namespace gramzip::formats
