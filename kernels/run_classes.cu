// SPDX-License-Identifier: Apache-2.0
// Assigns the runs of a block to classes (core/run_classes.h, choose_class) and counts symbols.
//
//   run:     256 symbols, 8 a lane
//   costs:   row of a symbol: 32 classes of 16 bits = 4 lanes x 16 bytes
//   quad q:  the 32 symbols of its own 4 lanes, one row a step; 8 quads, so 8 rows a step and warp
//   sums:    two classes in a word; over the quads by shuffles; then the least of (sum, class)
//   shared:  counts [classes][alphabet], if they fit; else counts go to global memory one by one
//
// Without training a first pass sums the exponents of each run, and the second takes the class from
// that instead of from costs.
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
};

// use(run, symbols): the symbols of this lane, 8 of each run, kAbsent behind the end; a warp a run.
template <uint32_t kBytes, class Use>
__device__ void for_runs(const Block& b, const Use& use) {
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
    use(run, symbols);
  }
}
template <class Use>
__device__ void for_runs_of(const Block& b, const Use& use) {
  switch (b.find.split.bytes) {
    case 1:
      return for_runs<1>(b, use);
    case 2:
      return for_runs<2>(b, use);
    case 4:
      return for_runs<4>(b, use);
    default:
      return for_runs<8>(b, use);
  }
}

// The class of each run, choose(run, symbols), and counts [class][symbol] of a segment: `own_bins`
// of them, in shared memory if they fit.
struct Counts {
  uint32_t alphabet, own_bins, shared_bins;
  uint8_t* class_ids;
  uint32_t* all;
  uint32_t* shared;
};
template <class Choose>
__device__ void assign_runs(const Block& b, const Counts& c, const Choose& choose) {
  const auto with = [&](uint32_t* bins) {
    for_runs_of(b, [&](uint32_t run, const uint32_t* symbols) {
      const uint32_t id = choose(run, symbols);
      if (threadIdx.x % kWarp == 0) c.class_ids[run] = static_cast<uint8_t>(id);
#pragma unroll
      for (uint32_t k = 0; k < kLaneGroup; ++k)
        if (symbols[k] != kAbsent) atomicAdd(&bins[id * c.alphabet + symbols[k]], 1u);
    });
  };
  if (c.own_bins > c.shared_bins) return with(c.all);
  for (uint32_t i = threadIdx.x; i < c.own_bins; i += blockDim.x) c.shared[i] = 0;
  __syncthreads();
  with(c.shared);
  __syncthreads();
  for (uint32_t i = threadIdx.x; i < c.own_bins; i += blockDim.x)
    if (const uint32_t n = c.shared[i]; n > 0) atomicAdd(&c.all[i], n);
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
                {split, h.exact_values, exact + at.exact_at}};
  const auto* own_costs = reinterpret_cast<const uint4*>(costs + at.costs_at);
  const Counts c{h.alphabet(),
                 at.classes * h.alphabet(),
                 shared_bins,
                 class_ids + at.runs_at + block.number * runs_of_a_block(h),
                 counts + at.symbols_at,
                 bins};
  assign_runs(b, c, [&](uint32_t, const uint32_t* symbols) {
    return at.classes > 1 ? cheapest_class(symbols, own_costs, threadIdx.x % kWarp) : 0u;
  });
}

__device__ Block plain_block(const uint8_t* content, const SegmentHeader& h, const EncodePlaces& at,
                             uint32_t number) {
  const Split split = h.split();
  return {content + at.elements_at + h.block_begin(number),
          h.block_bytes(number) / split.bytes,
          {split, 0, nullptr}};
}

__global__ void keys_kernel(const uint8_t* content, const DeviceSegment* segments,
                            const EncodePlaces* places, const DeviceBlock* blocks,
                            const BlockState* states, uint16_t* keys, KeySums* sums) {
  const DeviceBlock block = blocks[blockIdx.x];
  const SegmentHeader& h = segments[block.segment].header;
  // The whole CTA leaves.
  if (states[blockIdx.x].mode != BlockMode::raw || h.codec != Codec::floats) return;
  const EncodePlaces& at = places[block.segment];
  const Block b = plain_block(content, h, at, block.number);
  const uint32_t shift = key_shift(b.find.split, h.type);
  uint16_t* const own = keys + at.runs_at + block.number * runs_of_a_block(h);
  for_runs_of(b, [&](uint32_t run, const uint32_t* symbols) {
    uint32_t sum = 0, n = 0;
#pragma unroll
    for (uint32_t k = 0; k < kLaneGroup; ++k)
      if (symbols[k] != kAbsent) sum += symbols[k] >> shift, ++n;
    sum = __reduce_add_sync(kAllLanes, sum);
    n = __reduce_add_sync(kAllLanes, n);
    if (threadIdx.x % kWarp != 0) return;
    const uint32_t key = run_key(sum, n);
    own[run] = static_cast<uint16_t>(key);
    atomicAdd(&sums[block.segment].keys, static_cast<unsigned long long>(key));
    atomicAdd(&sums[block.segment].runs, 1ull);
  });
}

__global__ void by_keys_kernel(const uint8_t* content, const DeviceSegment* segments,
                               const EncodePlaces* places, const DeviceBlock* blocks,
                               const BlockState* states, const uint16_t* keys, const KeySums* sums,
                               uint32_t shared_bins, uint8_t* class_ids, uint32_t* counts) {
  GRAMZIP_DYN_SHARED(uint32_t, bins);
  const DeviceBlock block = blocks[blockIdx.x];
  const SegmentHeader& h = segments[block.segment].header;
  // The whole CTA leaves.
  if (states[blockIdx.x].mode != BlockMode::raw || h.codec != Codec::floats) return;
  const EncodePlaces& at = places[block.segment];
  const uint32_t first_run = at.runs_at + block.number * runs_of_a_block(h);
  const KeySums all = sums[block.segment];
  const Counts c{h.alphabet(),          at.classes * h.alphabet(), shared_bins,
                 class_ids + first_run, counts + at.symbols_at,    bins};
  assign_runs(plain_block(content, h, at, block.number), c, [&](uint32_t run, const uint32_t*) {
    return class_of_key(keys[first_run + run], all.keys, static_cast<uint32_t>(all.runs),
                        at.classes);
  });
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

cudaError_t run_keys(const uint8_t* content, const DeviceSegment* segments,
                     const EncodePlaces* places, const DeviceBlock* blocks,
                     const BlockState* states, uint32_t count, uint16_t* keys, KeySums* sums,
                     const RunClassesTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(Launch{dim3(count), dim3(tuning.threads), 0, stream}, keys_kernel, content,
                segments, places, blocks, states, keys, sums);
}

cudaError_t assign_by_keys(const uint8_t* content, const DeviceSegment* segments,
                           const EncodePlaces* places, const DeviceBlock* blocks,
                           const BlockState* states, uint32_t count, const uint16_t* keys,
                           const KeySums* sums, uint32_t most_bins, uint8_t* class_ids,
                           uint32_t* counts, const RunClassesTuning& tuning, cudaStream_t stream) {
  if (count == 0 || most_bins == 0) return cudaSuccess;
  const uint32_t bins = most_bins < tuning.shared_bins ? most_bins : tuning.shared_bins;
  return launch(Launch{dim3(count), dim3(tuning.threads), bins * sizeof(uint32_t), stream},
                by_keys_kernel, content, segments, places, blocks, states, keys, sums, bins,
                class_ids, counts);
}
}  // namespace gramzip::kernels
