// SPDX-License-Identifier: Apache-2.0
// Encodes parsed text: lane l of a warp is sub-stream l of the block.
//
//   parse     0 -> 3 -> 4 -> 16 ...      links forward; node 3 has the symbol from 0 to 3
//   measure:  bits of the lane's codes -> words -> size -> raw or coded
//   write:    lane header | rows, lane l writes word r at 128 r + 4 l | tails
//
// Both walk the links with one loop. Lanes write to places of their own, so no order matters.
// Reads 14 bytes a symbol and its code twice, writes each coded byte once.
#include "kernels/text_encode.h"

#include "kernels/common/block_write.h"
#include "kernels/common/lane_encode.h"

namespace gramzip::kernels {
namespace {
struct TextBitCounter {
  uint32_t bits = 0;
  __device__ void put(uint32_t packed) { bits += huffman::code_length(packed); }
  __device__ void put(uint32_t, uint32_t length) { bits += length; }
};

// A block as a lane of its warp sees it. False if the warp has none.
struct View {
  const DeviceSegment* segment;
  const TextCodes* codes;
  uint32_t number, index, size, lane;
  uint64_t at;  // of the block's content

  __device__ bool load(const DeviceSegment* segments, const TextCodes* all_codes,
                       const DeviceBlock* blocks, uint32_t count) {
    index = blockIdx.x * (blockDim.x / kWarp) + threadIdx.x / kWarp;
    lane = threadIdx.x % kWarp;
    if (index >= count) return false;
    const DeviceBlock b = blocks[index];
    segment = &segments[b.segment];
    codes = &all_codes[b.segment];
    number = b.number;
    size = segment->header.block_bytes(number);
    at = segment->content_at + segment->header.block_begin(number);
    return true;
  }
};

// Gives the codes and raw bits of a lane to `out`, in order.
template <class Out>
__device__ void walk_symbols(const View& v, const TextParseArrays& parse, Out& out) {
  const TextCodes& t = *v.codes;
  const uint32_t n = lane_count(v.size, v.lane, false);
  const uint64_t at = v.at + v.lane * lane_piece(v.size);
  uint32_t previous = text::kFirstContext;
  for (uint32_t p = 0; p < n;) {
    p = parse.next[at + p];
    const text::ParseNode node = parse.nodes[at + p - 1];
    const uint32_t s = text::node_symbol(node), c = t.costs.class_of[previous];
    previous = s;
    const uint32_t code = t.codes[uint64_t{c} * t.costs.symbols + s];
    if (code == 0) {
      out.put(t.escapes[c]);
      out.put(t.global[s]);
    } else {
      out.put(code);
    }
    if (s < t.costs.strings_end) continue;
    const uint32_t length = text::node_length(node), b = text::length_bucket(length);
    const text::Bucket of_length = text::bucket(b);
    out.put(length - text::kMinMatch - of_length.base, of_length.raw_bits);
    if (s >= t.costs.strings_end + text::kLengthBuckets) continue;  // a last distance
    const uint32_t distance = parse.distances[at + p - 1], d = text::bucket_of(distance);
    const text::Bucket of_distance = text::bucket(d);
    out.put(t.distance[text::length_class(b)][d]);
    out.put(distance - of_distance.base, of_distance.raw_bits);
  }
}

__global__ void measure_kernel(const DeviceSegment* segments, const TextCodes* codes,
                               const DeviceBlock* blocks, BlockState* states, uint32_t count,
                               TextParseArrays parse, uint32_t* lane_words) {
  View v;
  if (!v.load(segments, codes, blocks, count)) return;
  BlockState& state = states[v.index];
  const BlockMode mode = state.mode;
  __syncwarp();  // all lanes have read it before lane 0 changes it
  uint32_t coded_bytes = mode == BlockMode::constant ? 1 : 4;
  if (mode == BlockMode::raw) {
    TextBitCounter counter;
    walk_symbols(v, parse, counter);
    const uint32_t words = words_of_bits(counter.bits);
    lane_words[uint64_t{v.index} * kLanes + v.lane] = words;
    __syncwarp();
    const LanePlan lanes =
        plan_lanes(__reduce_min_sync(kAllLanes, words), __reduce_max_sync(kAllLanes, words),
                   __reduce_add_sync(kAllLanes, words));
    coded_bytes = lane_header_bytes(lanes.head.extra_bits) + 4 * lanes.total_words;
    const bool coded = coded_bytes < v.size;
    if (!coded) coded_bytes = v.size;
    if (v.lane == 0) {
      state.mode = coded ? BlockMode::coded : BlockMode::raw;
      state.lanes = lanes.head;
    }
  }
  if (v.lane == 0) state.coded_bytes = coded_bytes;
}

__global__ void write_kernel(const uint8_t* content, const DeviceSegment* segments,
                             const TextCodes* codes, const DeviceBlock* blocks,
                             const BlockState* states, uint32_t count, TextParseArrays parse,
                             const uint32_t* lane_words, uint8_t* data) {
  View v;
  if (!v.load(segments, codes, blocks, count)) return;
  const BlockState& state = states[v.index];
  uint8_t* out = data + v.segment->data_at + state.data_at;
  if (state.mode == BlockMode::coded) {
    const LaneHead head = state.lanes;
    const uint32_t words = lane_words[uint64_t{v.index} * kLanes + v.lane];
    const uint32_t tail_before = write_lane_header(out, 0, head, words, v.lane);
    LaneWriter writer(out + lane_header_bytes(head.extra_bits), head, v.lane, tail_before);
    walk_symbols(v, parse, writer);
    writer.finish();
  } else {
    write_uncoded(state, content + v.at, out, v.lane);
  }
  fill_zero(out, state.coded_bytes, static_cast<uint32_t>(round_up(state.coded_bytes, kBlockAlign)),
            v.lane);
}
}  // namespace

cudaError_t text_encode_measure(const DeviceSegment* segments, const TextCodes* codes,
                                const DeviceBlock* blocks, BlockState* states, uint32_t count,
                                const TextParseArrays& parse, uint32_t* lane_words,
                                const EncodeTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(a_warp_a_block(count, tuning.warps, stream), measure_kernel, segments, codes, blocks,
                states, count, parse, lane_words);
}

cudaError_t text_encode_write(const uint8_t* content, const DeviceSegment* segments,
                              const TextCodes* codes, const DeviceBlock* blocks,
                              const BlockState* states, uint32_t count,
                              const TextParseArrays& parse, const uint32_t* lane_words,
                              uint8_t* data, const EncodeTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(a_warp_a_block(count, tuning.warps, stream), write_kernel, content, segments, codes,
                blocks, states, count, parse, lane_words, data);
}
}  // namespace gramzip::kernels
