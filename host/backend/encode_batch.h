// SPDX-License-Identifier: Apache-2.0
// How the segments of an encoding batch lie in device memory. Part of the CUDA backend.
#pragma once
#include <vector>

#include "kernels/common/batch.h"

namespace gramzip {
struct EncodeBatch {
  std::vector<kernels::DeviceSegment> segments;
  std::vector<kernels::DeviceBlock> blocks;  // of all segments
  std::vector<kernels::HashRange> ranges;    // their content
  uint64_t content_bytes = 0, data_bytes = 0;

  void add(const SegmentHeader& h) {
    const auto number = static_cast<uint32_t>(segments.size());
    segments.push_back({h, content_bytes, data_bytes, static_cast<uint32_t>(blocks.size()), 0});
    for (uint32_t b = 0; b < h.blocks; ++b) {
      blocks.push_back({number, b});
      ranges.push_back({content_bytes + h.block_begin(b), h.block_bytes(b)});
    }
    content_bytes += round_up(h.decoded_bytes, 128);
    data_bytes += round_up(segment_data_bound(h.decoded_bytes, h.blocks), 128);
  }
};
}  // namespace gramzip
