// SPDX-License-Identifier: Apache-2.0
// The JSON reader against another one: the same texts are taken, with the same events.
#include "host/formats/json_events.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "host/base/error.h"
#include "tests/registry/memory_io.h"

namespace gramzip::formats {
namespace {
using nlohmann::json;

// One line an event.
class Log final : public JsonHandler {
 public:
  std::string text;
  void begin_object() override { text += "{\n"; }
  void end_object() override { text += "}\n"; }
  void begin_array() override { text += "[\n"; }
  void end_array() override { text += "]\n"; }
  void key(std::string& s) override { text.append("key ").append(s).append("\n"); }
  void string(std::string& s) override { text.append("string ").append(s).append("\n"); }
  void number(uint64_t v) override { text.append(std::to_string(v)).append("\n"); }
  void odd(Odd what) override {
    static const char* const kNames[] = {"null", "boolean", "negative", "fraction"};
    text.append(kNames[static_cast<size_t>(what)]).append("\n");
  }
  void malformed(uint64_t, const char* why) override { fail(ErrorCode::corrupt, why); }
};

class Peer final : public json::json_sax_t {
 public:
  Log log;
  using Odd = JsonHandler::Odd;
  bool null() override { return log.odd(Odd::null), true; }
  bool boolean(bool) override { return log.odd(Odd::boolean), true; }
  bool number_integer(number_integer_t) override { return log.odd(Odd::negative), true; }
  bool number_unsigned(number_unsigned_t v) override { return log.number(v), true; }
  bool number_float(number_float_t, const string_t&) override {
    return log.odd(Odd::fraction), true;
  }
  bool string(string_t& s) override { return log.string(s), true; }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return log.begin_object(), true; }
  bool key(string_t& s) override { return log.key(s), true; }
  bool end_object() override { return log.end_object(), true; }
  bool start_array(size_t) override { return log.begin_array(), true; }
  bool end_array() override { return log.end_array(), true; }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& e) override {
    overflow = e.id == 406;
    return false;
  }
  bool overflow = false;  // JSON, but a number beyond a double's range
};

std::string ours(const std::string& s) {
  test::MemorySource file(std::vector<uint8_t>(s.begin(), s.end()));
  Log log;
  try {
    parse_json(file, 0, s.size(), log);
  } catch (const Error&) {
    return "refused";
  }
  return log.text;
}
std::string peers(const std::string& s) {
  // It takes a zero byte for the end, and skips a byte order mark.
  if (s.find('\0') != s.npos || s.starts_with("\xef\xbb\xbf")) return "refused";
  Peer peer;
  if (json::sax_parse(s, &peer)) return peer.log.text;
  return peer.overflow ? "number beyond range" : "refused";
}

TEST(JsonEvents, TakesAndRefusesWhatAnotherReaderDoes) {
  const std::string seeds[] = {
      R"({"a":[1,2,{"b":null}],"c":true,"d":-5,"e":1.5e3,"f":false, "":[],"g":{}})",
      R"(["\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t","é😀","",0,-0,10,18446744073709551615,1e5,0.5])",
      " [ 1 , 2 ]\r\n\t",
      "18446744073709551616",
      "\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\xc2\x80\xe0\xa0\x80\xf0\x90\x80\x80\"",
  };
  const std::string pieces[] = {
      "{",    "}", "[",  "]",    ",",    ":",    "\"",   "\\",           "0",
      "-",    "1", ".",  "e",    "E+",   "\\u",  "d800", "\\udc00",      "true",
      "nul",  " ", "\n", "\x1f", "\x7f", "\xc0", "\x80", "\xed\xa0\x80", "\xf4\x90",
      "\xff", "é"};
  std::mt19937 random(1);
  size_t taken = 0;
  for (const std::string& seed : seeds) {
    EXPECT_EQ(ours(seed), peers(seed)) << seed;
    EXPECT_NE(ours(seed), "refused") << seed;
    for (size_t n = 0; n < seed.size(); ++n)
      EXPECT_EQ(ours(seed.substr(0, n)), peers(seed.substr(0, n))) << seed.substr(0, n);
    for (int i = 0; i < 20'000; ++i) {
      std::string s = seed;
      for (uint32_t k = random() % 3 + 1; k > 0; --k) {
        const size_t at = random() % (s.size() + 1), erased = random() % 3;
        s.replace(at, std::min(erased, s.size() - at), pieces[random() % std::size(pieces)]);
      }
      const std::string wanted = peers(s);
      if (wanted == "number beyond range") continue;
      ASSERT_EQ(ours(s), wanted) << s;
      taken += wanted != "refused";
    }
  }
  EXPECT_GT(taken, 2000u);
}

TEST(JsonEvents, PiecesMeetAnywhere) {
  const std::string text = R"({"k\u00e9é😀":[12345,true,"x\\y"],"z":-1.5e+10})";
  const std::string wanted = ours(text);
  for (size_t pad = 65536 - text.size(); pad <= 65536; ++pad) {
    EXPECT_EQ(ours(std::string(pad, ' ') + text), wanted);
    EXPECT_EQ(ours("[\"" + std::string(pad, 's') + "\"," + text + "]").size(),
              wanted.size() + pad + 12);
  }
}

TEST(JsonEvents, Limits) {
  const auto nested = [](size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_NE(ours(nested(kMaxJsonDepth)), "refused");
  EXPECT_EQ(ours(nested(kMaxJsonDepth + 1)), "refused");
  EXPECT_NE(ours('"' + std::string(kMaxJsonString, 'x') + '"'), "refused");
  EXPECT_EQ(ours('"' + std::string(kMaxJsonString + 1, 'x') + '"'), "refused");
  EXPECT_EQ(ours(std::string(1'000'000, '9')), "fraction\n");
}
}  // namespace
}  // namespace gramzip::formats
