// SPDX-License-Identifier: Apache-2.0
// JSON as events, read in pieces: no tree and no whole text in memory. A hostile document costs no
// more than its longest string, in time linear in its size.
#pragma once
#include <cstdint>
#include <string>

#include "host/base/io.h"

namespace gramzip::formats {
class JsonHandler {
 public:
  // Values that no format here wants. A fraction is any number that is no integer from -2^63
  // to 2^64 - 1.
  enum class Odd { null, boolean, negative, fraction };
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
  // Byte `at`, counted from 1, cannot stand there: no JSON (RFC 8259, UTF-8), or beyond the limits.
  // Must throw.
  virtual void malformed(uint64_t at, const char* why) = 0;
};

inline constexpr size_t kMaxJsonString = 8u << 20, kMaxJsonDepth = 512;

// Parses bytes [begin, end) of the file, which must be one value and white space.
void parse_json(RandomSource& file, uint64_t begin, uint64_t end, JsonHandler& handler);
}  // namespace gramzip::formats
