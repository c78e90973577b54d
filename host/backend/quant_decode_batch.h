// SPDX-License-Identifier: Apache-2.0
// The quantized segments of a decoding batch as the kernels see them. Part of the CUDA backend.
#pragma once
#include <vector>

#include "host/backend/backend.h"
#include "kernels/quant_decode.h"

namespace gramzip {
struct QuantDecodeBatch {
  std::vector<kernels::QuantSegment> segments;
  std::vector<kernels::QuantTable> tables;  // of coder huffman
  std::vector<kernels::ScaledBlock> scaled;
  std::vector<kernels::DecodeGroup> groups, digit_groups;
  std::vector<uint32_t> symbols, units;
  std::vector<float> values, scales;
  std::vector<uint8_t> zero_points;
  uint64_t most_shared = 0, least_shared = UINT64_MAX;
  uint32_t most_unit_words = 0;  // of levels, coder horner
  uint64_t unit_numbers = 0;     // of scaled blocks

  bool empty() const { return segments.empty(); }
  // A segment whose code tables are from first_table on, and blocks from first_output on. Its
  // groups are the caller's matter.
  void add(const DecodeRequest& r, uint32_t segment, uint32_t first_table, uint32_t first_output);
};
}  // namespace gramzip
