// SPDX-License-Identifier: Apache-2.0
// Memory as a source that is read front to back, without a copy where that will do, or anywhere.
#pragma once
#include <utility>

#include "host/base/span_source.h"

namespace gramzip {
// The bytes must outlive it.
class MemorySource final : public Source, public RandomSource {
 public:
  explicit MemorySource(std::span<const uint8_t> bytes) : whole_(bytes) {}
  MemorySource(const void* p, size_t n) : whole_({static_cast<const uint8_t*>(p), n}) {}
  size_t read(uint8_t* p, size_t n) override {
    const size_t got = read_at(at_, p, n);
    at_ += got;
    return got;
  }
  std::span<const uint8_t> view(size_t n) override {
    if (n > size() - at_) return {};
    return whole_.bytes().subspan(std::exchange(at_, at_ + n), n);
  }
  uint64_t size() const override { return whole_.size(); }
  size_t read_at(uint64_t at, uint8_t* p, size_t n) override { return whole_.read_at(at, p, n); }

 private:
  SpanSource whole_;
  size_t at_ = 0;
};
}  // namespace gramzip
