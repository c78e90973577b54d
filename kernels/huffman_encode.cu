// SPDX-License-Identifier: Apache-2.0
// Encodes blocks: lane l of a warp is sub-stream l of the block (docs/format.md, 4).
//
//   measure:  code lengths summed by lane -> words of the lanes -> size -> raw or coded
//   layout:   sizes padded to 32 -> offsets, one CTA a segment
//   write:    raw plane | class ids | lane header | rows, lane l writes word r at 128 r + 4 l |
//   tails
//
// A run of 256 elements takes the codes of its class, 8 elements a lane. Classes without symbols
// are dropped: the number of a class on the wire is that of the used ones before it, which every
// warp finds by a ballot. Lanes write to places of their own, so no order matters. measure reads
// each byte once, write once more and writes each coded byte once: 2 + 1 / ratio bytes moved a
// byte.
#include "kernels/huffman_encode.h"

#include "kernels/common/block_write.h"
#include "kernels/common/cub.h"
#include "kernels/common/lane_encode.h"

namespace gramzip::kernels {
namespace {
// A block as a warp sees it.
struct View {
  const DeviceSegment* segment;
  Split split;
  uint32_t number, index, size, lane;
  const uint8_t* content;
  const uint8_t* elements;  // the same in the order of coding
  BlockCodes codes;
  SymbolFinder find;
  uint32_t used;  // bit c: class c has symbols

