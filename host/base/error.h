// SPDX-License-Identifier: Apache-2.0
// Errors of the host side: a stable code and one line that names the place. Thrown inside the
// library, turned into values at the C interface (include/gramzip/gramzip.h), whose numbers these
// are.
#pragma once
#include <stdexcept>
#include <string>

namespace gramzip {
enum class ErrorCode : int {
  ok = 0,
  // the caller's
  invalid_argument = 1,
  output_too_small = 2,
  not_found = 3,
  // the data's
  not_an_archive = 10,
  truncated = 11,
  corrupt = 12,
  unsupported = 13,  // a version, feature, section or codec this build does not know
  limit = 14,        // a size beyond what the format or the caller allows
  unsafe_name = 15,
  buffer_changed = 16,  // a delta was applied in part
  // the machine's
  io = 20,
  no_memory = 21,
  device = 22,
  cancelled = 23,
  // ours
  internal = 30,
};

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& what) : std::runtime_error(what), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

[[noreturn]] inline void fail(ErrorCode code, const std::string& what) { throw Error(code, what); }
}  // namespace gramzip
