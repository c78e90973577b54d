// SPDX-License-Identifier: Apache-2.0
// Walks the state machine, one warp a block, one lane a sub-stream.
//
//   block:     lane header | rows | tails   ->   records: row i holds record i of the 32 lanes
//
// A step is one window of 32 bits, one look-up, one shift of the window; whether it ends a symbol,
// an escape, a length or a distance is only a matter of the entry. Lanes emit about a record a
// step, so the rows that a warp writes lie close together. A lane follows its own position and last
// distances, which makes every check exact here, before a byte is written. Lanes write words of
// their own: the result has no order. Reads each coded byte once, writes 4 bytes a string and 8 a
// match.
#include "kernels/text_decode.h"

#include "kernels/common/block_lanes.h"

namespace gramzip::kernels {
namespace {
// One lane: `count` bytes of content, `before` bytes of the segment in front of it. False if the
// stream breaks a rule; a lane has at most `count` records then too.
__device__ bool decode_lane(LaneReader& in, const TextMachine m, uint32_t before, uint32_t count,
                            uint32_t* records, uint32_t& record_count) {
  text::Repeats repeats;
  text::TableRef table = m.start;
  uint32_t at = 0, i = 0;
  uint32_t length = 0;  // of a match whose distance comes next
  bool good = true;
  while (at < count && good) {
    const uint32_t window = in.peek();
    const text::Entry e = __ldg(m.entries + text::table_first(table) +
                                (window & ((1u << text::table_bits(table)) - 1)));
    const uint32_t total = text::entry_total(e), raw_bits = text::entry_raw(e);
    const uint32_t raw = (window >> (total - raw_bits)) & ((1u << raw_bits) - 1);
    in.skip(total);
    table = text::entry_next(e);
    if (text::entry_emits(e) == 0) continue;
    const uint32_t r = text::entry_value(e) + raw;
    uint32_t distance = 0;
    if (length > 0) {
      distance = r;
      repeats.push(distance);
    } else if ((r & text::kRecordMatch) == 0) {
      const uint32_t bytes = text::record_string_length(r);
      good = bytes <= count - at;
      if (good) records[i++ * kLanes] = r;
      at += bytes;
      continue;
    } else {
      length = text::record_match_length(r);
      if ((r & text::kRecordRepeat) == 0) continue;
      distance = repeats.take(text::record_repeat(r));
    }
    good = distance > 0 && distance <= before + at && length <= count - at;
    if (good) {
      records[i++ * kLanes] = text::match_record(0, length);
      records[i++ * kLanes] = distance;
    }
    at += length;
    length = 0;
  }
  record_count = i;
  return good && in.ends_well();
}

__device__ BlockStatus decode_block(const DeviceSegment& segment, const BlockState* states,
                                    const TextMachine m, const uint8_t* data, uint32_t b,
                                    uint32_t lane, uint32_t* records, uint32_t* record_counts) {
  const SegmentHeader& h = segment.header;
  const BlockState& s = states[segment.first_block + b];
  const uint8_t* block = data + segment.data_at + s.data_at;
  const uint32_t size = h.block_bytes(b);
  const auto fits = [](bool yes) { return yes ? BlockStatus::ok : BlockStatus::bad_block; };
  switch (s.mode) {
    case BlockMode::raw:
      return fits(s.coded_bytes == size);
    case BlockMode::constant:
      return fits(s.coded_bytes == 1);
    case BlockMode::repeat: {
      if (s.coded_bytes != 4) return BlockStatus::bad_block;
      const uint32_t source = load_le<uint32_t>(block);
      return fits(source < b && states[segment.first_block + source].mode != BlockMode::repeat &&
                  h.block_bytes(source) == size);
    }
    case BlockMode::coded:
      break;
  }
  BlockLanes lanes;
  if (s.coded_bytes >= size || !read_lanes(block, 0, s.coded_bytes, lane, lanes))
    return BlockStatus::bad_block;
  LaneReader in = lanes.reader(block, lane);
  const uint32_t before = h.block_begin(b) + lane * lane_piece(size);
  const bool good = decode_lane(in, m, before, lane_count(size, lane, false), records + lane,
                                record_counts[lane]);
  return __all_sync(kAllLanes, good) ? BlockStatus::ok : BlockStatus::bad_stream;
}

__global__ void __launch_bounds__(256)
    decode_kernel(const DeviceBlock* blocks, uint32_t count, const DeviceSegment* segments,
                  const BlockState* states, const uint64_t* coded_hashes,
                  const TextMachine* machines, const uint8_t* data, uint32_t* records,
                  uint32_t* record_counts, BlockStatus* statuses) {
  const uint32_t lane = threadIdx.x % kWarp;
  const uint32_t w = blockIdx.x * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  if (w >= count) return;  // a whole warp leaves
  const DeviceBlock block = blocks[w];
  const DeviceSegment& segment = segments[block.segment];
  const uint32_t index = segment.first_block + block.number;
  BlockStatus status = BlockStatus::bad_coded_hash;
  if (coded_hashes[index] == states[index].coded_hash)
    status = decode_block(segment, states, machines[segment.first_table], data, block.number, lane,
                          records + segment.content_at + segment.header.block_begin(block.number),
                          record_counts + uint64_t{index} * kLanes);
  if (lane == 0) statuses[index] = status;
}
}  // namespace

cudaError_t text_decode(const DeviceBlock* blocks, uint32_t count, const DeviceSegment* segments,
                        const BlockState* states, const uint64_t* coded_hashes,
                        const TextMachine* machines, const uint8_t* data, uint32_t* records,
                        uint32_t* record_counts, BlockStatus* statuses,
                        const TextDecodeTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  const Launch config{dim3(static_cast<uint32_t>(ceil_div(count, tuning.warps))),
                      dim3(tuning.warps * kWarp), 0, stream};
  return launch(config, decode_kernel, blocks, count, segments, states, coded_hashes, machines,
                data, records, record_counts, statuses);
}
}  // namespace gramzip::kernels
