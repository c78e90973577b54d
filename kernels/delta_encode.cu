// SPDX-License-Identifier: Apache-2.0
// Encodes blocks of codec delta: lane l of a warp is sub-stream l of the block (docs/format.md,
// 14.1).
//
//   classify: one CTA a block, 16 bytes a thread: the base's, constant, or neither
//   measure:  code lengths and raw bits summed by lane -> words of the lanes -> size -> raw or
//   coded write:    class ids | lane header | rows, lane l writes word r at 128 r + 4 l | tails
//
// Lanes write to places of their own, so no order matters. Each step reads each byte of content and
// base once, write writes each coded byte once: 6 + 1 / ratio bytes moved a byte.
#include "kernels/delta_encode.h"

#include <type_traits>

#include "gramzip/core/delta.h"
#include "kernels/common/block_write.h"
#include "kernels/common/compare.h"
#include "kernels/common/lane_encode.h"
#include "kernels/common/pattern.h"

namespace gramzip::kernels {
namespace {
__global__ void classify_kernel(const uint8_t* content, const uint8_t* base,
                                const DeviceSegment* segments, const DeviceBlock* blocks,
                                BlockState* states) {
  const DeviceBlock block = blocks[blockIdx.x];
  const DeviceSegment& segment = segments[block.segment];
  const SegmentHeader& h = segment.header;
  const uint32_t size = h.block_bytes(block.number), element = element_info(h.type).bytes;
  const uint64_t at = segment.content_at + h.block_begin(block.number);
  const uint8_t *p = content + at, *q = base + at;
  const uint4* chunks = reinterpret_cast<const uint4*>(p);
  const uint4* others = reinterpret_cast<const uint4*>(q);
  BlockMode mode = BlockMode::raw;
  if (all_of(
          size, [&](uint32_t i) { return same(chunks[i], others[i]); },
          [&](uint32_t i) { return p[i] == q[i]; })) {
    mode = BlockMode::base;
  } else if (size % element == 0) {
    const uint4 pattern = repeat_element(p, element);
    if (all_of(
            size, [&](uint32_t i) { return same(chunks[i], pattern); },
            [&](uint32_t i) { return p[i] == p[i % element]; }))
      mode = BlockMode::constant;
  }
  if (threadIdx.x == 0) {
    states[blockIdx.x].mode = mode;
    states[blockIdx.x].repeat_of = 0;
  }
}

// A block as a lane sees it.
struct DeltaView {
  const DeviceSegment* segment;
  const uint8_t *content, *base;
  const uint8_t* class_ids;  // of its runs
  const uint8_t* table_of_sum;
  const uint32_t* codes;
  delta::Arithmetic arithmetic;
  uint32_t index, size, classes, lane;