  __device__ uint32_t tables() const { return __popc(used); }
};
// False if the warp has none.
__device__ bool view_block(const uint8_t* content, const DeviceSegment* segments,
                           const DeviceBlock* blocks, uint32_t count, const BlockCoding& coding,
                           View& v) {
  v.index = blockIdx.x * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  v.lane = threadIdx.x % kWarp;
  if (v.index >= count) return false;
  const DeviceBlock b = blocks[v.index];
  v.segment = &segments[b.segment];
  const SegmentHeader& h = v.segment->header;
  const EncodePlaces& at = coding.places[b.segment];
  v.split = h.split();
  v.number = b.number;
  v.size = h.block_bytes(b.number);
  v.content = content + v.segment->content_at + h.block_begin(b.number);
  v.elements = content + at.elements_at + h.block_begin(b.number);
  v.codes = {coding.codes + at.symbols_at,
             coding.class_ids + at.runs_at + b.number * runs_of_a_block(h), h.alphabet()};
  v.find = {v.split, h.exact_values, coding.exact + at.exact_at};
  v.used = __ballot_sync(
      kAllLanes, v.lane < at.classes && coding.summaries[at.first_alphabet + v.lane].used > 0);
  return true;
}
static_assert(kMaxTables <= kWarp);

__device__ uint32_t count_bits(const View& v, uint32_t n) {
  BitCounter counter{v.codes, v.find};
  if (!v.split.interleaved) {
    walk_bytes(v.elements, n, v.lane, counter);
    return counter.bits;
  }
  switch (v.split.bytes) {
    case 1:
      walk_groups<1>(v.elements, n, v.lane, counter);
      break;
    case 2:
      walk_groups<2>(v.elements, n, v.lane, counter);
      break;
    case 4:
      walk_groups<4>(v.elements, n, v.lane, counter);
      break;
    default:
      walk_groups<8>(v.elements, n, v.lane, counter);
  }
  return counter.bits;
}

__global__ void measure_kernel(const uint8_t* content, const DeviceSegment* segments,
                               const DeviceBlock* blocks, BlockState* states, uint32_t count,
                               const BlockCoding coding, uint32_t* lane_words) {
  View v;
  if (!view_block(content, segments, blocks, count, coding, v)) return;
  BlockState& state = states[v.index];
  const BlockMode mode = state.mode;
  __syncwarp();  // all lanes have read it before lane 0 changes it
  uint32_t coded_bytes =
      mode == BlockMode::constant ? element_info(v.segment->header.type).bytes : 4;
  if (mode == BlockMode::raw) {
    const BlockPlan plan = plan_block(v.size, v.split, v.tables());
    const uint32_t words = words_of_bits(count_bits(v, plan.n));
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

template <uint32_t kBytes>
__device__ void write_exact(const View& v, uint32_t n, const LaneWriter& lane) {
  ExactWriter writer{v.codes, v.find, lane};
  walk_groups<kBytes>(v.elements, n, v.lane, writer);
  writer.lane.finish();
}
template <uint32_t kBytes, uint32_t kRaw>
__device__ void write_groups(const View& v, uint32_t n, const LaneWriter& lane, uint8_t* out) {
  GroupWriter<kBytes, kRaw> writer{v.codes, out, lane};
  walk_groups<kBytes>(v.elements, n, v.lane, writer);
  writer.lane.finish();
}
template <uint32_t kBytes>
__device__ void write_any_groups(const View& v, uint32_t n, const LaneWriter& lane, uint8_t* out) {
  AnyGroupWriter writer{v.split, v.codes, out, lane};
  walk_groups<kBytes>(v.elements, n, v.lane, writer);
  writer.lane.finish();
}
// The splits that this release writes (host/model/run_sample.cpp, symbol_widths).
__device__ void write_lanes(const View& v, uint32_t n, const LaneWriter& lane, uint8_t* out) {
  if (!v.split.interleaved) {
    ByteWriter writer{v.codes.codes, lane};
    walk_bytes(v.elements, n, v.lane, writer);
    return writer.lane.finish();
  }
  if (v.split.inline_raw) switch (v.split.bytes) {
      case 1:
        return write_exact<1>(v, n, lane);
      case 2:
        return write_exact<2>(v, n, lane);
      case 4:
        return write_exact<4>(v, n, lane);
      default:
        return write_exact<8>(v, n, lane);
    }
  if (v.split.zero_bits > 0) {
    if (v.split.bytes == 2) return write_any_groups<2>(v, n, lane, out);
    if (v.split.bytes == 4) return write_any_groups<4>(v, n, lane, out);
    return write_any_groups<8>(v, n, lane, out);
  }
  switch (v.split.bytes * 64u + v.split.raw_bits) {
    case 1 * 64 + 0:
      return write_groups<1, 0>(v, n, lane, out);
    case 1 * 64 + 1:
      return write_groups<1, 1>(v, n, lane, out);
    case 2 * 64 + 6:
      return write_groups<2, 6>(v, n, lane, out);
    case 2 * 64 + 7:
      return write_groups<2, 7>(v, n, lane, out);
    case 2 * 64 + 8:
      return write_groups<2, 8>(v, n, lane, out);
    case 4 * 64 + 22:
      return write_groups<4, 22>(v, n, lane, out);
    case 4 * 64 + 23:
      return write_groups<4, 23>(v, n, lane, out);
    case 4 * 64 + 24:
      return write_groups<4, 24>(v, n, lane, out);
    case 8 * 64 + 52:
      return write_groups<8, 52>(v, n, lane, out);
    default:
      return write_groups<8, 53>(v, n, lane, out);
  }
}

__device__ void write_coded(const View& v, const BlockState& state, uint32_t words, uint8_t* out) {
  const BlockPlan plan = plan_block(v.size, v.split, v.tables());
  const LaneHead head = state.lanes;
  if (!v.split.inline_raw && v.lane == 0) write_last_raw(v.elements, v.split, plan, out);
  fill_zero(out, plan.raw_bytes, plan.ids_at, v.lane);
  write_class_ids(plan, v.tables(), out, v.lane, [&](uint32_t r) {
    return static_cast<uint32_t>(__popc(v.used & ((1u << v.codes.class_ids[r]) - 1)));
  });
  const uint32_t tail_before = write_lane_header(out, plan.lanes_at, head, words, v.lane);
  write_lanes(v, plan.n, {out + plan.rows_at(head.extra_bits), head, v.lane, tail_before}, out);
}

__global__ void write_kernel(const uint8_t* content, const DeviceSegment* segments,
                             const DeviceBlock* blocks, const BlockState* states, uint32_t count,
                             const BlockCoding coding, const uint32_t* lane_words, uint8_t* data) {
  View v;
  if (!view_block(content, segments, blocks, count, coding, v)) return;
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
                           const BlockCoding& coding, uint32_t* lane_words,
                           const EncodeTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(a_warp_a_block(count, tuning.warps, stream), measure_kernel, content, segments,
                blocks, states, count, coding, lane_words);
}

cudaError_t encode_layout(const DeviceSegment* segments, uint32_t segment_count, BlockState* states,
                          HashRange* coded_ranges, SegmentTotals* totals, cudaStream_t stream) {
  if (segment_count == 0) return cudaSuccess;
  return launch(Launch{dim3(segment_count), dim3(kMaxBlocks), 0, stream}, layout_kernel, segments,
                states, coded_ranges, totals);
}

cudaError_t encode_write(const uint8_t* content, const DeviceSegment* segments,
                         const DeviceBlock* blocks, const BlockState* states, uint32_t count,
                         const BlockCoding& coding, const uint32_t* lane_words, uint8_t* data,
                         const EncodeTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(a_warp_a_block(count, tuning.warps, stream), write_kernel, content, segments,
                blocks, states, count, coding, lane_words, data);
}
}  // namespace gramzip::kernels
