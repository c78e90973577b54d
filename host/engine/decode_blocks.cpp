// SPDX-License-Identifier: Apache-2.0
#include "host/engine/decode_blocks.h"

#include <vector>

#include "host/base/error.h"

namespace gramzip {
void judge(std::span<const BlockStatus> status, uint32_t first_block, const std::string& where) {
  for (size_t i = 0; i < status.size(); ++i)
    if (status[i] != BlockStatus::ok)
      fail(ErrorCode::corrupt, where + ", block " + std::to_string(first_block + i) + ": " +
                                   block_status_text(status[i]) + "; the archive is damaged here");
}

void decode_blocks(Backend& backend, const SegmentView& segment, uint32_t first, uint32_t count,
                   std::span<uint8_t> out, std::span<const uint8_t> base,
                   const std::string& where) {
  std::vector<BlockStatus> status(count, BlockStatus::ok);
  const DecodeRequest request{segment, first, count, out, status, base};
  backend.decode({&request, 1});
  judge(status, first, where);
}
}  // namespace gramzip
