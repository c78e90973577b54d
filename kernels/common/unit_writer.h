// SPDX-License-Identifier: Apache-2.0
// Collects the bits that a lane decodes to words and, in a column of shared memory, words to stores
// of 16 bytes: lanes write far from each other, so narrow stores would each cost a sector.
#pragma once
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
class UnitWriter {
 public:
  static constexpr uint32_t kColumn = 4;  // words a lane, kWarp apart
  // out: a multiple of 16.
  __device__ UnitWriter(uint32_t* column, uint8_t* out) : column_(column), out_(out) {}

  __device__ uint32_t words() const { return words_; }
  __device__ uint32_t done() const { return 4 * words_ + fill_ / 8; }  // bytes
  // Up to 32 bits, whole bytes; the bits above are zero.
  __device__ void put(uint32_t x, uint32_t bits) {
    pending_ |= x << fill_;
    const uint32_t carry = __funnelshift_l(x, 0, fill_);  // x >> (32 - fill_)
    fill_ += bits;
    if (fill_ < 32) return;
    fill_ -= 32;
    column_[words_ % kColumn * kWarp] = pending_;
    pending_ = carry;
    if (++words_ % kColumn == 0)
      *reinterpret_cast<uint4*>(out_ + 4 * (words_ - kColumn)) =
          make_uint4(column_[0], column_[kWarp], column_[2 * kWarp], column_[3 * kWarp]);
  }
  __device__ void finish() {
    for (uint32_t w = words_ & ~(kColumn - 1); w < words_; ++w)
      *reinterpret_cast<uint32_t*>(out_ + 4 * w) = column_[w % kColumn * kWarp];
    for (uint32_t i = 0; 8 * i < fill_; ++i)
      out_[4 * words_ + i] = static_cast<uint8_t>(pending_ >> (8 * i));
  }

 private:
  uint32_t* column_;
  uint8_t* out_;
  uint32_t pending_ = 0, fill_ = 0;  // bits, below 32 between calls
  uint32_t words_ = 0;
};
}  // namespace gramzip::kernels
