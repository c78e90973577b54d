// SPDX-License-Identifier: Apache-2.0
// What the tool says: messages, figures, a progress bar, JSON. Nothing below host/cli prints.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "host/base/error.h"

namespace gramzip::cli {
// An error whose message is already complete: "FILE: what; what to do".
class CliError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Exit codes.
inline constexpr int kOk = 0;
inline constexpr int kError = 1;
inline constexpr int kWarning = 2;

enum class When { automatic, always, never };

class Console {
 public:
  int verbosity = 1;  // 0 under -q, 2 under -v, 3 under -vv
  When progress = When::automatic;
  bool json = false;

  void error(const std::string& message);    // "gramzip: message", always
  void warning(const std::string& message);  // not under -q; the exit code becomes 2
  void note(const std::string& message);     // under -v
  bool warned() const { return warned_; }
  bool wants_progress() const;
  bool verbose() const { return verbosity >= 2; }

 private:
  std::atomic<bool> warned_ = false;
};

// A line on stderr that is rewritten ten times a second.
class ProgressBar {
 public:
  // total: 0 if unknown.
  ProgressBar(const Console& console, std::string label, uint64_t total);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  void update(uint64_t content_bytes, uint64_t archive_bytes);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  bool on_;
  bool shown_ = false;
  std::string label_;
  uint64_t total_;
  Clock::time_point start_, next_;
};

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// The message for a caught exception about `subject`, with what to do.
std::string describe(const std::string& subject, const std::exception& e);
// A name from outside, on one line: control characters and bad UTF-8 are escaped.
std::string shown(std::string_view name);
std::string size_text(uint64_t bytes);  // "1.50 MiB"
double ratio(uint64_t content_bytes, uint64_t archive_bytes);
// One line, newline included, to stdout, or to stderr where stdout carries data.
void print_json(const nlohmann::ordered_json& value, bool to_stderr);
// To stdout; throws Error(io) if it cannot be written.
void print(std::string_view text);
void flush_stdout();
}  // namespace gramzip::cli
