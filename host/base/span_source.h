// SPDX-License-Identifier: Apache-2.0
// Memory as a source that can be read anywhere.
#pragma once
#include <algorithm>
#include <cstring>

#include "host/base/io.h"

namespace gramzip {
// The bytes must outlive it.
class SpanSource final : public RandomSource {
 public:
  explicit SpanSource(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  std::span<const uint8_t> bytes() const { return bytes_; }
  uint64_t size() const override { return bytes_.size(); }
  size_t read_at(uint64_t at, uint8_t* p, size_t n) override {
    if (at >= bytes_.size()) return 0;
    n = std::min<size_t>(n, bytes_.size() - at);
    if (n > 0) std::memcpy(p, bytes_.data() + at, n);
    return n;
  }

 private:
  std::span<const uint8_t> bytes_;
};
}  // namespace gramzip
