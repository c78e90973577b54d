// SPDX-License-Identifier: Apache-2.0
// Files and pipes as the engine's sources and sinks.
#pragma once
#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

#include "host/base/io.h"

namespace gramzip::cli {
// Standard output's reader has gone: the tool ends with 1 and says nothing.
struct BrokenPipe {};

// Throws BrokenPipe for EPIPE, else Error(io) "what: reason; what to do".
[[noreturn]] void fail_io(const std::string& what, int error);

// A file descriptor with an owner.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& o) noexcept : fd_(o.release()) {}
  Fd& operator=(Fd&& o) noexcept;
  ~Fd();
  int get() const { return fd_; }
  int release();
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// All of it, through EINTR, short writes and pipes that are not ready.
void write_fully(int fd, const uint8_t* p, size_t n, const std::string& what);

// A file, or standard input for "-".
class FileSource final : public Source {
 public:
  explicit FileSource(const std::string& path);
  size_t read(uint8_t* p, size_t n) override;
  const struct stat& status() const { return status_; }
  bool regular() const { return S_ISREG(status_.st_mode); }
  uint64_t size_hint() const;  // 0 if unknown
  uint64_t bytes_read() const { return bytes_; }
  // The source begins as an archive does. To be asked before anything is read.
  bool starts_as_archive();

 private:
  std::string what_;
  std::vector<uint8_t> ahead_;  // read by starts_as_archive
  Fd own_;
  int fd_;
  struct stat status_ {};
  uint64_t bytes_ = 0;
};

// The file at the path is still the one of that status, unchanged.
bool unchanged(const std::string& path, const struct stat& status);

// A regular file, read with pread.
class FileRandomSource final : public RandomSource {
 public:
  explicit FileRandomSource(const std::string& path);
  // title: how messages name it.
  FileRandomSource(Fd fd, std::string title);
  uint64_t size() const override { return size_; }
  size_t read_at(uint64_t at, uint8_t* p, size_t n) override;

 private:
  void look();

  std::string path_;
  Fd fd_;
  uint64_t size_ = 0;
};

// Standard output. Binary data is not written to a terminal unless forced.
class StdoutSink final : public Sink {
 public:
  explicit StdoutSink(bool force);
  void write(std::span<const uint8_t> bytes) override;
  void finish();

 private:
  bool guarded_;
  std::vector<uint8_t> buffer_;
};

// A sink that counts.
class CountingSink final : public Sink {
 public:
  explicit CountingSink(Sink& out) : out_(out) {}
  void write(std::span<const uint8_t> bytes) override {
    out_.write(bytes);
    count_ += bytes.size();
  }
  uint64_t count() const { return count_; }

 private:
  Sink& out_;
  uint64_t count_ = 0;
};

// Does the file begin as an archive does? False for what cannot be opened.
bool is_archive_file(const std::string& path);
}  // namespace gramzip::cli
