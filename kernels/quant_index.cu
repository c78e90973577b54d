// SPDX-License-Identifier: Apache-2.0
// From elements to numbers of levels (docs/format.md, 16), and which levels occur.
//
// QuantEncodeTuning::parts CTAs a block; a thread takes 8 elements and writes 8 numbers of 16 bits
// by one store. Without scales: a table of all patterns of 8 or 16 bits, through L1 and L2, or a
// bisection among the elements that levels are. With scales a bisection among the group's
// elements, which ascend with levels, or descend if the scale is negative, and are computed as they
// are asked for. The lowest number of equal elements is found whatever the order of threads; bits
// of levels seen are summed in shared memory. Reads each element once, writes 2 bytes for it.
#include "gramzip/core/delta.h"
#include "kernels/common/lane_encode.h"
#include "kernels/common/quant_view.h"

namespace gramzip::kernels {
namespace {
struct IndexTables {
  const uint16_t* numbers;
  const uint64_t* elements;
  const float* values;
  const float* scales;
  const uint8_t* zero_points;
};

// Without scales.
__device__ uint32_t find_level(const QuantCoding& c, const IndexTables& t, uint32_t bytes,
                               uint64_t x) {
  const uint16_t* const numbers = t.numbers + c.numbers_at;
  if (bytes <= 2) return numbers[x];
  const uint64_t* const elements = t.elements + c.elements_at;
  uint32_t low = 0, high = c.element_count;
  while (low < high) {
    const uint32_t i = (low + high) / 2;
    if (elements[i] < x)
      low = i + 1;
    else
      high = i;
  }
  return low < c.element_count && elements[low] == x ? numbers[low] : c.levels;
}

// With scales; j: of the element in the segment.
__device__ uint32_t find_scaled(const QuantCoding& c, const IndexTables& t, ElementType type,
                                const delta::Arithmetic& a, uint32_t j, uint64_t x) {
  const uint32_t g = (c.phase + j) / c.group;  // below 2^31 + 2^24
  const float scale = t.scales[c.scales_at + g];
  const float zero = c.zero_points ? static_cast<float>(t.zero_points[c.zero_points_at + g]) : 0.0f;
  const bool falls = (quant::float_as_bits(scale) >> 31) != 0;
  const float* const values = t.values + c.values_at;
  const uint64_t want = a.order(x);
  uint32_t low = 0, high = c.levels;
  bool found = false;
  while (low < high) {
    const uint32_t i = (low + high) / 2;
    const uint64_t at = a.order(quant::round_scaled(type, scale * (values[i] - zero)));
    found = found || at == want;
    if (falls ? at > want : at < want)
      low = i + 1;
    else
      high = i;
  }
  return found ? low : c.levels;
}

// Sets a bit that most often is set.
__device__ void mark(uint32_t* word, uint32_t bit) {
  if ((*static_cast<volatile uint32_t*>(word) & bit) == 0) atomicOr(word, bit);
}

template <uint32_t kBytes>
__device__ void find_all(const QuantView& v, const IndexTables& t, uint32_t* seen) {
  const QuantCoding& c = *v.coding;
  const ElementType type = v.header->type;
  const delta::Arithmetic a = delta::arithmetic(type);
  const uint32_t step = gridDim.y * blockDim.x * kLaneGroup;
  for (uint32_t j = (blockIdx.y * blockDim.x + threadIdx.x) * kLaneGroup; j < v.n; j += step) {
    uint64_t x[kLaneGroup] = {};
    if (j + kLaneGroup <= v.n)
      load_group<kBytes>(v.content + uint64_t{j} * kBytes, x);
    else
#pragma unroll
      for (uint32_t k = 0; k < kLaneGroup; ++k)
        if (j + k < v.n) x[k] = load_element(v.content, j + k, kBytes);
    uint32_t w[4] = {};
#pragma unroll
    for (uint32_t k = 0; k < kLaneGroup; ++k) {
      if (j + k >= v.n) break;
      const uint32_t i = c.scaled ? find_scaled(c, t, type, a, v.first + j + k, x[k])
                                  : find_level(c, t, kBytes, x[k]);
      w[k / 2] |= i << (16 * (k % 2));
      if (i < c.levels) mark(&seen[i / 32], 1u << (i % 32));
    }
    // Behind the block's last element lies the next segment's place, at a multiple of 8.
    *reinterpret_cast<uint4*>(v.indexes + j) = make_uint4(w[0], w[1], w[2], w[3]);
  }
}

__global__ void __launch_bounds__(256)
    quant_indexes_kernel(const QuantEncodeBatch batch, const IndexTables t, uint32_t* all_seen) {
  __shared__ uint32_t seen[kSeenWords];
  const QuantView v(batch, blockIdx.x);
  if (!v.to_be_coded()) return;  // the whole CTA leaves
  for (uint32_t i = threadIdx.x; i < kSeenWords; i += blockDim.x) seen[i] = 0;
  __syncthreads();
  switch (v.element) {
    case 1:
      find_all<1>(v, t, seen);
      break;
    case 2:
      find_all<2>(v, t, seen);
      break;
    case 4:
      find_all<4>(v, t, seen);
      break;
    default:
      find_all<8>(v, t, seen);
  }
  __syncthreads();
  for (uint32_t i = threadIdx.x; i < kSeenWords; i += blockDim.x)
    if (seen[i] != 0) atomicOr(&all_seen[v.coding->seen_at + i], seen[i]);
}

__device__ uint32_t keep_pair(uint32_t pair, uint32_t begin, uint32_t levels) {
  const uint32_t low = min((pair & 0xffff) - begin, levels),
                 high = min((pair >> 16) - begin, levels);
  return low | (high << 16);
}
__global__ void __launch_bounds__(256) keep_levels_kernel(const QuantEncodeBatch batch) {
  const QuantView v(batch, blockIdx.x);
  const QuantCoding& c = *v.coding;
  if (!v.to_be_coded() || (c.begin == 0 && c.end == c.levels)) return;
  const uint32_t step = gridDim.y * blockDim.x * kLaneGroup, levels = c.end - c.begin;
  for (uint32_t j = (blockIdx.y * blockDim.x + threadIdx.x) * kLaneGroup; j < v.n; j += step) {
    uint4 w = *reinterpret_cast<const uint4*>(v.indexes + j);
    w.x = keep_pair(w.x, c.begin, levels);
    w.y = keep_pair(w.y, c.begin, levels);
    w.z = keep_pair(w.z, c.begin, levels);
    w.w = keep_pair(w.w, c.begin, levels);
    *reinterpret_cast<uint4*>(v.indexes + j) = w;
  }
}

__global__ void gather_kernel(const uint16_t* indexes, const uint64_t* from, uint16_t* runs) {
  reinterpret_cast<uint4*>(runs + uint64_t{blockIdx.x} * kRunElements)[threadIdx.x] =
      reinterpret_cast<const uint4*>(indexes + from[blockIdx.x])[threadIdx.x];
}
}  // namespace

cudaError_t quant_indexes(const QuantEncodeBatch& batch, const uint16_t* numbers,
                          const uint64_t* elements, const float* values, const float* scales,
                          const uint8_t* zero_points, uint32_t* seen,
                          const QuantEncodeTuning& tuning, cudaStream_t stream) {
  if (batch.count == 0) return cudaSuccess;
  return launch(Launch{dim3(batch.count, tuning.parts), dim3(tuning.threads), 0, stream},
                quant_indexes_kernel, batch,
                IndexTables{numbers, elements, values, scales, zero_points}, seen);
}

cudaError_t keep_levels(const QuantEncodeBatch& batch, const QuantEncodeTuning& tuning,
                        cudaStream_t stream) {
  if (batch.count == 0) return cudaSuccess;
  return launch(Launch{dim3(batch.count, tuning.parts), dim3(tuning.threads), 0, stream},
                keep_levels_kernel, batch);
}

cudaError_t gather_runs(const uint16_t* indexes, const uint64_t* from, uint32_t count,
                        uint16_t* runs, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(Launch{dim3(count), dim3(kRunElements / 8), 0, stream}, gather_kernel, indexes,
                from, runs);
}
}  // namespace gramzip::kernels
