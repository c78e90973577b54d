// SPDX-License-Identifier: Apache-2.0
// Encodes blocks of quantized weights, coders huffman and trellis (docs/format.md, 16), from
// numbers of levels, or symbols of a trellis, which have no phrases.
//
//   classes:  a warp a run, costs of its 256 numbers summed -> the cheapest class
//   count:    lane l of a warp parses sub-stream l into phrases -> counts by class and symbol
//   measure:  parses again, code lengths summed -> words of the lanes -> raw or coded
//   write:    parses again: class ids | lane header | rows, lane l writes word r at 128 r + 4 l |
//   tails shared:   count: bins, [class][symbol], if they fit
//
// Parsing is cheaper than keeping symbols, which would move 2 bytes each way a symbol. Lanes write
// to places of their own, and counts are sums, so no order matters. Reads the numbers, 2 bytes an
// element, four times.
#include "kernels/quant_encode.h"

#include "kernels/common/block_write.h"
#include "kernels/common/cheapest_class.h"
#include "kernels/common/lane_encode.h"
#include "kernels/common/quant_view.h"

namespace gramzip::kernels {
namespace {
__global__ void quant_classes_kernel(const QuantEncodeBatch batch, const ClassCost* costs) {
  const QuantView v(batch, blockIdx.x);
  if (!v.to_be_coded()) return;
  const uint32_t lane = threadIdx.x % kWarp;
  const auto runs = static_cast<uint32_t>(ceil_div(v.n, kRunElements));
  const auto* const rows = reinterpret_cast<const uint4*>(costs + v.coding->costs_at);
  for (uint32_t run = threadIdx.x / kWarp; run < runs; run += blockDim.x / kWarp) {
    if (v.coding->classes == 1) {
      if (lane == 0) v.class_ids[run] = 0;
      continue;
    }
    const uint32_t j = run * kRunElements + lane * kLaneGroup;
    uint32_t symbols[kLaneGroup];
#pragma unroll
    for (uint32_t k = 0; k < kLaneGroup; ++k) symbols[k] = j + k < v.n ? v.indexes[j + k] : kAbsent;
    __syncwarp();
    const uint32_t id = cheapest_class(symbols, rows, lane);
    if (lane == 0) v.class_ids[run] = static_cast<uint8_t>(id);
  }
}

// add(place): one more symbol at that place of the counts.
template <class Add>
__device__ void count_lane(const QuantView& v, const uint16_t* phrase_base, uint32_t lane,
                           const Add& add) {
  const QuantCoding& c = *v.coding;
  const quant::LaneSpan span = quant::lane_span(v.n, lane);
  quant::parse_lane(v.indexes, span.begin, span.end, c.levels, phrase_base,
                    [&](uint32_t symbol, uint32_t first) {
                      add(v.class_ids[first / kRunElements] * c.alphabet + symbol);
                    });
}

__global__ void quant_count_kernel(const QuantEncodeBatch batch, const uint16_t* phrase_bases,
                                   uint32_t shared_bins, uint32_t* counts) {
  GRAMZIP_DYN_SHARED(uint32_t, bins);
  const QuantView v(batch, blockIdx.x);
  const QuantCoding& c = *v.coding;
  if (!v.to_be_coded() || c.alphabet == 0) return;
  uint32_t* const all = counts + c.counts_at;
  const uint16_t* const phrase_base = phrase_bases + c.phrase_base_at;
  const uint32_t own_bins = c.classes * c.alphabet;
  if (own_bins > shared_bins)
    return count_lane(v, phrase_base, threadIdx.x,
                      [&](uint32_t place) { atomicAdd(&all[place], 1u); });
  for (uint32_t i = threadIdx.x; i < own_bins; i += kWarp) bins[i] = 0;
  __syncwarp();
  count_lane(v, phrase_base, threadIdx.x, [&](uint32_t place) { atomicAdd(&bins[place], 1u); });
  __syncwarp();
  for (uint32_t i = threadIdx.x; i < own_bins; i += kWarp)
    if (const uint32_t n = bins[i]; n > 0) atomicAdd(&all[i], n);
}

// The symbols of a lane: put(packed code, escape or not, number of its first element).
template <class Put>
__device__ void walk_codes(const QuantView& v, const QuantCodes& t, uint32_t lane, const Put& put) {
  const QuantCoding& c = *v.coding;
  const uint8_t* const numbers = t.class_numbers + c.class_numbers_at;
  const quant::LaneSpan span = quant::lane_span(v.n, lane);
  quant::parse_lane(v.indexes, span.begin, span.end, c.levels, t.phrase_bases + c.phrase_base_at,
                    [&](uint32_t symbol, uint32_t first) {
                      const uint32_t id = numbers[v.class_ids[first / kRunElements]];
                      put(t.codes[c.codes_at + id * c.alphabet + symbol],
                          symbol == c.escapes[0] || symbol == c.escapes[1], first);
                    });
}

__global__ void quant_measure_kernel(const QuantEncodeBatch batch, const QuantCodes codes,
                                     uint32_t* lane_words) {
  const uint32_t index = blockIdx.x * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  if (index >= batch.count) return;
  const uint32_t lane = threadIdx.x % kWarp;
  const QuantView v(batch, index);
  const BlockMode mode = v.state->mode;
  __syncwarp();  // all lanes have read it before lane 0 changes it
  if (v.coding->horner) return;
  uint32_t coded_bytes = mode == BlockMode::constant ? v.element : 4;
  if (mode == BlockMode::raw) {
    const uint32_t size = v.n * v.element;
    uint32_t bits = 0;
    walk_codes(v, codes, lane, [&](uint32_t code, bool escape, uint32_t) {
      bits += huffman::code_length(code) + (escape ? 8 * v.element : 0);
    });
    const uint32_t words = words_of_bits(bits);
    lane_words[uint64_t{index} * kLanes + lane] = words;
    const LanePlan lanes =
        plan_lanes(__reduce_min_sync(kAllLanes, words), __reduce_max_sync(kAllLanes, words),
                   __reduce_add_sync(kAllLanes, words));
    coded_bytes = coded_block_bytes(quant::plan_coded(v.n, v.coding->classes_left), lanes);
    const bool coded = coded_bytes < size;
    if (!coded) coded_bytes = size;
    if (lane == 0) {
      v.state->mode = coded ? BlockMode::coded : BlockMode::raw;
      v.state->lanes = lanes.head;
    }
  }
  if (lane == 0) v.state->coded_bytes = coded_bytes;
}

__device__ void write_coded(const QuantView& v, const QuantCodes& codes, uint32_t words,
                            uint32_t lane, uint8_t* out) {
  const QuantCoding& c = *v.coding;
  const BlockPlan plan = quant::plan_coded(v.n, c.classes_left);
  const LaneHead head = v.state->lanes;
  const uint8_t* const numbers = codes.class_numbers + c.class_numbers_at;
  write_class_ids(plan, c.classes_left, out, lane,
                  [&](uint32_t r) { return uint32_t{numbers[v.class_ids[r]]}; });
  const uint32_t tail_before = write_lane_header(out, plan.lanes_at, head, words, lane);
  LaneWriter to(out + plan.rows_at(head.extra_bits), head, lane, tail_before);
  walk_codes(v, codes, lane, [&](uint32_t code, bool escape, uint32_t first) {
    to.put(code);
    if (!escape) return;
    const uint64_t x = load_element(v.content, first, v.element);
    for (uint32_t at = 0; at < 8 * v.element; at += 8)
      to.put(static_cast<uint32_t>(x >> at) & 0xff, 8);
  });
  to.finish();
}

__global__ void quant_write_kernel(const QuantEncodeBatch batch, const QuantCodes codes,
                                   const uint32_t* lane_words, uint8_t* data) {
  const uint32_t index = blockIdx.x * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  if (index >= batch.count) return;
  const uint32_t lane = threadIdx.x % kWarp;
  const QuantView v(batch, index);
  if (v.coding->horner) return;
  const BlockState& state = *v.state;
  uint8_t* const out = data + batch.segments[batch.blocks[index].segment].data_at + state.data_at;
  if (state.mode == BlockMode::coded)
    write_coded(v, codes, lane_words[uint64_t{index} * kLanes + lane], lane, out);
  else
    write_uncoded(state, v.content, out, lane);
  fill_zero(out, state.coded_bytes, static_cast<uint32_t>(round_up(state.coded_bytes, kBlockAlign)),
            lane);
}
}  // namespace

cudaError_t quant_classes(const QuantEncodeBatch& batch, const ClassCost* costs,
                          const QuantEncodeTuning& tuning, cudaStream_t stream) {
  if (batch.count == 0) return cudaSuccess;
  return launch(Launch{dim3(batch.count), dim3(tuning.threads), 0, stream}, quant_classes_kernel,
                batch, costs);
}

cudaError_t quant_count(const QuantEncodeBatch& batch, const uint16_t* phrase_bases,
                        uint32_t most_bins, uint32_t* counts, const QuantEncodeTuning& tuning,
                        cudaStream_t stream) {
  if (batch.count == 0 || most_bins == 0) return cudaSuccess;
  const uint32_t bins = most_bins < tuning.shared_bins ? most_bins : tuning.shared_bins;
  return launch(Launch{dim3(batch.count), dim3(kWarp), bins * sizeof(uint32_t), stream},
                quant_count_kernel, batch, phrase_bases, bins, counts);
}

cudaError_t quant_measure(const QuantEncodeBatch& batch, const QuantCodes& codes,
                          uint32_t* lane_words, const QuantEncodeTuning& tuning,
                          cudaStream_t stream) {
  if (batch.count == 0) return cudaSuccess;
  return launch(a_warp_a_block(batch.count, tuning.warps, stream), quant_measure_kernel, batch,
                codes, lane_words);
}

cudaError_t quant_write(const QuantEncodeBatch& batch, const QuantCodes& codes,
                        const uint32_t* lane_words, uint8_t* data, const QuantEncodeTuning& tuning,
                        cudaStream_t stream) {
  if (batch.count == 0) return cudaSuccess;
  return launch(a_warp_a_block(batch.count, tuning.warps, stream), quant_write_kernel, batch, codes,
                lane_words, data);
}
}  // namespace gramzip::kernels
