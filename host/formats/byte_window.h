// SPDX-License-Identifier: Apache-2.0
// Reads a stretch of a file front to back through a buffer of fixed size, for readers of headers.
#pragma once
#include <algorithm>
#include <cstring>
#include <vector>

#include "gramzip/core/wire.h"
#include "host/base/error.h"
#include "host/base/io.h"

namespace gramzip::formats {
// Error(corrupt) if the file ends before. For stretches that its size has shown to be there.
inline void read_exactly(RandomSource& file, uint64_t at, uint8_t* p, size_t n) {
  if (n > 0 && file.read_at(at, p, n) < n)
    fail(ErrorCode::corrupt, "the file has become shorter");
}

class ByteWindow {
 public:
  static constexpr size_t kBytes = 64u << 10;
  // Bytes [begin, end) of the file; end is at most its size.
  ByteWindow(RandomSource& file, uint64_t begin, uint64_t end)
      : file_(file), at_(begin), end_(end) {}

  uint64_t at() const { return at_; }
  uint64_t left() const { return end_ - at_; }
  // The next n bytes, at most kBytes, moved past; valid until the next call. Null, and nothing
  // moved, if fewer are left.
  const uint8_t* take(size_t n) {
    static constexpr uint8_t kNothing = 0;
    if (n > left() || n > kBytes) return nullptr;
    if (n == 0) return &kNothing;
    if (at_ < from_ || at_ + n > from_ + held_) fill();
    const uint8_t* p = buffer_.data() + (at_ - from_);
    at_ += n;
    return p;
  }
  // False if fewer are left.
  bool skip(uint64_t n) {
    if (n > left()) return false;
    at_ += n;
    return true;
  }
  template <class T>
  bool number(T& v) {
    const uint8_t* p = take(sizeof(T));
    if (p != nullptr) v = load_le<T>(p);
    return p != nullptr;
  }

 private:
  void fill() {
    held_ = static_cast<size_t>(std::min<uint64_t>(kBytes, end_ - at_));
    if (buffer_.size() < held_) buffer_.resize(held_);
    from_ = at_;
    read_exactly(file_, from_, buffer_.data(), held_);
  }
  RandomSource& file_;
  uint64_t at_, end_, from_ = 0;
  size_t held_ = 0;
  std::vector<uint8_t> buffer_;
};
}  // namespace gramzip::formats
