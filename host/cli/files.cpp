// SPDX-License-Identifier: Apache-2.0
#include "host/cli/files.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "host/base/error.h"
#include "host/cli/console.h"
#include "host/formats/detect.h"
#include "host/frame/sections.h"

namespace gramzip::cli {
namespace {
constexpr size_t kBufferBytes = 1u << 18;

const char* advice(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "; free some space or write elsewhere with -o";
    case EACCES:
    case EPERM:
    case EROFS:
      return "; check the permissions or write elsewhere with -o";
    case ENOENT:
      return "; check the name";
    case ENAMETOOLONG:
      return "; choose a shorter name with -o";
    case EFBIG:
      return "; the file system or a limit allows no larger file";
    case EMFILE:
    case ENFILE:
      return "; raise the limit of open files";
    case EIO:
      return "; the device may be failing";
    default:
      return "";
  }
}

// Waits until a descriptor that answers EAGAIN is ready.
void wait_for(int fd, short events) {
  pollfd p{fd, events, 0};
  while (poll(&p, 1, -1) < 0 && errno == EINTR) {
  }
}
}  // namespace

void fail_io(const std::string& what, int error) {
  if (error == EPIPE) throw BrokenPipe();
  throw CliError(what + ": " + std::strerror(error) + advice(error));
}

Fd& Fd::operator=(Fd&& o) noexcept {
  if (this != &o) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = o.release();
  }
  return *this;
}
Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}
int Fd::release() { return std::exchange(fd_, -1); }

void write_fully(int fd, const uint8_t* p, size_t n, const std::string& what) {
  while (n > 0) {
    const ssize_t wrote = ::write(fd, p, n);
    if (wrote >= 0) {
      p += wrote;
      n -= static_cast<size_t>(wrote);
    } else if (errno == EAGAIN) {
      wait_for(fd, POLLOUT);
    } else if (errno != EINTR) {
      fail_io(what, errno);
    }
  }
}

FileSource::FileSource(const std::string& path)
    : what_(path == "-" ? "standard input" : shown(path)) {
  if (path == "-") {
    fd_ = STDIN_FILENO;
  } else {
    own_ = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!own_) fail_io(what_, errno);
    fd_ = own_.get();
  }
  if (fstat(fd_, &status_) != 0) fail_io(what_, errno);
  if (S_ISDIR(status_.st_mode))
    throw CliError(what_ + ": is a directory; -r takes what is below it");
  if (regular()) posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
}

size_t FileSource::read(uint8_t* p, size_t n) {
  size_t got = std::min(n, ahead_.size());
  if (got > 0) {
    std::memcpy(p, ahead_.data(), got);
    ahead_.erase(ahead_.begin(), ahead_.begin() + static_cast<ptrdiff_t>(got));
  }
  while (got < n) {
    const ssize_t r = ::read(fd_, p + got, n - got);
    if (r == 0) break;
    if (r > 0) {
      got += static_cast<size_t>(r);
    } else if (errno == EAGAIN) {
      wait_for(fd_, POLLIN);
    } else if (errno != EINTR) {
      fail_io(what_, errno);
    }
  }
  bytes_ += got;
  return got;
}

uint64_t FileSource::size_hint() const {
  return regular() ? static_cast<uint64_t>(status_.st_size) : 0;
}

bool FileSource::starts_as_archive() {
  std::vector<uint8_t> head(8);
  head.resize(read(head.data(), head.size()));
  bytes_ -= head.size();
  ahead_ = std::move(head);
  return frame::is_archive_magic(ahead_.data(), ahead_.size());
}

bool unchanged(const std::string& path, const struct stat& status) {
  struct stat now {};
  return stat(path.c_str(), &now) == 0 && now.st_dev == status.st_dev &&
         now.st_ino == status.st_ino && now.st_size == status.st_size &&
         now.st_mtim.tv_sec == status.st_mtim.tv_sec &&
         now.st_mtim.tv_nsec == status.st_mtim.tv_nsec;
}

FileRandomSource::FileRandomSource(const std::string& path) : path_(shown(path)) {
  if (path == "-")
    throw CliError("standard input: this needs a file that can be read anywhere, not a pipe");
  fd_ = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd_) fail_io(path_, errno);
  look();
}

FileRandomSource::FileRandomSource(Fd fd, std::string title)
    : path_(std::move(title)), fd_(std::move(fd)) {
  look();
}

void FileRandomSource::look() {
  struct stat s {};
  if (fstat(fd_.get(), &s) != 0) fail_io(path_, errno);
  if (!S_ISREG(s.st_mode))
    throw CliError(path_ + ": not a regular file; this needs one that can be read anywhere");
  size_ = static_cast<uint64_t>(s.st_size);
}

size_t FileRandomSource::read_at(uint64_t at, uint8_t* p, size_t n) {
  size_t got = 0;
  while (got < n) {
    const ssize_t r = ::pread(fd_.get(), p + got, n - got, static_cast<off_t>(at + got));
    if (r == 0) break;
    if (r > 0) {
      got += static_cast<size_t>(r);
    } else if (errno != EINTR) {
      fail_io(path_, errno);
    }
  }
  return got;
}

StdoutSink::StdoutSink(bool force) : guarded_(!force && isatty(STDOUT_FILENO) != 0) {
  buffer_.reserve(kBufferBytes);
}

void StdoutSink::write(std::span<const uint8_t> bytes) {
  if (guarded_ && !bytes.empty()) {
    if (!looks_like_text(bytes.first(std::min<size_t>(bytes.size(), 4096))))
      throw CliError("standard output: binary data and a terminal; use -o FILE, a pipe, or -f");
    write_fully(STDOUT_FILENO, bytes.data(), bytes.size(), "standard output");
    return;
  }
  if (buffer_.size() + bytes.size() > kBufferBytes) finish();
  if (bytes.size() >= kBufferBytes) {
    write_fully(STDOUT_FILENO, bytes.data(), bytes.size(), "standard output");
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
}

void StdoutSink::finish() {
  write_fully(STDOUT_FILENO, buffer_.data(), buffer_.size(), "standard output");
  buffer_.clear();
}

bool is_archive_file(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  struct stat s {};
  uint8_t head[8];
  if (!fd || fstat(fd.get(), &s) != 0 || !S_ISREG(s.st_mode)) return false;
  return ::pread(fd.get(), head, sizeof head, 0) == 8 && frame::is_archive_magic(head, 8);
}
}  // namespace gramzip::cli
