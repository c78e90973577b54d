// SPDX-License-Identifier: Apache-2.0
// JSON as events, read in pieces: no tree and no whole text in memory, so that a hostile document
// costs no more than one token.
#pragma once
#include <cstdint>
#include <string>

#include "host/base/io.h"

namespace gramzip::formats {
class JsonHandler {
 public:
  enum class Odd { null, boolean, negative, fraction };  // values that no format here wants
  virtual ~JsonHandler() = default;
  // Each may throw. Strings may be moved from.
  virtual void begin_object() = 0;
  virtual void end_object() = 0;
  virtual void begin_array() = 0;
  virtual void end_array() = 0;
  virtual void key(std::string& name) = 0;
  virtual void string(std::string& value) = 0;
  virtual void number(uint64_t value) = 0;
  virtual void odd(Odd what) = 0;
  // The text is no JSON, or a string or number in it is longer than kMaxJsonToken; `at` counts from
  // 1. Must throw.
  virtual void malformed(uint64_t at, const char* why) = 0;
};

inline constexpr uint64_t kMaxJsonToken = 8u << 20;

// Parses bytes [begin, end) of the file, which must be one value and white space.
void parse_json(RandomSource& file, uint64_t begin, uint64_t end, JsonHandler& handler);
}  // namespace gramzip::formats
