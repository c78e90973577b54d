// SPDX-License-Identifier: Apache-2.0
#include "host/engine/spool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "host/base/error.h"

namespace gramzip {
namespace {
std::string folder() {
  const char* const chosen = std::getenv("TMPDIR");
  return chosen != nullptr && *chosen != 0 ? chosen : "/tmp";
}

[[noreturn]] void fail_spool(int error) {
  fail(ErrorCode::io, "a temporary file in " + folder() + ": " + std::strerror(error) +
                          "; TMPDIR names another folder");
}

// A file that is gone when its descriptor is closed.
int open_unnamed() {
  std::string name = folder() + "/gramzip-XXXXXX";
  const int fd = mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) fail_spool(errno);
  unlink(name.c_str());
  return fd;
}
}  // namespace

Spool::~Spool() {
  if (file_ >= 0) ::close(file_);
}

void Spool::write_out(std::span<const uint8_t> bytes) {
  uint64_t at = size_;
  while (!bytes.empty()) {
    const ssize_t wrote = pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) fail_spool(errno);
    at += static_cast<uint64_t>(wrote);
    bytes = bytes.subspan(static_cast<size_t>(wrote));
  }
  size_ = at;
}

void Spool::append(std::span<const uint8_t> bytes) {
  const std::lock_guard lock(mutex_);
  if (file_ < 0 && size_ + bytes.size() > most_) {
    file_ = open_unnamed();
    size_ = 0;
    write_out(memory_);
    memory_ = {};
  }
  if (file_ >= 0) return write_out(bytes);
  memory_.insert(memory_.end(), bytes.begin(), bytes.end());
  size_ = memory_.size();
}

uint64_t Spool::size() const {
  const std::lock_guard lock(mutex_);
  return size_;
}

size_t Spool::read_at(uint64_t at, uint8_t* p, size_t n) {
  int file = -1;
  {
    const std::lock_guard lock(mutex_);
    if (at >= size_) return 0;
    n = std::min<uint64_t>(n, size_ - at);
    if (file_ < 0) {
      std::memcpy(p, memory_.data() + at, n);
      return n;
    }
    file = file_;
  }
  for (size_t done = 0; done < n;) {
    const ssize_t got = pread(file, p + done, n - done, static_cast<off_t>(at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_spool(errno);
    if (got == 0) return done;
    done += static_cast<size_t>(got);
  }
  return n;
}
}  // namespace gramzip
