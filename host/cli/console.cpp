// SPDX-License-Identifier: Apache-2.0
#include "host/cli/console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "host/cli/files.h"

namespace gramzip::cli {
void Console::error(const std::string& message) {
  std::fputs(("gramzip: " + message + "\n").c_str(), stderr);
}

void Console::warning(const std::string& message) {
  warned_ = true;
  if (verbosity > 0) std::fputs(("gramzip: warning: " + message + "\n").c_str(), stderr);
}

void Console::note(const std::string& message) {
  if (verbosity >= 2) std::fputs(("gramzip: " + message + "\n").c_str(), stderr);
}

bool Console::wants_progress() const {
  if (progress == When::always) return true;
  if (progress == When::never || verbosity == 0 || json) return false;
  return isatty(STDERR_FILENO) != 0;
}

ProgressBar::ProgressBar(const Console& console, std::string label, uint64_t total)
    : on_(console.wants_progress()),
      label_(std::move(label)),
      total_(total),
      start_(Clock::now()),
      // A forced bar shows at least once; one of short runs on a terminal would only flicker.
      next_(start_ + std::chrono::milliseconds(console.progress == When::always ? 0 : 300)) {}

ProgressBar::~ProgressBar() { clear(); }

void ProgressBar::update(uint64_t content_bytes, uint64_t archive_bytes) {
  if (!on_) return;
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  const double s = std::max(1e-6, std::chrono::duration<double>(now - start_).count());
  std::string line = fmt::format("\r{}: ", label_);
  if (total_ > 0) {
    const double part = static_cast<double>(content_bytes) / static_cast<double>(total_);
    const int filled = static_cast<int>(20 * std::min(1.0, part));
    line += fmt::format("[{:<20}] {:3.0f} %  ", std::string(static_cast<size_t>(filled), '#'),
                        100 * std::min(1.0, part));
  } else {
    line += size_text(content_bytes) + "  ";
  }
  line += fmt::format("{:.1f} MB/s", static_cast<double>(content_bytes) / 1e6 / s);
  if (archive_bytes > 0) line += fmt::format("  ratio {:.3f}", ratio(content_bytes, archive_bytes));
  std::fputs((line + "\x1b[K").c_str(), stderr);
  std::fflush(stderr);
  shown_ = true;
}

void ProgressBar::clear() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
  shown_ = false;
}

std::string describe(const std::string& subject, const std::exception& e) {
  const std::string what = e.what();
  if (dynamic_cast<const CliError*>(&e) != nullptr) return what;
  const std::string head = subject.empty() ? what : subject + ": " + what;
  if (dynamic_cast<const std::bad_alloc*>(&e) != nullptr)
    return subject + ": out of memory; use fewer threads, for example -T1";
  const auto* error = dynamic_cast<const Error*>(&e);
  if (error == nullptr) return head;
  if (what.find(';') != std::string::npos) return head;
  switch (error->code()) {
    case ErrorCode::not_an_archive:
      return head + "; only files that gramzip wrote can be read";
    case ErrorCode::truncated:
      return head + "; get the whole file again";
    case ErrorCode::corrupt:
      return head + "; get the file again or use a copy";
    case ErrorCode::unsupported:
      return head + "; use a newer gramzip";
    case ErrorCode::limit:
      return head + "; a higher --max-output allows it";
    case ErrorCode::no_memory:
      return head + "; use fewer threads, for example -T1";
    case ErrorCode::device:
      return head + "; --device cpu works without one";
    case ErrorCode::internal:
      return head + "; this is a fault of gramzip, please report it";
    default:
      return head;
  }
}

std::string shown(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x20 || u == 0x7f) {
      out += fmt::format("\\x{:02x}", u);
    } else {
      out += c;
    }
  }
  return out;
}

std::string size_text(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double v = static_cast<double>(bytes);
  const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  size_t u = 0;
  while (v >= 1023.995 && u + 1 < std::size(units)) {
    v /= 1024;
    ++u;
  }
  return fmt::format("{:.2f} {}", v, units[u]);
}

double ratio(uint64_t content_bytes, uint64_t archive_bytes) {
  if (archive_bytes == 0) return 0;
  return static_cast<double>(content_bytes) / static_cast<double>(archive_bytes);
}

void print_json(const nlohmann::ordered_json& value, bool to_stderr) {
  // Names are bytes; what is not UTF-8 becomes U+FFFD.
  const std::string line =
      value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  if (to_stderr) {
    std::fputs(line.c_str(), stderr);
  } else {
    print(line);
  }
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
    fail_io("standard output", errno);
}

void flush_stdout() {
  if (std::fflush(stdout) != 0) fail_io("standard output", errno);
}
}  // namespace gramzip::cli
