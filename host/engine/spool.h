// SPDX-License-Identifier: Apache-2.0
// Bytes kept for later: in memory up to a size, then in a file that has no name.
#pragma once
#include <mutex>
#include <span>
#include <vector>

#include "host/base/io.h"

namespace gramzip {
class Spool final : public RandomSource {
 public:
  explicit Spool(uint64_t most_in_memory = uint64_t{64} << 20) : most_(most_in_memory) {}
  ~Spool() override;
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  // By one thread; what has been appended may be read meanwhile. Throws Error(io).
  void append(std::span<const uint8_t> bytes);
  uint64_t size() const override;
  size_t read_at(uint64_t at, uint8_t* p, size_t n) override;

 private:
  void write_out(std::span<const uint8_t> bytes);

  const uint64_t most_;
  mutable std::mutex mutex_;
  std::vector<uint8_t> memory_;
  int file_ = -1;      // all of it lies there, once there is one
  uint64_t size_ = 0;  // bytes that may be read
};
}  // namespace gramzip
