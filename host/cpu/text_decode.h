// SPDX-License-Identifier: Apache-2.0
// Text back from coded blocks (docs/format.md, 9): the host's walk; kernels/text_decode is the
// device's. Two phases: the state machine turns each lane's bits into records, many lanes side by
// side; the expansion turns records into bytes, in the order of the segment. Safe on any input:
// reads stay in `coded` and in the segment, writes in the block.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "gramzip/core/status.h"
#include "host/cpu/lane_read.h"
#include "host/model/machine.h"

namespace gramzip::cpu {
// A lane on its way from bits to records.
struct TextLane {
  const uint8_t* bits;  // its words; kLanePad zero bytes behind
  uint32_t words;
  uint32_t bytes;     // that it decodes to
  uint32_t* records;  // room for bytes + kRecordSlack
  // The lane uses exactly its words, and zero bits follow, if it is complete after `fewest` to
  // `most` records. Whoever takes more finds records that fit no lane.
  uint32_t fewest = 1, most = 0;
};
inline constexpr uint32_t kRecordSlack = 16;

// The loops, one set per instruction set.
struct TextLoops {
  const char* name;
  RowsToLanes rows_to_lanes;
  void (*read)(std::span<TextLane> lanes, const model::DecodeMachine& machine);
  // False if the records do not make the lane. segment: its first byte; the lane is written at
  // `out`.
  bool (*expand)(const TextLane& lane, const uint8_t* pool, const uint8_t* segment, uint8_t* out);
};
extern const TextLoops kTextBaseline;
extern const TextLoops kTextAvx2;  // these where the build has them
extern const TextLoops kTextAvx512;
// Those that this machine runs, the best last.
std::span<const TextLoops* const> text_loops();

// A block of a segment. The caller has looked at its coded hash, and at its size, which is below
// `bytes`.
struct TextBlock {
  std::span<const uint8_t> coded;
  uint32_t bytes;       // that it decodes to
  bool to_read = true;  // false: not a coded block, or one that is bad already
};

// Working memory of one thread.
class TextDecoder {
 public:
  TextDecoder();
  explicit TextDecoder(const TextLoops& loops) : loops_(loops) {}

  // What remains to be done for block b. If it was to be read, its bytes are in `out` if `status`
  // is ok (else bad_block or bad_stream) and want the look at their hash; if not, all is left to
  // do. Returns the block's status.
  using Finish = std::function<BlockStatus(uint32_t b, BlockStatus status, std::span<uint8_t> out)>;
  // A segment, whose blocks fill `segment` in order. Blocks that are not ok become zeros before the
  // next one is expanded. `finish` is called for each block in order.
  void decode_segment(std::span<const TextBlock> blocks, const model::DecodeMachine& machine,
                      std::span<uint8_t> segment, std::span<BlockStatus> status,
                      const Finish& finish);

  // One coded block. segment: the decoded content of its segment up to the block's end, of which
  // the bytes before block_begin are done and the rest is written. The block's bytes are
  // unspecified unless the status is ok. The hashes are the caller's.
  BlockStatus decode(std::span<const uint8_t> coded, const model::DecodeMachine& machine,
                     std::span<uint8_t> segment, size_t block_begin);

 private:
  // Phase 1 of some blocks together; of the one that comes i-th, lanes 32 i to 32 i + 31.
  void read(std::span<const TextBlock> blocks, const model::DecodeMachine& machine);
  BlockStatus expand(size_t i, const model::DecodeMachine& machine, std::span<uint8_t> segment,
                     size_t block_begin) const;

  const TextLoops& loops_;
  std::vector<LaneLayout> layouts_;
  std::vector<BlockStatus> layout_status_;  // ok or bad_block
  std::vector<TextLane> lanes_;
  std::vector<uint8_t> lane_bytes_;
  std::vector<uint32_t> records_;
};
}  // namespace gramzip::cpu
