// SPDX-License-Identifier: Apache-2.0
// Text back from coded blocks (docs/format.md, 9): the host's walk; kernels/text_decode is the
// device's. Two phases: the state machine turns each lane's bits into records, the expansion turns
// records into bytes, in the order of the segment. Safe on any input.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/status.h"
#include "host/model/machine.h"

namespace gramzip::cpu {
// Working memory of one thread.
class TextDecoder {
 public:
  // One coded block. segment: the decoded content of its segment up to the block's end, of which
  // the bytes before block_begin are done and the rest is written. status: ok, bad_block or
  // bad_stream; the block's bytes are unspecified unless ok. The hashes are the caller's.
  BlockStatus decode(std::span<const uint8_t> coded, const model::DecodeMachine& machine,
                     std::span<uint8_t> segment, size_t block_begin);

 private:
  std::vector<uint8_t> lane_bytes_;
  std::vector<uint32_t> records_;
};
}  // namespace gramzip::cpu
