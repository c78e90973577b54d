// SPDX-License-Identifier: Apache-2.0
// One lane's bit string out of a coded block: words from the rows, then from the tail, then zeros.
#pragma once
#include "gramzip/core/plan.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
class LaneReader {
 public:
  // words: of this lane; tail_before: tail words of the lanes before it.
  __device__ LaneReader(const uint8_t* rows, LaneHead head, uint32_t lane, uint32_t words,
                        uint32_t tail_before)
      : row_(reinterpret_cast<const uint32_t*>(rows) + lane),
        tail_(static_cast<int32_t>(head.rows * (kLanes - 1) + tail_before - lane)),
        rows_(head.rows),
        words_(words) {
    current_ = next_word();
    next_ = next_word();
  }

  // The next 32 bits.
  __device__ uint32_t peek() const { return __funnelshift_r(current_, next_, bit_); }
  // Moves on by up to 32 bits: at most one word is used up.
  __device__ void skip(uint32_t bits) {
    bit_ += bits;
    if (bit_ < 32) return;
    bit_ -= 32;
    current_ = next_;
    next_ = next_word();
  }
  // The codes end in the lane's last word, and the bits behind them are zero. Words beyond the last
  // are zero, so all 32 bits ahead must be.
  __device__ bool ends_well() const {
    return words_of_bits((loaded_ - 2) * 32 + bit_) == words_ && peek() == 0;
  }

 private:
  __device__ uint32_t next_word() {
    const uint32_t w = loaded_++;
    if (w < rows_) return row_[uint64_t{w} * kLanes];
    return w < words_ ? row_[tail_ + static_cast<int32_t>(w)] : 0;
  }
  const uint32_t* row_;
  int32_t tail_;  // the lane's words w from rows_ on lie at row_[tail_ + w]
  uint32_t rows_, words_;
  uint32_t loaded_ = 0;      // words taken, the two below included
  uint32_t current_, next_;  // the position lies in `current_`
  uint32_t bit_ = 0;         // bits of it that are used, 0 to 31
};
}  // namespace gramzip::kernels
