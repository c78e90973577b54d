// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "host/base/io.h"

namespace gramzip {
// What can be read anywhere, from its front to its end.
class FrontToBack final : public Source {
 public:
  explicit FrontToBack(RandomSource& whole) : whole_(whole) {}
  size_t read(uint8_t* p, size_t n) override {
    const size_t got = whole_.read_at(at_, p, n);
    at_ += got;
    return got;
  }

 private:
  RandomSource& whole_;
  uint64_t at_ = 0;
};
}  // namespace gramzip
