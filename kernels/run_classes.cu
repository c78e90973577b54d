// SPDX-License-Identifier: Apache-2.0
// Assigns the runs of a block to classes (core/run_classes.h, choose_class) and counts symbols.
//
//   run:     256 symbols, 8 a lane
//   costs:   row of a symbol: 32 classes of 16 bits = 4 lanes x 16 bytes
//   quad q:  the 32 symbols of its own 4 lanes, one row a step; 8 quads, so 8 rows a step and warp
//   sums:    two classes in a word; over the quads by shuffles; then the least of (sum, class)
//   shared:  counts [classes][alphabet], if they fit; else counts go to global memory one by one
//
// One CTA a block, a warp a run. Sums stay below 2^16, so halves of a word do not carry into each
// other, and integer sums and minima have no order. Reads each byte once, the costs from L1.
#include "kernels/run_classes.h"

#include "kernels/common/cheapest_class.h"
#include "kernels/common/lane_encode.h"

namespace gramzip::kernels {
namespace {
struct Block {
  const uint8_t* elements;
  uint32_t n;
  SymbolFinder find;
  uint32_t classes, alphabet;
  const uint4* costs;
  uint8_t* class_ids;
};

// add(place): one more symbol at that place of the counts.
template <uint32_t kBytes, class Add>
__device__ void assign_runs(const Block& b, Add add) {
  const uint32_t lane = threadIdx.x % kWarp, groups = b.n / kLaneGroup;
  const auto runs = static_cast<uint32_t>(ceil_div(b.n, kRunElements));
  for (uint32_t run = threadIdx.x / kWarp; run < runs; run += blockDim.x / kWarp) {
    const uint32_t g = run * kLanes + lane;
    uint32_t symbols[kLaneGroup];
    if (g < groups) {
      uint64_t x[kLaneGroup];
      load_group<kBytes>(b.elements + uint64_t{g} * kLaneGroup * kBytes, x);
#pragma unroll
      for (uint32_t k = 0; k < kLaneGroup; ++k) symbols[k] = b.find.symbol(x[k]);
    } else {
#pragma unroll
      for (uint32_t k = 0; k < kLaneGroup; ++k) {
        const uint32_t j = g * kLaneGroup + k;
        symbols[k] = j < b.n ? b.find.symbol(load_element(b.elements, j, kBytes)) : kAbsent;
      }
    }
    __syncwarp();
    const uint32_t id = b.classes > 1 ? cheapest_class(symbols, b.costs, lane) : 0;
    if (lane == 0) b.class_ids[run] = static_cast<uint8_t>(id);
#pragma unroll
    for (uint32_t k = 0; k < kLaneGroup; ++k)
      if (symbols[k] != kAbsent) add(id * b.alphabet + symbols[k]);
  }
}
template <class Add>
__device__ void assign_runs_of(const Block& b, Add add) {
  switch (b.find.split.bytes) {
    case 1:
      return assign_runs<1>(b, add);
    case 2:
      return assign_runs<2>(b, add);
    case 4:
      return assign_runs<4>(b, add);
    default:
      return assign_runs<8>(b, add);
  }
}

__global__ void assign_kernel(const uint8_t* content, const DeviceSegment* segments,
                              const EncodePlaces* places, const DeviceBlock* blocks,
                              const BlockState* states, const ClassCost* costs,
                              const uint64_t* exact, uint32_t shared_bins, uint8_t* class_ids,
                              uint32_t* counts) {
  GRAMZIP_DYN_SHARED(uint32_t, bins);
  const DeviceBlock block = blocks[blockIdx.x];
  const SegmentHeader& h = segments[block.segment].header;
  const Split split = h.split();
  // The whole CTA leaves.
  if (states[blockIdx.x].mode != BlockMode::raw || !split.interleaved) return;
  const EncodePlaces& at = places[block.segment];
  const Block b{content + at.elements_at + h.block_begin(block.number),
                h.block_bytes(block.number) / split.bytes,
                {split, h.exact_values, exact + at.exact_at},
                at.classes,
                h.alphabet(),
                reinterpret_cast<const uint4*>(costs + at.costs_at),
                class_ids + at.runs_at + block.number * runs_of_a_block(h)};
  uint32_t* const all = counts + at.symbols_at;
  const uint32_t own_bins = at.classes * h.alphabet();
  if (own_bins > shared_bins)
    return assign_runs_of(b, [&](uint32_t place) { atomicAdd(&all[place], 1u); });
  for (uint32_t i = threadIdx.x; i < own_bins; i += blockDim.x) bins[i] = 0;
  __syncthreads();
  assign_runs_of(b, [&](uint32_t place) { atomicAdd(&bins[place], 1u); });
  __syncthreads();
  for (uint32_t i = threadIdx.x; i < own_bins; i += blockDim.x)
    if (const uint32_t n = bins[i]; n > 0) atomicAdd(&all[i], n);
}
}  // namespace

cudaError_t assign_classes(const uint8_t* content, const DeviceSegment* segments,
                           const EncodePlaces* places, const DeviceBlock* blocks,
                           const BlockState* states, uint32_t count, const ClassCost* costs,
                           const uint64_t* exact, uint32_t most_bins, uint8_t* class_ids,
                           uint32_t* counts, const RunClassesTuning& tuning, cudaStream_t stream) {
  if (count == 0 || most_bins == 0) return cudaSuccess;
  const uint32_t bins = most_bins < tuning.shared_bins ? most_bins : tuning.shared_bins;
  return launch(Launch{dim3(count), dim3(tuning.threads), bins * sizeof(uint32_t), stream},
                assign_kernel, content, segments, places, blocks, states, costs, exact, bins,
                class_ids, counts);
}
}  // namespace gramzip::kernels
