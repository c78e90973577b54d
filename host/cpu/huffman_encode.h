// SPDX-License-Identifier: Apache-2.0
// One coded block (docs/format.md, 4): the host's walk; kernels/huffman_encode is the device's.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/plan.h"
#include "host/model/code_lengths.h"

namespace gramzip::cpu {
// Working memory of one thread, reused from block to block.
class BlockEncoder {
 public:
  // Appends the coded block to `out` and returns true if it is smaller than `content`; else leaves
  // `out` as it was and returns false. Every symbol of content has a code in the book of its run.
  // class_ids: one a run of 256 elements, empty if there is one book.
  bool encode(std::span<const uint8_t> content, const Split& split, std::span<const CodeBook> books,
              std::span<const uint8_t> class_ids, std::vector<uint8_t>& out);

 private:
  std::vector<uint8_t> lane_bytes_;
};
}  // namespace gramzip::cpu
