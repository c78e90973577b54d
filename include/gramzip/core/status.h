// SPDX-License-Identifier: Apache-2.0
// The outcome of decoding one block: the same value for the same bytes on every backend.
#pragma once
#include "gramzip/core/config.h"

namespace gramzip {
// In the order in which a reader checks (docs/format.md, section 5). The numbers are stable.
enum class BlockStatus : uint32_t {
  ok = 0,
  bad_coded_hash = 1,    // the coded bytes are not what was written
  bad_block = 2,         // lane header, class ids, padding, constant or repeat do not fit the block
  bad_stream = 3,        // a lane uses more or fewer words than it has, or ends in set bits
  bad_decoded_hash = 4,  // the decoded bytes are not what was written
};

inline const char* block_status_text(BlockStatus s) {
  switch (s) {
    case BlockStatus::ok:
      return "ok";
    case BlockStatus::bad_coded_hash:
      return "the hash of its coded bytes does not match";
    case BlockStatus::bad_block:
      return "its layout contradicts its size";
    case BlockStatus::bad_stream:
      return "a code stream does not end where it should";
    case BlockStatus::bad_decoded_hash:
      return "the hash of its decoded bytes does not match";
  }
  return "unknown status";
}
}  // namespace gramzip