  __device__ BlockPlan plan() const {
    return delta::plan_dense(size, segment->header.type, classes);
  }
};
// False if the warp has no block.
__device__ bool view_block(const DeltaBatch& batch, DeltaView& v) {
  v.index = blockIdx.x * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  v.lane = threadIdx.x % kWarp;
  if (v.index >= batch.count) return false;
  const DeviceBlock b = batch.blocks[v.index];
  const DeltaCoding& coding = batch.codings[b.segment];
  v.segment = &batch.segments[b.segment];
  const SegmentHeader& h = v.segment->header;
  v.arithmetic = delta::arithmetic(h.type);
  const uint64_t at = v.segment->content_at + h.block_begin(b.number);
  v.content = batch.content + at;
  v.base = batch.base + at;
  v.size = h.block_bytes(b.number);
  v.classes = coding.classes;
  v.class_ids = batch.class_ids + coding.runs_at + b.number * coding.block_runs;
  v.table_of_sum = batch.table_of_sum + coding.sums_at;
  v.codes = batch.codes + coding.codes_at;
  return true;
}

// Gives a lane's elements in order to a sink: sink.put(code, symbol, difference).
template <uint32_t kBytes, class Sink>
__device__ void walk_elements(const DeltaView& v, Sink& sink) {
  using Word = std::conditional_t<kBytes == 8, uint64_t, uint32_t>;
  const delta::Arithmetic a{8 * kBytes, v.arithmetic.exponent_bits};
  const uint32_t n = v.size / kBytes, groups = n / kLaneGroup;
  const auto put = [&](const uint8_t* of_exponent, uint64_t x, uint64_t y) {
    const Word z = a.difference(static_cast<Word>(x), static_cast<Word>(y));
    const uint32_t symbol = delta::bucket(z);
    sink.put(v.codes[(of_exponent[a.exponent(x)] << delta::kSymbolBits) + symbol], symbol, z);
  };
  uint32_t g = v.lane;
  for (; g < groups; g += kLanes) {
    const uint8_t* of_exponent = v.table_of_sum + v.class_ids[g / kLanes];
    const uint64_t at = uint64_t{g} * kLaneGroup * kBytes;
    uint64_t x[kLaneGroup], y[kLaneGroup];
    load_group<kBytes>(v.base + at, x);
    load_group<kBytes>(v.content + at, y);
#pragma unroll
    for (uint32_t k = 0; k < kLaneGroup; ++k) put(of_exponent, x[k], y[k]);
  }
  if (g != groups || n % kLaneGroup == 0) return;
  const uint8_t* of_exponent = v.table_of_sum + v.class_ids[g / kLanes];  // what the end cuts
  for (uint32_t j = g * kLaneGroup; j < n; ++j)
    put(of_exponent, load_element(v.base, j, kBytes), load_element(v.content, j, kBytes));
}
template <class Sink>
__device__ void walk_lane(const DeltaView& v, Sink& sink) {
  switch (v.arithmetic.bits) {
    case 8:
      return walk_elements<1>(v, sink);
    case 16:
      return walk_elements<2>(v, sink);
    case 32:
      return walk_elements<4>(v, sink);
    default:
      return walk_elements<8>(v, sink);
  }
}

struct DeltaCounter {
  uint32_t bits = 0;
  __device__ void put(uint32_t code, uint32_t symbol, uint64_t) {
    bits += huffman::code_length(code) + delta::raw_bits(symbol);
  }
};
struct DeltaWriter {
  LaneWriter lane;
  template <class Word>
  __device__ void put(uint32_t code, uint32_t symbol, Word difference) {
    constexpr uint32_t kMost = 31;  // bits that the writer takes at a time
    lane.put(code);
    const uint32_t bits = delta::raw_bits(symbol);
    const Word raw = difference - delta::bucket_base<Word>(symbol);
    if (sizeof(Word) == 8 && bits > kMost) {
      lane.put(static_cast<uint32_t>(raw) & ((1u << kMost) - 1), kMost);
      lane.put(static_cast<uint32_t>(uint64_t{raw} >> kMost), bits - kMost);
    } else {
      lane.put(static_cast<uint32_t>(raw), bits);
    }
  }
};

__global__ void measure_kernel(DeltaBatch batch, BlockState* states, uint32_t* lane_words) {
  DeltaView v;
  if (!view_block(batch, v)) return;
  BlockState& state = states[v.index];
  const BlockMode mode = state.mode;
  __syncwarp();  // all lanes have read it before lane 0 changes it
  uint32_t coded_bytes = mode == BlockMode::constant ? v.arithmetic.bits / 8 : 0;
  if (mode == BlockMode::raw) {
    DeltaCounter counter;
    walk_lane(v, counter);
    const uint32_t words = words_of_bits(counter.bits);
    lane_words[uint64_t{v.index} * kLanes + v.lane] = words;
    const LanePlan lanes =
        plan_lanes(__reduce_min_sync(kAllLanes, words), __reduce_max_sync(kAllLanes, words),
                   __reduce_add_sync(kAllLanes, words));
    coded_bytes = coded_block_bytes(v.plan(), lanes);
    const bool coded = coded_bytes < v.size;
    if (!coded) coded_bytes = v.size;
    if (v.lane == 0) {
      state.mode = coded ? BlockMode::coded : BlockMode::raw;
      state.lanes = lanes.head;
    }
  }
  if (v.lane == 0) state.coded_bytes = coded_bytes;
}

__global__ void write_kernel(DeltaBatch batch, const BlockState* states, const uint32_t* lane_words,
                             uint8_t* data) {
  DeltaView v;
  if (!view_block(batch, v)) return;
  const BlockState& state = states[v.index];
  uint8_t* out = data + v.segment->data_at + state.data_at;
  if (state.mode == BlockMode::coded) {
    const BlockPlan plan = v.plan();
    write_class_ids(plan, v.classes, out, v.lane, [&](uint32_t r) { return v.class_ids[r]; });
    const uint32_t tail_before = write_lane_header(
        out, plan.lanes_at, state.lanes, lane_words[uint64_t{v.index} * kLanes + v.lane], v.lane);
    DeltaWriter writer{
        {out + plan.rows_at(state.lanes.extra_bits), state.lanes, v.lane, tail_before}};
    walk_lane(v, writer);
    writer.lane.finish();
  } else {
    write_uncoded(state, v.content, out, v.lane);
  }
  fill_zero(out, state.coded_bytes, static_cast<uint32_t>(round_up(state.coded_bytes, kBlockAlign)),
            v.lane);
}
}  // namespace

cudaError_t classify_delta(const uint8_t* content, const uint8_t* base,
                           const DeviceSegment* segments, const DeviceBlock* blocks,
                           BlockState* states, uint32_t count, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(Launch{dim3(count), dim3(256), 0, stream}, classify_kernel, content, base, segments,
                blocks, states);
}

cudaError_t delta_measure(const DeltaBatch& batch, BlockState* states, uint32_t* lane_words,
                          const EncodeTuning& tuning, cudaStream_t stream) {
  if (batch.count == 0) return cudaSuccess;
  return launch(a_warp_a_block(batch.count, tuning.warps, stream), measure_kernel, batch, states,
                lane_words);
}

cudaError_t delta_write(const DeltaBatch& batch, const BlockState* states,
                        const uint32_t* lane_words, uint8_t* data, const EncodeTuning& tuning,
                        cudaStream_t stream) {
  if (batch.count == 0) return cudaSuccess;
  return launch(a_warp_a_block(batch.count, tuning.warps, stream), write_kernel, batch, states,
                lane_words, data);
}
}  // namespace gramzip::kernels
