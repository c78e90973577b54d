// SPDX-License-Identifier: Apache-2.0
// Encodes blocks: lane l of a warp is sub-stream l of the block (docs/format.md, 4).
//
//   measure:  code lengths summed by lane -> words of the lanes -> size -> raw or coded
//   layout:   sizes padded to 32 -> offsets, one CTA a segment
//   write:    raw plane | lane header | rows, lane l writes word r at 128 r + 4 l | tails
//
// Lanes write to places of their own, so no order matters. measure reads each byte once, write once
// more and writes each coded byte once: 2 + 1 / ratio bytes moved a byte.
#include "kernels/huffman_encode.h"

#include "kernels/common/block_write.h"
#include "kernels/common/cub.h"
#include "kernels/common/lane_encode.h"

namespace gramzip::kernels {
namespace {
// A block as a warp sees it. False if the warp has none.
struct View {
  const DeviceSegment* segment;
  Split split;
  uint32_t number, index, size, lane;
  const uint8_t* content;
  const uint32_t* codes;
};
__device__ bool view_block(const uint8_t* content, const DeviceSegment* segments,
                           const DeviceBlock* blocks, uint32_t count, const uint32_t* codes,
                           View& v) {
  v.index = blockIdx.x * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  v.lane = threadIdx.x % kWarp;
  if (v.index >= count) return false;
  const DeviceBlock b = blocks[v.index];
  v.segment = &segments[b.segment];
  v.split = v.segment->header.split();
  v.number = b.number;
  v.size = v.segment->header.block_bytes(b.number);
  v.content = content + v.segment->content_at + v.segment->header.block_begin(b.number);
  v.codes = codes + uint64_t{b.segment} * kMaxWriteSymbols;
  return true;
}

__global__ void measure_kernel(const uint8_t* content, const DeviceSegment* segments,
                               const DeviceBlock* blocks, BlockState* states, uint32_t count,
                               const uint32_t* codes, uint32_t* lane_words) {
  View v;
  if (!view_block(content, segments, blocks, count, codes, v)) return;
  BlockState& state = states[v.index];
  const BlockMode mode = state.mode;
  __syncwarp();  // all lanes have read it before lane 0 changes it
  uint32_t coded_bytes = mode == BlockMode::constant ? v.split.bytes : 4;
  if (mode == BlockMode::raw) {
    const BlockPlan plan = plan_block(v.size, v.split, 1);
    BitCounter counter{v.codes};
    walk_lane(v.split, v.content, plan.n, v.lane, counter);
    const uint32_t words = words_of_bits(counter.bits);
    lane_words[uint64_t{v.index} * kLanes + v.lane] = words;
    const LanePlan lanes =
        plan_lanes(__reduce_min_sync(kAllLanes, words), __reduce_max_sync(kAllLanes, words),
                   __reduce_add_sync(kAllLanes, words));
    coded_bytes = coded_block_bytes(plan, lanes);
    const bool coded = coded_bytes < v.size;
    if (!coded) coded_bytes = v.size;
    if (v.lane == 0) {
      state.mode = coded ? BlockMode::coded : BlockMode::raw;
      state.lanes = lanes.head;
    }
  }
  if (v.lane == 0) state.coded_bytes = coded_bytes;
}

// One CTA a segment; a thread a block, of which a segment has at most 256.
__global__ void layout_kernel(const DeviceSegment* segments, BlockState* states,
                              HashRange* coded_ranges, SegmentTotals* totals) {
  using Scan = cub::BlockScan<uint32_t, kMaxBlocks>;
  __shared__ typename Scan::TempStorage storage;
  const DeviceSegment& segment = segments[blockIdx.x];
  const bool mine = threadIdx.x < segment.header.blocks;
  const uint32_t index = segment.first_block + threadIdx.x;
  const uint32_t size = mine ? states[index].coded_bytes : 0;
  uint32_t at = 0, total = 0;
  Scan(storage).ExclusiveSum(static_cast<uint32_t>(round_up(size, kBlockAlign)), at, total);
  if (mine) {
    states[index].data_at = at;
    coded_ranges[index] = {segment.data_at + at, size};
  }
  const int coded = __syncthreads_count(mine && states[index].mode == BlockMode::coded);
  if (threadIdx.x == 0) totals[blockIdx.x] = {total, static_cast<uint32_t>(coded)};
}

// The raw values of the group that the block's end cuts: fewer than eight.
__device__ void write_last_raw(const View& v, const BlockPlan& plan, uint8_t* plane) {
  const uint32_t bits = v.split.raw_bits, whole = plan.n / kLaneGroup;
  if (v.lane != 0) return;
  for (uint32_t i = whole * bits; i < plan.raw_bytes; ++i) plane[i] = 0;
  for (uint32_t j = whole * kLaneGroup; j < plan.n; ++j)
    or_bits(plane, uint64_t{j} * bits, bits,
            v.split.raw(load_element(v.content, j, v.split.bytes)));
}

__device__ void write_coded(const View& v, const BlockState& state, uint32_t words, uint8_t* out) {
  const BlockPlan plan = plan_block(v.size, v.split, 1);
  const LaneHead head = state.lanes;
  write_last_raw(v, plan, out);
  fill_zero(out, plan.raw_bytes, plan.lanes_at, v.lane);
  const uint32_t tail_before = write_lane_header(out, plan.lanes_at, head, words, v.lane);
  BlockWriter writer{
      v.codes, out, {out + plan.rows_at(head.extra_bits), head, v.lane, tail_before}};
  walk_lane(v.split, v.content, plan.n, v.lane, writer);
  writer.lane.finish();
}

__global__ void write_kernel(const uint8_t* content, const DeviceSegment* segments,
                             const DeviceBlock* blocks, const BlockState* states, uint32_t count,
                             const uint32_t* codes, const uint32_t* lane_words, uint8_t* data) {
  View v;
  if (!view_block(content, segments, blocks, count, codes, v)) return;
  const BlockState& state = states[v.index];
  uint8_t* out = data + v.segment->data_at + state.data_at;
  if (state.mode == BlockMode::coded)
    write_coded(v, state, lane_words[uint64_t{v.index} * kLanes + v.lane], out);
  else
    write_uncoded(state, v.content, out, v.lane);
  fill_zero(out, state.coded_bytes, static_cast<uint32_t>(round_up(state.coded_bytes, kBlockAlign)),
            v.lane);
}
}  // namespace

cudaError_t encode_measure(const uint8_t* content, const DeviceSegment* segments,
                           const DeviceBlock* blocks, BlockState* states, uint32_t count,
                           const uint32_t* codes, uint32_t* lane_words, const EncodeTuning& tuning,
                           cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(a_warp_a_block(count, tuning.warps, stream), measure_kernel, content, segments, blocks,
                states, count, codes, lane_words);
}

cudaError_t encode_layout(const DeviceSegment* segments, uint32_t segment_count, BlockState* states,
                          HashRange* coded_ranges, SegmentTotals* totals, cudaStream_t stream) {
  if (segment_count == 0) return cudaSuccess;
  return launch(Launch{dim3(segment_count), dim3(kMaxBlocks), 0, stream}, layout_kernel, segments,
                states, coded_ranges, totals);
}

cudaError_t encode_write(const uint8_t* content, const DeviceSegment* segments,
                         const DeviceBlock* blocks, const BlockState* states, uint32_t count,
                         const uint32_t* codes, const uint32_t* lane_words, uint8_t* data,
                         const EncodeTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(a_warp_a_block(count, tuning.warps, stream), write_kernel, content, segments, blocks,
                states, count, codes, lane_words, data);
}
}  // namespace gramzip::kernels
