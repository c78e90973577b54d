// SPDX-License-Identifier: Apache-2.0
// One lane's bit string out of a coded block: words from the rows, then from the tail, then zeros.
#pragma once
#include "gramzip/core/lanes.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
class LaneReader {
 public:
  __device__ LaneReader(const uint8_t* rows, LaneHead head, uint32_t lane, uint32_t words,
                        uint32_t tail_before)
      : row_(reinterpret_cast<const uint32_t*>(rows) + lane),
        tail_(reinterpret_cast<const uint32_t*>(rows) + uint64_t{head.rows} * kLanes + tail_before),
        rows_(head.rows),
        words_(words) {}

  // The next bits; at least 32 of them count. A code has at most 12.
  __device__ uint32_t peek() {
    if (held_ < 32) {
      window_ |= static_cast<uint64_t>(next_word()) << held_;
      held_ += 32;
    }
    return static_cast<uint32_t>(window_);
  }
  __device__ void skip(uint32_t bits) {
    window_ >>= bits;
    held_ -= bits;
    used_ += bits;
  }
  // The codes end in the lane's last word, and the bits behind them are zero.
  __device__ bool ends_well() const {
    if ((used_ + 31) / 32 != words_) return false;
    // Words beyond the last are zero, so whatever the window holds besides must be too.
    return window_ == 0;
  }

 private:
  __device__ uint32_t next_word() {
    const uint32_t w = at_++;
    if (w < rows_) return row_[uint64_t{w} * kLanes];
    return w < words_ ? tail_[w - rows_] : 0;
  }
  const uint32_t* row_;
  const uint32_t* tail_;
  uint32_t rows_, words_;
  uint32_t at_ = 0;  // next word
  uint64_t window_ = 0;
  uint32_t held_ = 0;  // bits in the window
  uint32_t used_ = 0;  // bits of codes so far
};
}  // namespace gramzip::kernels
