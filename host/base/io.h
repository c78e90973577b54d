// SPDX-License-Identifier: Apache-2.0
// Where bytes come from and go to. The engine knows only these; files and pipes are the caller's.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace gramzip {
class Source {
 public:
  virtual ~Source() = default;
  // Fills p with up to n bytes; less than n only at the end of the input. Throws Error(io).
  virtual size_t read(uint8_t* p, size_t n) = 0;
  // The next n bytes in place, moved past; they stay valid until the call that was given the source
  // returns. Empty, and nothing moved, if there are fewer or they are not in memory.
  virtual std::span<const uint8_t> view(size_t n) {
    static_cast<void>(n);
    return {};
  }
};

// A source that can be read anywhere, by several threads at once.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual uint64_t size() const = 0;
  // As Source::read, from byte `at`.
  virtual size_t read_at(uint64_t at, uint8_t* p, size_t n) = 0;
};

// Memory that is also written anywhere, by several threads at once where they do not meet.
class RandomBuffer : public RandomSource {
 public:
  // Takes all of it, which lies within size(), or throws.
  virtual void write_at(uint64_t at, std::span<const uint8_t> bytes) = 0;
};

class Sink {
 public:
  virtual ~Sink() = default;
  // Takes all of it or throws Error(io).
  virtual void write(std::span<const uint8_t> bytes) = 0;
};
}  // namespace gramzip
